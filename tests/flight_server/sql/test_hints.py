"""What stands beside a parameter."""

import pytest
from sqlglot import parse_one

from flightkeeper.flight_server.sql.hints import Beside, Hint, hints, undecided
from flightkeeper.flight_server.sql.queries import DIALECT


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT $p + i FROM t", [("i", "ADDED")]),
        ("SELECT ($p * 2) + i FROM t", [("i", "ADDED")]),
        ("SELECT $p * 1.5 > f FROM t", [("f", "COMPARED")]),
        ("SELECT i / -$p FROM t", [("i", "SCALED")]),
        ("SELECT $p + 1", [("1", "ADDED")]),
        ("SELECT $p - INTERVAL 1 DAY > ts FROM t", [("ts", "COMPARED")]),
        ("SELECT coalesce($p, 1) = i FROM t", [("i", "COMPARED")]),
        ("SELECT CASE WHEN a THEN $p END < d FROM t", [("d", "COMPARED")]),
        ("SELECT nullif($p, d) FROM t", [("d", "COMPARED")]),
        ("SELECT $p BETWEEN a AND b FROM t", [("a", "COMPARED"), ("b", "COMPARED")]),
        ("SELECT i IN $p FROM t", [("[i]", "COMPARED")]),
        ("SELECT i = ANY($p) FROM t", [("[i]", "COMPARED")]),
        ("SELECT (a, $p) = (b, c) FROM t", [("c", "COMPARED")]),
        ("SELECT (a, b) IN ((1, $p)) FROM t", [("b", "COMPARED")]),
        (
            "SELECT ($p, b) IN (SELECT x, y FROM u) FROM t",
            [("(SELECT _0 FROM (SELECT x, y FROM u) AS _rows(_0))", "COMPARED")],
        ),
        ("SELECT age($p, ts) FROM t", [("ts", "PASSED"), ("[ts]", "PASSED")]),
        ("SELECT upper($p)", []),
        ("SELECT $p", []),
        (
            "SELECT $p UNION SELECT i FROM t",
            [("(SELECT _0 FROM (SELECT i FROM t) AS _rows(_0))", "COMPARED")],
        ),
        ("SELECT $p AS i UNION BY NAME SELECT i FROM t", []),
        ("FROM (VALUES ($p, 1), (d, 2)) v(a, b)", [("d", "COMPARED")]),
        ("FROM (SELECT $p AS a) q JOIN k ON q.a = k.id", [("(SELECT id FROM k)", "COMPARED")]),
        ("WITH q(a) AS (SELECT $p) FROM q, k WHERE a = id", [("(SELECT id FROM k)", "COMPARED")]),
    ],
)
def test_what_may_tell_a_type(sql: str, expected: list[tuple[str, str]]) -> None:
    found = hints(parse_one(sql, dialect=DIALECT))["p"]
    assert [(hint.sql, hint.beside.name) for hint in found] == expected


def test_it_is_known_where_no_type_follows() -> None:
    text = "SELECT $a + 1, $b, ($c) AS x, -$d * 2, abs($e) - $f, $g = 1, $h::INT FROM (VALUES ($i))"
    assert undecided(parse_one(text, dialect=DIALECT)) == {"a", "b", "c", "f", "i"}


@pytest.mark.parametrize(
    ("beside", "suits", "does_not"),
    [
        (Beside.COMPARED, ["INTEGER", "INTERVAL", "ENUM"], []),
        (Beside.ADDED, ["INTEGER", "DECIMAL(4,1)", "TIMESTAMP"], ["INTERVAL"]),
        (Beside.SCALED, ["DOUBLE", "FLOAT"], ["INTEGER", "DECIMAL(4,1)", "INTERVAL"]),
        (Beside.PASSED, ["DATE", "TIMESTAMP", "FLOAT[3]"], ["INTEGER", "VARCHAR"]),
    ],
)
def test_not_every_type_suits(beside: Beside, suits: list[str], does_not: list[str]) -> None:
    hint = Hint("x", beside)
    assert all(hint.suits(kind) for kind in suits)
    assert not any(hint.suits(kind) for kind in does_not)
