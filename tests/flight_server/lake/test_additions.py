"""Which texts only add rows that stand in them."""

import pytest

from flightkeeper.flight_server.engine.statement import words_at
from flightkeeper.flight_server.lake.additions import added_to


def _added_to(sql: str) -> str:
    return added_to([word for _, word in words_at(sql)])


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("INSERT INTO t VALUES (1)", "t"),
        ("insert into T values (1, 'select', NULL), (-2.5, E'x', true); -- select", "t"),
        ('INSERT INTO "T x" (a, "values") VALUES (?, $2)', '"t x"'),
        ("INSERT INTO t (a) VALUES (DEFAULT), (1 + 2 * 3)", "t"),
        ("INSERT INTO t VALUES (DATE '2026-01-01', '1'::INTEGER, [1, 2], {'a': 1})", "t"),
        ("INSERT INTO /* s. */ t VALUES (TIMESTAMP '2026-01-01 00:00:00', x'00')", "t"),
    ],
)
def test_rows_that_stand_in_the_text(sql: str, table: str) -> None:
    assert _added_to(sql) == table


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO s.t VALUES (1)",
        "INSERT INTO lake.main.t VALUES (1)",
        "INSERT OR REPLACE INTO t VALUES (1)",
        "INSERT INTO t BY NAME VALUES (1)",
        "INSERT INTO t AS u VALUES (1)",
        "INSERT INTO t DEFAULT VALUES",
        "INSERT INTO t FROM u",
        "INSERT INTO t TABLE u",
        "INSERT INTO t VALUES ((FROM u))",
        "INSERT INTO t VALUES ((TABLE u))",
        "INSERT INTO t VALUES ((VALUES (1)))",
        "INSERT INTO t VALUES (f(1))",
        "INSERT INTO t VALUES ('1'::decimal(10, 2))",
        "INSERT INTO t VALUES (date('2026-01-01'))",
        "INSERT INTO t VALUES ({'a': f(1)})",
        "INSERT INTO t VALUES (current_date)",
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
        "INSERT INTO t VALUES (1) RETURNING a",
        "INSERT INTO t VALUES (1) UNION ALL VALUES (2)",
        "WITH v AS (VALUES (1)) INSERT INTO t FROM v",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "INSERT INTO",
        "",
    ],
)
def test_what_may_do_more(sql: str) -> None:
    assert not _added_to(sql)
