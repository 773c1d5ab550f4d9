"""A change is what is run, wherever it is run."""

from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse


def test_a_change_runs_on_any_connection_that_means_the_same() -> None:
    database = Database(DatabaseOptions())
    database.lend().command("CREATE TABLE t (i INTEGER)")
    (statement,) = parse("INSERT INTO t VALUES (1), (2)")
    change = Change(statement, lambda where: where.change(statement))
    assert [change.run(database.connect()) for _ in range(2)] == [2, 2]
    assert not change.sent
    database.close()
