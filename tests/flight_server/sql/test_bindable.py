"""Statements as queries that bind alike; that they do is tested with `parameter_types`."""

import pytest

from flightkeeper.flight_server.sql.bindable import answer, read


@pytest.mark.parametrize(
    ("statement", "query"),
    [
        ("SELECT $a + i FROM t", "SELECT $a + i FROM t"),
        ("FROM t SELECT upper( $a )", "FROM t SELECT upper( $a )"),
        ("EXPLAIN ANALYZE SELECT $a", "SELECT $a"),
        ("EXPLAIN (FORMAT json) SELECT $a", "SELECT $a"),
        ("CALL range($a)", "SELECT * FROM RANGE(0, $a)"),
        ("SELECT 'explain call ', $a", "SELECT 'explain call ', $a"),
        ("SELECT nextval('s') + $a", "SELECT CAST(1 AS BIGINT) + $a"),
        (
            "INSERT INTO s.t (a, b) VALUES ($a, DEFAULT)",
            'SELECT 1 FROM (SELECT (COALESCE($a, "_row"."a")), NULL FROM s.t AS _row)',
        ),
        (
            "INSERT INTO t VALUES (1, -$a)",
            'SELECT 1 FROM (SELECT (1), (-COALESCE($a, "_row"."_1")) FROM t AS _row(_0, _1))',
        ),
        (
            "INSERT INTO t (a) SELECT $a FROM u",
            'SELECT 1 FROM (SELECT (COALESCE($a, (SELECT "a" FROM t))) FROM u)',
        ),
        (
            "UPDATE t AS x SET a = $a, b = b + $b FROM u WHERE c = $c",
            'SELECT 1 FROM (SELECT (COALESCE($a, "x"."a")), (b + $b) FROM t AS x, u WHERE c = $c)',
        ),
        (
            "DELETE FROM t USING u WHERE t.a = u.a AND b = $a RETURNING a",
            "SELECT 1 FROM (SELECT 1 FROM t, u WHERE t.a = u.a AND b = $a)",
        ),
        ("CREATE TABLE x AS SELECT $a", "SELECT 1 FROM (SELECT $a)"),
        ("DESCRIBE SELECT $a", "SELECT 1 FROM (SELECT $a)"),
    ],
)
def test_a_statement_as_a_query(statement: str, query: str) -> None:
    found = read(statement, is_query=False)
    assert found is not None
    assert found.sql == query


@pytest.mark.parametrize(
    "statement",
    [
        "EXECUTE p($a)",
        "SET VARIABLE x = $a",
        "DROP TABLE t",
        "CREATE SECRET s (KEY_ID $a)",
        "SELECT (",
        "",
    ],
)
def test_some_statements_are_no_query(statement: str) -> None:
    assert read(statement, is_query=False) is None


def test_a_query_is_one_although_it_cannot_be_taken_apart() -> None:
    odd = "SELECT " + "(" * 300 + "$a" + ")" * 300
    found = read(odd, is_query=True)
    assert found is not None
    assert found.sql == odd


def test_parameters_below_each_other_are_alike() -> None:
    found = read("INSERT INTO t VALUES ($a, $b), ($c, $d), ($e, 1)", is_query=False)
    assert found is not None
    assert found.alike == {"c": "a", "d": "b", "e": "a"}


@pytest.mark.parametrize(
    ("statement", "query"),
    [
        ("INSERT INTO s.t VALUES (?) RETURNING a, b + 1 AS c", "SELECT a, b + 1 AS c FROM s.t"),
        ("UPDATE t AS x SET a = 1 FROM u RETURNING x.*", "SELECT x.* FROM t AS x"),
        ("DELETE FROM t WHERE a = ? RETURNING a", "SELECT a FROM t"),
        (
            "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE RETURNING merge_action, *",
            "SELECT merge_action, t.* FROM t, (SELECT '' AS merge_action) AS _action",
        ),
        ("INSERT INTO t VALUES (1)", None),
        ("SELECT 1", None),
    ],
)
def test_what_is_returned_as_a_query(statement: str, query: str | None) -> None:
    assert answer(statement) == query
