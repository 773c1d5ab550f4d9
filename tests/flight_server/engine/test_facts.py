"""What the node says of itself: in the child each client reads, and true of the engine."""

from collections.abc import Iterator, Mapping
from contextlib import closing

import duckdb
import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine import facts
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flightsql.sql_info import Child, Fact, table
from flightkeeper.flightsql.xdbc import Convert


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    database = Database(DatabaseOptions())
    made = database.connect()
    for command in ("CREATE SCHEMA s", "CREATE TABLE s.t (a INT, b VARCHAR)"):
        made.command(command)
    yield made
    made.close()
    database.close()


@pytest.fixture(scope="module")
def said(connection: Connection) -> Mapping[int, Fact]:
    return facts.facts(connection, read_only=True, transaction_timeout_ms=60_000)


def test_everything_fits_the_table(said: Mapping[int, Fact]) -> None:
    answer = table(said)
    answer.validate(full=True)
    assert answer.num_rows == len(said)


def test_every_id_is_answered_and_no_other(said: Mapping[int, Fact]) -> None:
    # JDBC's map of ids is closed: an id it does not know is a NullPointerException. Some tools
    # break on those that are missing.
    assert set(said) == {*range(12), 100, 101, *range(500, 577)}


@pytest.mark.parametrize(
    ("child", "ids"),
    [
        (Child.STRING, [0, 1, 2, 6, 7, 504, 513, 514, 529, 530, 531]),
        (Child.BIGINT, [503, 505, 507, *range(541, 556), *range(557, 562), 562]),
        (Child.BITMASK, [8, 100, 101, 522, 525, 526, 528, *range(533, 536), 538, 540, 564]),
        (Child.BITMASK, range(567, 572)),
        (Child.STRINGS, range(508, 513)),
        (Child.MAP, [517]),
        (Child.BOOL, [3, 4, 5, 9, 10, 11, 500, 501, 502, 506, 515, 516, *range(518, 522)]),
        (Child.BOOL, [523, 524, 527, 532, 536, 537, 539, 556, 563, 565, 566, *range(572, 577)]),
    ],
)  # fmt: skip
def test_clients_read_without_looking(
    said: Mapping[int, Fact], child: Child, ids: list[int]
) -> None:
    assert {said[number].child for number in ids} == {child}


def test_the_version_is_the_form_tools_look_for(said: Mapping[int, Fact]) -> None:
    assert said[1].value == f"duckdb v{duckdb.__version__}"
    assert said[2].value == pa.__version__


def test_what_cannot_be_written_to_takes_no_ingest(
    connection: Connection, said: Mapping[int, Fact]
) -> None:
    assert [said[number].value for number in (3, 10, 11)] == [True, False, False]
    writable = facts.facts(connection, read_only=False)
    assert [writable[number].value for number in (3, 10, 11)] == [False, True, True]


def test_timeouts_are_of_handles_and_of_transactions(
    connection: Connection, said: Mapping[int, Fact]
) -> None:
    assert (said[100].value, said[101].value) == (0, 60_000)
    for_ever = facts.facts(connection, read_only=False, transaction_timeout_ms=10**12)
    assert for_ever[101].value == 2**31 - 1


def test_words_that_need_quoting_are_keywords(
    connection: Connection, said: Mapping[int, Fact]
) -> None:
    words = said[508].value
    assert isinstance(words, tuple)
    assert {"select", "returning", "qualify", "left"} <= set(words)
    assert len(set(words)) == len(words)
    for word in words:
        connection.rows(f'SELECT 1 AS "{word}"')


_ARGUMENTS = {
    "ATAN2": "1, 1",
    "MOD": "7, 4",
    "POWER": "2, 3",
    "ROUND": "1.26, 1",
    "PI": "",
    "CONCAT": "'a', 'b'",
    "LEFT": "'abc', 1",
    "RIGHT": "'abc', 1",
    "POSITION": "'b' IN 'abc'",
    "REPEAT": "'a', 2",
    "REPLACE": "'a', 'a', 'b'",
    "SUBSTRING": "'abc', 1, 2",
    "IFNULL": "NULL, 1",
    "USER": "",
    "NOW": "",
    "EXTRACT": "YEAR FROM DATE '2020-01-01'",
}
_WITHOUT_PARENTHESES = {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"}


@pytest.mark.parametrize(
    ("names", "argument"),
    [
        (facts.NUMERIC_FUNCTIONS, "0.5"),
        (facts.STRING_FUNCTIONS, "'a'"),
        (facts.SYSTEM_FUNCTIONS, ""),
        (facts.DATETIME_FUNCTIONS, "TIMESTAMP '2020-02-03 04:05:06'"),
    ],
    ids=["numeric", "string", "system", "datetime"],
)
def test_every_function_exists(connection: Connection, names: str, argument: str) -> None:
    for name in names.split():
        call = name
        if name not in _WITHOUT_PARENTHESES:
            call += f"({_ARGUMENTS.get(name, argument)})"
        assert connection.rows(f"SELECT ({call})::VARCHAR")[0][0], name


_SAMPLES: Mapping[Convert, tuple[str, tuple[str, ...]]] = {
    Convert.BIGINT: ("BIGINT", ("1",)),
    Convert.BINARY: ("BLOB", ("1",)),
    Convert.BIT: ("BOOLEAN", ("true",)),
    Convert.CHAR: ("CHAR", ("1", "2020-01-01", "04:05:06", "1 day")),
    Convert.DATE: ("DATE", ("2020-01-01",)),
    Convert.DECIMAL: ("DECIMAL(18, 3)", ("1",)),
    Convert.FLOAT: ("DOUBLE", ("1",)),
    Convert.INTEGER: ("INTEGER", ("1",)),
    Convert.INTERVAL_DAY_TIME: ("INTERVAL", ("1 day",)),
    Convert.INTERVAL_YEAR_MONTH: ("INTERVAL", ("1 month",)),
    Convert.LONGVARBINARY: ("BLOB", ("1",)),
    Convert.LONGVARCHAR: ("VARCHAR", ("1", "2020-01-01", "04:05:06", "1 day")),
    Convert.NUMERIC: ("NUMERIC(18, 3)", ("1",)),
    Convert.REAL: ("REAL", ("1",)),
    Convert.SMALLINT: ("SMALLINT", ("1",)),
    Convert.TIME: ("TIME", ("04:05:06",)),
    Convert.TIMESTAMP: ("TIMESTAMP", ("2020-01-01 04:05:06",)),
    Convert.TINYINT: ("TINYINT", ("1",)),
    Convert.VARBINARY: ("BLOB", ("1",)),
    Convert.VARCHAR: ("VARCHAR", ("1", "2020-01-01", "04:05:06", "1 day")),
}


@pytest.mark.parametrize("source", Convert)
def test_conversions_are_those_of_the_engine(connection: Connection, source: Convert) -> None:
    kind, samples = _SAMPLES[source]
    possible = {
        target
        for target in Convert
        if any(
            connection.rows(f"SELECT TRY_CAST('{value}'::{kind} AS {_SAMPLES[target][0]})")[0][0]
            is not None
            for value in samples
        )
    }
    assert set(facts.CONVERSIONS[source]) == possible


@pytest.mark.parametrize(
    ("fact", "query", "rows"),
    [
        ("identifiers mean the same in any case", 'SELECT "A" FROM (SELECT 1 AS a)', [(1,)]),
        ("extra characters of names", "SELECT 1 AS a$b", [(1,)]),
        ("nulls last", "SELECT * FROM (VALUES (NULL), (1)) t(x) ORDER BY x", [(1,), (None,)]),
        ("nulls last", "SELECT * FROM (VALUES (NULL), (1)) t(x) ORDER BY x DESC", [(1,), (None,)]),
        ("null plus text is null", "SELECT NULL || 'a'", [(None,)]),
        ("like escape", "SELECT 'a_b' LIKE 'a^_b' ESCAPE '^'", [(True,)]),
        ("group by unrelated", "SELECT count(*) FROM (SELECT 1 AS a) GROUP BY a", [(1,)]),
        ("order by unrelated", "SELECT a FROM (SELECT 1 AS a, 2 AS b) ORDER BY b", [(1,)]),
        ("order by expressions", "SELECT 1 AS a ORDER BY a + 1", [(1,)]),
        ("any alias of a table", "SELECT t.a FROM (SELECT 1 AS a) t", [(1,)]),
        ("subqueries in comparisons", "SELECT 1 WHERE 1 = (SELECT 1)", [(1,)]),
        ("subqueries in EXISTS", "SELECT 1 WHERE EXISTS (SELECT 1)", [(1,)]),
        ("subqueries in IN", "SELECT 1 WHERE 1 IN (SELECT 1)", [(1,)]),
        ("quantified subqueries", "SELECT 1 WHERE 2 > ALL (SELECT 1)", [(1,)]),
        (
            "correlated subqueries",
            "SELECT a FROM (SELECT 1 AS a) t WHERE a = (SELECT t.a)",
            [(1,)],
        ),
        (
            "full outer joins",
            "SELECT a, b FROM (SELECT 1 AS a) FULL JOIN (SELECT 2 AS b) ON a = b ORDER BY a",
            [(1, None), (None, 2)],
        ),
        ("schemas in index definitions", "CREATE INDEX one ON memory.s.t (a)", []),
        ("unions", "SELECT 1 UNION SELECT 1", [(1,)]),
        ("unions", "SELECT 1 UNION ALL SELECT 1", [(1,), (1,)]),
    ],
)
def test_what_is_claimed_works(
    connection: Connection, fact: str, query: str, rows: list[tuple[object, ...]]
) -> None:
    assert connection.rows(query) == rows, fact


@pytest.mark.parametrize(
    "statement",
    [
        "SAVEPOINT a",
        "SELECT * FROM s.t FOR UPDATE",
        "GRANT SELECT ON s.t TO me",
        "CREATE DATABASE d",
    ],
)
def test_what_is_denied_fails(connection: Connection, statement: str) -> None:
    with pytest.raises(NodeError):
        connection.command(statement)


def test_the_isolation_is_that_of_snapshots(
    connection: Connection, said: Mapping[int, Fact]
) -> None:
    """Each of two transactions reads what the other changes, and both commit."""
    assert said[562].value == 3
    assert said[564].value == 0b1110
    connection.command("CREATE TABLE duty AS SELECT unnest(['ann', 'bob']) AS name, true AS here")
    with closing(connection.fork()) as one, closing(connection.fork()) as two:
        for mine, name in ((one, "ann"), (two, "bob")):
            mine.begin()
            assert mine.rows("SELECT count(*) FROM duty WHERE here") == [(2,)]
            mine.command(f"UPDATE duty SET here = false WHERE name = '{name}'")
        one.commit()
        assert two.rows("SELECT count(*) FROM duty WHERE here") == [(1,)]
        two.commit()
    assert connection.rows("SELECT count(*) FROM duty WHERE here") == [(0,)]
