"""Rows of several statements, written to a table of the lake as one file.

While they are collected, a temporary table of the same name is what their texts mean. It has the
same columns, so that what does not fit fails where it stands.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.types import quoted

_COLUMNS = """
    SELECT name, type, "notnull", dflt_value FROM system.main.pragma_table_info($name)"""


@contextmanager
def collected(connection: Connection, table: str) -> Iterator[None]:
    """Collect what is added to a table meanwhile, and write it in the end.

    In an open transaction of a connection on which the name alone means the lake's table; whoever
    sees an error rolls that back.

    Args:
        table: its name, as SQL writes it.

    Raises:
        NodeError: there is no such table, or it takes no rows.
    """
    theirs, ours = f"{lake.CATALOG}.main.{table}", f"temp.main.{table}"
    columns = connection.rows(_COLUMNS, {"name": theirs})
    listed = ", ".join(_column(*column) for column in columns)
    connection.command(f"CREATE TEMP TABLE {table} ({listed})")
    yield
    connection.command(f"INSERT INTO {theirs} FROM {ours}")
    connection.command(f"DROP TABLE {ours}")


def _column(name: str, kind: str, required: bool, default: str | None) -> str:  # noqa: FBT001 - a row's
    told = [quoted(name), kind]
    if required:
        told.append("NOT NULL")
    if default is not None:
        told.append(f"DEFAULT {default}")
    return " ".join(told)
