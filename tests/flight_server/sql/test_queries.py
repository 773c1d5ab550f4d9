"""Queries put together from others, and without a part of them."""

import pytest

from flightkeeper.flight_server.sql.queries import isolated, without_tables


def test_tables_are_replaced_by_rows_of_their_types() -> None:
    asked = []

    def columns(relation: str) -> list[tuple[str, str]]:
        asked.append(relation)
        return [("a b", "INT"), ("c", "DATE")] if relation != "unknown" else []

    query = "WITH q AS (SELECT * FROM s.t x) SELECT * FROM q, unknown, f($p) JOIN g('x') y ON $r"
    assert without_tables(query, columns) == (
        'WITH q AS (SELECT * FROM (SELECT CAST(NULL AS INT) AS "a b", CAST(NULL AS DATE) AS "c")'
        " AS x) SELECT * FROM q, unknown, F($p) JOIN"
        ' (SELECT CAST(NULL AS INT) AS "a b", CAST(NULL AS DATE) AS "c") AS y ON $r'
    )
    assert asked == ["unknown", "G('x')", "s.t"]


@pytest.mark.parametrize(
    ("query", "alone"),
    [
        ("SELECT f($p), g($q) AS x, h($q, $p)", "SELECT F($p), NULL AS x, H($q, $p)"),
        (
            "SELECT * FROM t WHERE a = $p AND f($q) > 1 OR NOT g($q)",
            "SELECT * FROM t WHERE a = $p AND NULL OR NULL",
        ),
        ("SELECT (SELECT f($q) FROM t WHERE a = $p)", "SELECT (SELECT NULL FROM t WHERE a = $p)"),
        ("VALUES ($p, f($q))", "VALUES ($p, NULL)"),
    ],
)
def test_others_are_put_aside(query: str, alone: str) -> None:
    assert isolated(query, "p") == alone
