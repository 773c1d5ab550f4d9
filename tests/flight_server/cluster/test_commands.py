"""Who runs what is asked of the cluster."""

from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.cluster.commands import Commands
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.errors import InvalidArgument, Unimplemented
from flightkeeper.flight_server.sql import translation

_T = TypeVar("_T")
CALL: Any = SimpleNamespace(sent_before=None)
CONNECTION: Any = SimpleNamespace(in_transaction=False)


class Owner:
    """Owns the table `theirs`."""

    tells = False

    def owns(self, connection: Any, statement: Statement) -> bool:
        assert connection == CONNECTION
        return statement.target == ("theirs",)

    def change(self, call: Any, connection: Any, change: Change[_T]) -> _T:
        assert (call, connection) == (CALL, CONNECTION)
        del change
        raise PermissionError


def test_a_command_goes_to_its_handler() -> None:
    asked = []
    commands = Commands({Command: lambda *args: asked.append(args)})
    assert commands.run(CALL, CONNECTION, Command()) is None
    assert asked == [(CALL, CONNECTION, Command())]


def test_a_node_in_no_cluster_says_so() -> None:
    with pytest.raises(Unimplemented, match="start it with --registry; nothing was done"):
        Commands({}).run(CALL, CONNECTION, Command())
    (made,) = translation.parse("CREATE REFERENCE TABLE s.t (a INT)", "duckdb")
    with pytest.raises(Unimplemented, match="start it with --registry"):
        Commands({}).around(CALL, CONNECTION, Change(made, lambda _: 7))


def test_a_change_goes_to_who_owns_what_it_writes_to() -> None:
    commands = Commands({}, [Owner()])
    (ours,), (theirs,), (read,) = map(
        parse, ("DELETE FROM ours", "DELETE FROM theirs", "FROM theirs")
    )
    assert commands.around(CALL, CONNECTION, Change(ours, lambda _: 7)) == 7
    assert commands.around(CALL, CONNECTION, Change(read, lambda _: 8)) == 8
    with pytest.raises(PermissionError):
        commands.around(CALL, CONNECTION, Change(theirs, lambda _: 9))


def test_a_change_in_a_transaction_says_whether_others_can_tell_of_its_commit() -> None:
    connection: Any = SimpleNamespace(in_transaction=True, writes_lake=True)
    said: list[bool] = []
    call: Any = SimpleNamespace(sent_before=None, leaves_open=lambda *, told: said.append(told))
    (statement,) = parse("DELETE FROM t")

    def ends(where: Any) -> int:
        where.in_transaction = False
        return 0

    Commands({}).around(call, connection, Change(statement, lambda _: 7))
    connection.writes_lake = False
    Commands({}).around(call, connection, Change(statement, lambda _: 7))
    connection.writes_lake = True
    Commands({}).around(call, connection, Change(statement, ends))
    Commands({}).around(call, connection, Change(statement, lambda _: 7))
    assert said == [True, False, False]


def test_the_hidden_schema_is_not_changed_and_may_stand_in_a_text() -> None:
    commands = Commands({})
    for text in (
        'DELETE FROM _reference."geo.t"',
        'DELETE FROM memory . "_Reference" . "geo.t"',
        "EXPLAIN ANALYZE DELETE FROM _reference.t",
    ):
        with pytest.raises(InvalidArgument, match="the schema _reference has the rows"):
            commands.around(CALL, CONNECTION, Change(parse(text)[0], lambda _: 7))
    (told,) = parse("INSERT INTO t VALUES ('see /_reference.html') -- _reference.t")
    assert commands.around(CALL, CONNECTION, Change(told, lambda _: 7)) == 7
