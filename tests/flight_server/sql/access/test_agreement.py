"""Whether both parsers read a text alike."""

import pytest

from flightkeeper.flight_server.engine.named import builtin_functions
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.sql.access.agreement import check_same_names, check_same_words
from flightkeeper.flight_server.sql.access.trees import Walk
from flightkeeper.flight_server.sql.reading import sources, tree


def words(text: str) -> None:
    (source,) = sources(text, "duckdb")
    check_same_words(text, source)


@pytest.mark.parametrize(
    "text",
    [
        'SELECT a, "b c", \'x\', E\'a\\\'b\', $1, $n, ?, 1e5 FROM "T""x" -- c\n WHERE x::int > 3',
        "SELECT sum(a) OVER (PARTITION  BY b ORDER BY c) FROM t GROUP BY d",
        "SELECT $$a$$, $t$ b $t$, \u00e9 FROM gr\u00f6\u00dfe",
        "SELECT /* /* */ */ [x FOR x IN y], {'a': 1}, a -> b, lambda x: x + 1",
        "SELECT a IS NOT DISTINCT FROM b, a NOT IN (1), d AT TIME ZONE 'UTC'",
    ],
)
def test_ordinary_texts_are_divided_alike(text: str) -> None:
    words(text)


@pytest.mark.parametrize(
    "text",
    ["SELECT 1 //* 2\n FROM t", "SELECT a\u00a0FROM t", "SELECT x'41' FROM t"],
)
def test_words_that_differ_are_refused(text: str) -> None:
    with pytest.raises(PermissionDenied, match="more than one way"):
        words(text)


def names(text: str, judged: str | None = None) -> None:
    (source,) = sources(judged or text, "duckdb")
    walk = Walk(source.tokens)
    walk.query(tree(source))
    check_same_names(text, walk, builtin_functions())


def test_the_same_tables_are_found() -> None:
    names("WITH t AS (FROM u) SELECT lower(a) FROM t, s.v, range(3)")
    names('FROM Lake . "main".Current_Snapshot() AS x, current_snapshot()')
    names("FROM \"Lake\".Table_Changes('T''x', 1, $1) AS x, table_deletions('t', now(), now())")


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("FROM t, u", "FROM t"),
        ("FROM t", "FROM t, t"),
        ("FROM s.t", "FROM t"),
        ("FROM (SHOW TABLES)", "FROM (SELECT 1)"),
        ("FROM read_csv('x')", "SELECT 1"),
        ("SELECT nextval('x')", "SELECT 1"),
        ("SELECT mine(1)", "SELECT 1"),
        ("FROM lake.table_changes('t', 1, 2)", "FROM lake.table_changes('u', 1, 2)"),
        ("FROM lake.table_changes('t', 1, 2)", "FROM s.table_changes('t', 1, 2)"),
        ("FROM table_changes('t', 1, 2)", "FROM table_deletions('t', 1, 2)"),
        (
            "FROM table_changes('t', 1, 2), table_changes('t', 1, 2)",
            "FROM table_changes('t', 1, 2)",
        ),
        ("FROM table_changes('t', 1, 2)", "SELECT 1"),
        ("FROM current_snapshot()", "SELECT 1"),
        ("FROM s.current_snapshot()", "FROM lake.current_snapshot()"),
        ("FROM current_snapshot(), lake.current_snapshot()", "FROM lake.current_snapshot()"),
        ("SELECT 1; SELECT 2", "SELECT 1"),
        ("DELETE FROM t", "FROM t"),
    ],
)
def test_other_tables_and_functions_are_refused(text: str, judged: str) -> None:
    with pytest.raises(PermissionDenied):
        names(text, judged)
