"""What the node says of itself: in the child each client reads, and true of the engine."""

from collections.abc import Iterator, Mapping

import duckdb
import pytest

from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.facts import facts
from flightkeeper.flightsql.sql_info import Child, Fact, table


@pytest.fixture(scope="module")
def said() -> Iterator[Mapping[int, Fact]]:
    database = Database(DatabaseOptions())
    yield facts(database.lend(), read_only=True)
    database.close()


def test_everything_fits_the_table(said: Mapping[int, Fact]) -> None:
    answer = table(said)
    answer.validate(full=True)
    assert answer.num_rows == len(said) > 80


def test_jdbc_knows_all_ids(said: Mapping[int, Fact]) -> None:
    # Its map of ids is closed: an id it does not know is a NullPointerException.
    assert max(said) <= 576


@pytest.mark.parametrize(
    ("number", "child"),
    [
        (0, Child.STRING),
        (3, Child.BOOL),
        (8, Child.BITMASK),
        (503, Child.BIGINT),
        (505, Child.BIGINT),
        (507, Child.BIGINT),
        (508, Child.STRINGS),
        (562, Child.BIGINT),
        (564, Child.BITMASK),
    ],
)
def test_clients_read_without_looking(said: Mapping[int, Fact], number: int, child: Child) -> None:
    assert said[number].child is child


def test_the_version_is_the_form_tools_look_for(said: Mapping[int, Fact]) -> None:
    assert said[1].value == f"duckdb v{duckdb.__version__}"
    assert said[3].value is True


def test_the_words_come_from_the_engine(said: Mapping[int, Fact]) -> None:
    words = said[508].value
    assert isinstance(words, tuple)
    assert {"select", "returning", "qualify"} <= set(words)
