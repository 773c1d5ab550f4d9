"""What one statement of a script leaves behind for the next, on a real node."""

from collections.abc import Iterator

import pytest

from flightkeeper import client
from flightkeeper.cli.conversation import Conversation, is_place
from tests.support.processes import running

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def connection() -> Iterator[client.Connection]:
    with running("serve", "--insecure") as node:
        url = node.line()["location"].replace("grpc://", "flightsql://") + "?transport=tcp"
        with client.connect(url) as connection:
            yield connection


@pytest.fixture
def talk(connection: client.Connection) -> Iterator[Conversation]:
    connection.execute("CREATE OR REPLACE TABLE t (a INT)")
    with Conversation(connection) as conversation:
        yield conversation


def say(talk: Conversation, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last one."""
    rows: list[tuple[object, ...]] = []
    for statement in statements:
        result = talk.run(statement)
        rows = [] if result is None else result.fetchall()
    return rows


@pytest.mark.parametrize(
    ("begin", "end", "kept"),
    [
        ("BEGIN", "COMMIT", 2),
        ("start transaction", "end transaction", 2),
        ("Begin Work", "ROLLBACK", 0),
        ("BEGIN TRANSACTION", "abort", 0),
    ],
)
def test_a_transaction_is_kept_or_undone_as_a_whole(
    talk: Conversation, begin: str, end: str, kept: int
) -> None:
    within = say(talk, begin, "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)", "FROM t")
    assert within == [(1,), (2,)]
    assert talk.in_transaction
    assert say(talk, end) == []
    assert not talk.in_transaction
    assert len(say(talk, "FROM t")) == kept


def test_a_transaction_that_is_left_open_is_undone(
    talk: Conversation, connection: client.Connection
) -> None:
    say(talk, "BEGIN", "INSERT INTO t VALUES (1)")
    talk.close()
    assert connection.query("FROM t").fetchall() == []


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["COMMIT"], "no transaction is open"),
        (["ROLLBACK"], "no transaction is open"),
        (["BEGIN", "BEGIN"], "open already"),
        (["BEGIN", "SET TimeZone = 'UTC'"], "not changed within a transaction"),
    ],
)
def test_what_makes_no_sense_now_is_told(
    talk: Conversation, statements: list[str], told: str
) -> None:
    with pytest.raises(client.FlightkeeperError, match=told):
        say(talk, *statements)


def test_an_error_leaves_the_transaction_to_be_ended(talk: Conversation) -> None:
    say(talk, "BEGIN", "INSERT INTO t VALUES (1)")
    with pytest.raises(client.StatementFailed):
        say(talk, "SELECT nonsense")
    assert talk.in_transaction
    say(talk, "ROLLBACK")


def test_options_hold_for_what_follows(talk: Conversation) -> None:
    asked = "SELECT current_setting('TimeZone')"
    assert say(talk, "SET TimeZone = 'Asia/Tokyo'", asked) == [("Asia/Tokyo",)]
    assert say(talk, "SET TimeZone TO 'Europe/Oslo'", asked) == [("Europe/Oslo",)]
    before = say(talk, "RESET TimeZone", asked)
    assert before not in ([("Europe/Oslo",)], [("Asia/Tokyo",)])


def test_use_names_where_names_are_looked_up(talk: Conversation) -> None:
    say(talk, 'CREATE SCHEMA IF NOT EXISTS "odd one"', 'USE "odd one"')
    assert say(talk, "SELECT current_schema()") == [("odd one",)]
    assert say(talk, "USE memory.main", "SELECT current_schema()") == [("main",)]


def test_an_option_that_cannot_be_leaves_those_before(talk: Conversation) -> None:
    say(talk, "SET TimeZone = 'Asia/Tokyo'")
    with pytest.raises(client.FlightkeeperError):
        say(talk, "SET no_such_option = 1")
    assert say(talk, "SELECT current_setting('TimeZone')") == [("Asia/Tokyo",)]


@pytest.mark.parametrize(
    ("text", "place"),
    [("main", True), ('memory."odd one"', True), ("a.b.c", False), ("a b", False), ("", False)],
)
def test_what_may_follow_use(text: str, *, place: bool) -> None:
    assert is_place(text) == place
