"""What connections to a database have in common is the same for those that are forked."""

from contextlib import closing
from dataclasses import replace
from typing import Any

import duckdb

from flightkeeper.flight_server.engine.changes import Changes
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.engine.wiring import Wiring


def test_forks_are_wired_alike() -> None:
    asked: list[tuple[str, Any]] = []

    def exact(connection: Connection, statement: Statement, parameters: Any) -> Statement:
        assert connection.batch_bytes == 1000
        asked.append((statement.sql, parameters))
        (other,) = parse(statement.sql.replace("41", "42"))
        return replace(statement, sql=other.sql, parsed=other.parsed)

    changes = Changes()
    with duckdb.connect() as root:
        wired = Connection(root.cursor(), Wiring(1000, changes, exact=exact))
        with closing(wired), closing(wired.fork()) as fork:
            before = changes.version
            fork.change(parse("CREATE TABLE t AS SELECT 41 AS i")[0])
            assert changes.version != before
            (batch,) = fork.run(parse("SELECT i FROM t WHERE i > $1")[0], {"1": 1})
            assert batch.to_pydict() == {"i": [42]}
            # What is asked by ourselves is run as it is.
            assert fork.rows("SELECT 41") == [(41,)]
    assert asked == [
        ("CREATE TABLE t AS SELECT 41 AS i", ()),
        ("SELECT i FROM t WHERE i > $1", {"1": 1}),
    ]
