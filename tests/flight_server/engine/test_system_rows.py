"""Rows of system tables on a connection of their own, and nowhere else."""

from contextlib import closing

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.engine.system_rows import fill
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.system.collecting import rows_of
from flightkeeper.flight_server.system.tables import EVENTS, NODES


def test_one_connection_has_them_as_often_as_it_wants() -> None:
    with closing(Database(DatabaseOptions())) as database:
        events = rows_of(EVENTS.schema, [("n1", 1_000_000, "started", "n1", "x")] * 3)
        connection = database.connect()
        fill(connection, {"events": events, "nodes": NODES.schema.empty_table()})
        (counted,) = parse(
            "SELECT count(*) AS c, max(a.happened_at) AS last FROM system.events a, "
            "system.events b, (SELECT count(*) AS none FROM system.nodes) WHERE none = 0"
        )
        table = pa.Table.from_batches(list(connection.run(counted)))
        assert table["c"].to_pylist() == [9]
        assert table.schema.field("last").type == pa.timestamp("us", "Etc/UTC")
        other = database.connect()
        with pytest.raises(NodeError, match="does not exist"):
            other.run(counted)
        connection.close()
        with pytest.raises(NodeError, match="does not exist"):
            database.connect().run(counted)
        assert database.changes.version is not None


def test_a_statement_finds_nothing_of_an_earlier_one() -> None:
    with closing(Database(DatabaseOptions())) as database:
        for _ in range(2):
            connection = database.connect()
            fill(connection, {"nodes": NODES.schema.empty_table()})
            connection.close()
