"""Classification: what is called a read is one, what leaves something in the session is known."""

import threading
from collections.abc import Callable

import pytest

from flightkeeper.flight_server.engine import statement
from flightkeeper.flight_server.engine.statement import Control, Setting, Shape, Statement, parse
from flightkeeper.flight_server.errors import InvalidArgument, NodeError
from tests.flight_server.engine.statements import NOT_READS, READS


def only(text: str) -> Statement:
    (found,) = parse(text)
    return found


@pytest.mark.parametrize("text", READS)
def test_reads_are_accepted(text: str) -> None:
    assert all(part.read_only for part in parse(text))


@pytest.mark.parametrize("text", NOT_READS)
def test_everything_else_is_not_a_read(text: str) -> None:
    try:
        script = parse(text)
    except NodeError:
        return  # this version does not know the syntax
    assert not all(part.read_only for part in script)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("SET a = 1", Setting("a", "1")),
        ("set SESSION \"A\" to 'x y' -- 'z'", Setting("a", "x y")),
        ("SET/* b */a = 'x -- y'/* c */;", Setting("a", "x -- y")),
        ("SET a = 1.5", Setting("a", "1.5")),
        ("RESET a -- b", Setting("a", None)),
        ("SET a = DEFAULT", Setting("a", None)),
        ("SET a = 1 + 1", None),
        ("SELECT 1", None),
    ],
)
def test_what_is_set(text: str, setting: Setting | None) -> None:
    assert only(text).setting == setting


@pytest.mark.parametrize(
    "text", ["SET GLOBAL integer_division = true", "SET arrow_output_version = 1"]
)
def test_what_would_change_for_everybody_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="cannot be changed here; nothing was run"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("SELECT 1", Shape.ROWS),
        ("INSERT INTO t VALUES (1)", Shape.COUNT),
        ("INSERT INTO t VALUES (1) RETURNING a", Shape.ROWS),
        ("INSERT INTO t VALUES (1) RETURNING/* */a", Shape.ROWS),
        ("INSERT INTO t VALUES (1)\nRETURNING(a)", Shape.ROWS),
        ("INSERT INTO t(\"returning\") VALUES ('returning') -- returning", Shape.COUNT),
        ("UPDATE t SET a = 1 /* RETURNING a */", Shape.COUNT),
        ("DELETE FROM t RETURNING *", Shape.ROWS),
        ("COPY t TO 'x.csv'", Shape.COUNT),
        ("CREATE TABLE t AS SELECT 1", Shape.COUNT),
        ("SET threads = 1", Shape.NOTHING),
        ("EXPLAIN SELECT 1", Shape.ROWS),
        ("CALL pragma_version()", Shape.ROWS),
        ("UPDATE EXTENSIONS", Shape.NOTHING),
    ],
)
def test_shape(text: str, shape: Shape) -> None:
    assert only(text).shape is shape


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE made AS PIVOT sales ON year USING sum(total)",
        "INSERT INTO made PIVOT sales ON year",
        "INSERT INTO made FROM (PIVOT sales ON year)",
        "UPDATE made SET a = 1 FROM (PIVOT sales ON year) AS p",
        "COPY (PIVOT sales ON year) TO 'x'",
        "SELECT 1; CREATE TABLE made AS FROM (PIVOT sales ON year)",
    ],
)
def test_a_change_that_duckdb_makes_a_transaction_of_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"PIVOT .* list the values"):
        parse(text)
    assert parse(text.replace("ON year", "ON year IN (2025)"))[-1].sql


def test_a_pivot_answers_rows_however_it_is_parsed() -> None:
    assert parse("PIVOT (SELECT 1 a, 2 b) ON a USING sum(b)")[-1].shape is Shape.ROWS


@pytest.mark.parametrize(
    "text",
    [
        "SET threads = 1",
        "RESET threads",
        "USE main",
        "SET VARIABLE a = 1",
        "BEGIN",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "ATTACH ':memory:' AS m",
        "DETACH m",
        "PRAGMA enable_profiling",
        "CALL enable_profiling()",
        "SELECT setseed(0.5)",
        "SELECT * FROM enable_profiling()",
        "CREATE TEMP TABLE t (a INT)",
        "create or replace temporary view v as select 1",
        "CREATE/* */TEMP/* */TABLE t AS SELECT 1",
        "CREATE TABLE temp.t (a INT)",
        "CREATE TABLE IF NOT EXISTS temp.t (a INT)",
        'CREATE TABLE "temp".main.t (a INT)',
        'CREATE TABLE "TEMP".t (a INT)',
        "CREATE TEMP SEQUENCE s",
        "CREATE TEMP MACRO m() AS 1",
        "UPDATE EXTENSIONS",
    ],
)
def test_what_changes_the_session_is_known(text: str) -> None:
    stateful = only(text).stateful
    # DuckDB 1.5 has a name for the type of this one.
    assert stateful or text == "UPDATE EXTENSIONS"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE t (temp INT)",
        "CREATE TABLE t AS SELECT * FROM temp.x",
        "CREATE TABLE temperatures (a INT)",
        'CREATE TABLE "a temp" (a INT)',
        "CHECKPOINT",
        "DROP TABLE t",
    ],
)
def test_what_leaves_the_session_alone_is_known(text: str) -> None:
    assert not only(text).stateful


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ("BEGIN", Control.BEGIN),
        ("begin transaction", Control.BEGIN),
        ("START TRANSACTION READ ONLY", Control.BEGIN),
        ("BEGIN/* */", Control.BEGIN),
        ("/* COMMIT */ BEGIN", Control.BEGIN),
        ("-- a\nCOMMIT--x", Control.COMMIT),
        ("END;", Control.COMMIT),
        ("ROLLBACK", Control.ROLLBACK),
        ("ABORT", Control.ROLLBACK),
        ("SELECT 1", None),
    ],
)
def test_transaction_control(text: str, control: Control | None) -> None:
    assert only(text).control is control


def test_a_text_of_several_statements() -> None:
    script = parse("SELECT ';'; -- ;\n INSERT INTO \"ü;\" VALUES ('ä') RETURNING a;;")
    assert [part.shape for part in script] == [Shape.ROWS, Shape.ROWS]
    assert script[1].sql.startswith("INSERT") or "INSERT" in script[1].sql


def test_words_after_wide_characters_are_found() -> None:
    assert only("INSERT INTO \"üüüü\" VALUES ('€€€€', '𝄞') RETURNING a").shape is Shape.ROWS


def test_parameters() -> None:
    assert only("SELECT ?, ?").parameters == {"1", "2"}
    assert only("SELECT $a + $b").parameters == {"a", "b"}
    assert only("SELECT 1").parameters == frozenset()


def test_a_translated_statement_keeps_its_source() -> None:
    (found,) = parse("SELECT 1 AS a", "select 1 a -- mine")
    assert (found.sql, found.source) == ("SELECT 1 AS a", "select 1 a -- mine")
    assert only("SELECT 1").source == "SELECT 1"
    with pytest.raises(InvalidArgument, match=r"(?s)LINE 1: sel 'ect'\n +\^"):
        parse("FROM t 'ect'", "sel 'ect'")


@pytest.mark.parametrize("text", ["", "  ", ";", "-- nothing", "/* */"])
def test_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="empty"):
        parse(text)


def test_what_does_not_parse_says_where() -> None:
    with pytest.raises(InvalidArgument, match=r"(?s)Parser Error.*selec.*LINE 1.*\^"):
        parse("selec 1")


def test_a_short_text_is_parsed_once_and_a_long_one_is_not_kept() -> None:
    assert parse("SELECT 'once'") is parse("SELECT 'once'")
    text = f"SELECT '{'x' * statement._CACHED_CHARACTERS_MAX}'"
    assert parse(text) is not parse(text)


def test_a_type_without_a_name_is_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    class Newer:
        query = "FROBNICATE"
        named_parameters: frozenset[str] = frozenset()

        @property
        def type(self) -> None:
            raise ValueError

    parsed: Callable[[str], object] = lambda _text: [Newer()]  # noqa: E731
    monkeypatch.setattr("duckdb.extract_statements", parsed)
    found = only("FROBNICATE 'never seen'")
    assert (found.read_only, found.stateful) == (False, True)
    assert found.shape is Shape.NOTHING


def test_threads_may_parse_at_once() -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(50):
                text = f'SELECT {number} AS "ü", {turn}; INSERT INTO t VALUES (1) RETURNING a'
                assert [part.shape for part in parse(text)] == [Shape.ROWS] * 2
        except BaseException as exc:  # noqa: BLE001  reported below
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures
