"""Texts of several statements: in order, all parameters bound, told which one failed."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import pyarrow as pa
import pytest

from flightkeeper.flight_server import scripts
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.connection import Connection, Parameters
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Statement, of_command, parse
from flightkeeper.flight_server.errors import (
    Cancelled,
    EngineFailed,
    InvalidArgument,
    Unavailable,
)
from flightkeeper.flightsql.headers import Reason


@pytest.fixture
def connection() -> Iterator[Connection]:
    database = Database(DatabaseOptions())
    made = database.connect()
    made.command("CREATE TABLE t (a INT NOT NULL)")
    yield made
    made.close()
    database.close()


_T = TypeVar("_T")


class Options:
    """What is outside the engine: what was set and asked for, in order."""

    def __init__(self) -> None:
        self.set: list[tuple[str, str | None]] = []

        self.asked: list[Command] = []
        self.changed: list[tuple[str, ...]] = []

    def set_option(self, name: str, value: str | None) -> None:
        self.set.append((name, value))

    def permitted(self, connection: Connection, statement: Statement) -> Statement:
        del connection
        return statement

    def read(self, connection: Connection, statement: Statement, parameters: Parameters) -> Result:
        return connection.run(statement, parameters)

    def command(self, connection: Connection, command: Command) -> pa.Table | None:
        del connection
        self.asked.append(command)
        return None if command.schema is None else pa.table({"a": [1, 2]})

    def around(self, connection: Connection, change: Change[_T]) -> _T:
        self.changed.append(change.statement.target)
        return change.run(connection)


class Twice(Options):
    """Somebody else was faster the first time."""

    def around(self, connection: Connection, change: Change[_T]) -> _T:
        change.run(connection)
        return super().around(connection, change)


def values(result: Result) -> list[object]:
    return [value for batch in result for value in batch.column(0).to_pylist()]


def test_the_last_statement_answers(connection: Connection) -> None:
    script = parse("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); SELECT sum(a)::INT FROM t")
    assert values(scripts.run(connection, script, (), Options())) == [3]


def test_a_count_is_that_of_the_last_statement(connection: Connection) -> None:
    script = parse("INSERT INTO t VALUES (1), (2); SELECT 7; DELETE FROM t WHERE a = 1")
    assert scripts.update(connection, script, None, Options()) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("INSERT INTO t VALUES (1); FROM nowhere; SELECT 1", "statement 2 of 3 failed; the ones"),
        ("FROM nowhere; SELECT 1", "statement 1 of 2 failed: Catalog Error"),
        ("INSERT INTO t VALUES (1); FROM nowhere", "statement 2 of 2 failed; the ones before it"),
    ],
)
def test_it_is_told_which_statement_failed(connection: Connection, text: str, told: str) -> None:
    script, options = parse(text), Options()
    for ask in (
        lambda: scripts.run(connection, script, (), options),
        lambda: scripts.update(connection, script, None, options),
    ):
        with pytest.raises(InvalidArgument) as caught:
            ask()
        assert told in str(caught.value)
        assert caught.value.cause == "Catalog Error"


def test_one_statement_is_not_numbered(connection: Connection) -> None:
    with pytest.raises(InvalidArgument) as caught:
        scripts.run(connection, parse("FROM nowhere"), (), Options())
    assert str(caught.value).startswith("Catalog Error")


def test_options_of_ours_are_set_and_those_of_the_engine_pass(connection: Connection) -> None:
    options = Options()
    text = "SET statement_timeout = '5s'; SET TimeZone = 'Asia/Tokyo'; RESET max_execution_time"
    assert scripts.update(connection, parse(text), None, options) == 0
    assert options.set == [("statement_timeout", "5s"), ("statement_timeout", None)]
    zone = scripts.run(connection, parse("SELECT current_setting('TimeZone')"), (), options)
    assert values(zone) == ["Asia/Tokyo"]


def test_several_rows_are_one_execution(connection: Connection) -> None:
    script = parse("INSERT INTO t VALUES (?)")
    with pytest.raises(InvalidArgument, match="Constraint Error"):
        scripts.update(connection, script, [{"0": 1}, {"0": None}], Options())
    assert scripts.update(connection, script, [{"0": 1}, {"0": 2}], Options()) == 2
    assert scripts.update(connection, script, [], Options()) == 0
    assert values(scripts.run(connection, parse("SELECT sum(a)::INT FROM t"), (), Options())) == [3]


def test_a_query_answers_for_every_row(connection: Connection) -> None:
    rows = [{"0": number} for number in range(5)]
    result = scripts.run(connection, parse("SELECT ?::INT * 2"), rows, Options())
    assert values(result) == [0, 2, 4, 6, 8]
    returning = parse("INSERT INTO t VALUES (?) RETURNING a")
    assert values(scripts.run(connection, returning, rows, Options())) == [0, 1, 2, 3, 4]


def test_atomic_keeps_an_open_transaction_open(connection: Connection) -> None:
    connection.begin()
    with scripts.atomic(connection):
        connection.command("INSERT INTO t VALUES (1)")
    assert connection.in_transaction
    connection.rollback()
    with pytest.raises(InvalidArgument), scripts.atomic(connection):
        connection.command("INSERT INTO t VALUES (1); INSERT INTO t VALUES (NULL)")
    assert connection.table("SELECT count(*) FROM t").column(0)[0].as_py() == 0


@pytest.mark.parametrize(
    ("text", "told", "left"),
    [
        ("INSERT INTO t FROM range(1000000) RETURNING a", "nothing was written", 0),
        ("INSERT INTO t VALUES (1); CALL test_all_types()", "what it did stays", 1),
    ],
)
def test_a_change_answers_with_so_much_only(
    monkeypatch: pytest.MonkeyPatch, connection: Connection, text: str, told: str, left: int
) -> None:
    monkeypatch.setattr(scripts, "_ANSWER_BYTES_MAX", 1000)
    with pytest.raises(EngineFailed, match=told):
        scripts.run(connection, parse(text), (), Options())
    assert connection.rows("SELECT count(*) FROM t") == [(left,)]
    connection.begin()
    with pytest.raises(EngineFailed, match=told):
        scripts.run(connection, parse(text), (), Options())
    assert connection.sound is bool(left)
    connection.rollback()


def test_a_change_answers_with_all_its_rows_or_nothing_of_it_is_done(
    connection: Connection,
) -> None:
    text = "INSERT INTO t FROM range(5) RETURNING 1 // (a - {})"
    assert len(values(scripts.run(connection, parse(text.format(9)), (), Options()))) == 5
    text = "INSERT INTO t FROM range(5) RETURNING error('late')"
    with pytest.raises(InvalidArgument, match="late"):
        scripts.run(connection, parse(text), (), Options())
    assert connection.rows("SELECT count(*) FROM t") == [(5,)]


@dataclass(frozen=True, slots=True)
class Ask(Command):
    """A question to the cluster."""

    schema: ClassVar[pa.Schema | None] = pa.schema([("a", pa.int64())])


def test_what_is_asked_of_the_cluster_is_answered_there(connection: Connection) -> None:
    outside = Options()
    script = (*parse("INSERT INTO t VALUES (1)"), of_command(Ask(), "ASK"))
    assert values(scripts.run(connection, script, (), outside)) == [1, 2]
    assert scripts.update(connection, script, None, outside) == 2
    nothing = of_command(Command(), "DO")
    assert values(scripts.run(connection, (nothing,), (), outside)) == []
    assert scripts.update(connection, (nothing, *parse("SELECT 1")), None, outside) == 1
    assert [type(asked) for asked in outside.asked] == [Ask, Ask, Command, Command]


def test_a_change_may_be_made_again_by_who_owns_it(connection: Connection) -> None:
    outside = Twice()
    assert scripts.update(connection, parse("INSERT INTO t VALUES (1)"), None, outside) == 1
    returning = parse("INSERT INTO t VALUES (2) RETURNING a")
    assert values(scripts.run(connection, returning, (), outside)) == [2]
    rows = [{"0": 1}, {"0": 2}]
    assert scripts.update(connection, parse("INSERT INTO t VALUES (?)"), rows, outside) == 2
    assert outside.changed == [("t",)] * 3
    assert values(scripts.run(connection, parse("SELECT count(*) FROM t"), (), outside)) == [8]
    assert len(outside.changed) == 3, "a read is nobody else's"


class Interrupting(dict[str, int]):
    """A row of parameters with which a stop comes while the engine does nothing."""

    def __init__(self, connection: Connection) -> None:
        super().__init__({"0": 1})
        self._connection = connection

    def __len__(self) -> int:
        self._connection.interrupt(threading.get_ident())
        return 1


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize(
    "text", ["INSERT INTO t VALUES (?)", "INSERT INTO t VALUES (?) RETURNING a"]
)
def test_several_rows_are_stopped_between_two_of_them(
    connection: Connection, text: str, *, begun: bool
) -> None:
    rows: list[dict[str, int]] = [{"0": 1}, Interrupting(connection), {"0": 1}]
    make = scripts.run if "RETURNING" in text else scripts.update
    if begun:
        connection.begin()
    with pytest.raises(Cancelled, match="between two of its parts"):
        make(connection, parse(text), rows, Options())
    assert connection.sound is not begun, "a part of it must not be committed"
    connection.rollback()
    assert connection.rows("SELECT count(*) FROM t") == [(0,)]
    assert scripts.update(connection, parse("INSERT INTO t VALUES (1)"), None, Options()) == 1


class Stopping(Options):
    """A stop comes before the second statement."""

    def permitted(self, connection: Connection, statement: Statement) -> Statement:
        if self.changed:
            connection.interrupt(threading.get_ident())
        return super().permitted(connection, statement)


def test_a_text_is_stopped_between_two_of_its_statements(connection: Connection) -> None:
    script = parse("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)")
    with pytest.raises(Cancelled, match="between two of its parts"):
        scripts.update(connection, script, None, Stopping())
    assert connection.rows("SELECT list(a) FROM t") == [([1, 2],)]


class Away(Options):
    """What nodes share does not answer from a certain statement on."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def around(self, connection: Connection, change: Change[_T]) -> _T:
        if len(self.changed) >= self._after:
            raise Unavailable("away", reason=Reason.AWAY)
        return super().around(connection, change)


def test_a_text_is_to_be_sent_again_only_if_none_of_it_has_run(connection: Connection) -> None:
    script = parse("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")
    with pytest.raises(Unavailable, match="statement 1 of 2 failed: away") as caught:
        scripts.update(connection, script, None, Away(0))
    assert caught.value.reason is Reason.AWAY
    with pytest.raises(EngineFailed, match="the ones before it have run: away") as failed:
        scripts.update(connection, script, None, Away(1))
    assert failed.value.reason is None
