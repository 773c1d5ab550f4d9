"""The rows of system tables, where one connection's statements find them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.system.tables import SCHEMA

_SOURCE = "rows of a system table"


def fill(connection: Connection, tables: Mapping[str, pa.Table]) -> None:
    """Put rows into temporary tables of a connection, under the names that statements have.

    Args:
        connection: used for one statement, and closed then.
        tables: by name, in their schemas.
    """
    for name, table in tables.items():
        reader: Any = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
        with connection.alone():
            connection.register(_SOURCE, reader.__arrow_c_stream__())
            connection.hold(f"{SCHEMA}.{name}", f'FROM "{_SOURCE}"')
            connection.unregister(_SOURCE)
