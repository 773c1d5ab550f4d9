"""Phoenix's own grammar."""

import pytest

from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        (
            "CREATE TABLE t (a VARCHAR, f.b DATE CONSTRAINT k PRIMARY KEY (a DESC)) TTL = 1",
            "CREATE TABLE t (a TEXT, b TIMESTAMP, CONSTRAINT k PRIMARY KEY (a))",
        ),
        ("UPSERT INTO t (f.a) VALUES (1)", "INSERT OR REPLACE INTO t (a) VALUES (1)"),
        ("UPSERT INTO t SELECT a FROM u", "INSERT OR REPLACE INTO t SELECT a FROM u"),
        (
            "UPSERT INTO t (a) VALUES (1) ON DUPLICATE KEY IGNORE",
            "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING",
        ),
        ("SELECT NEXT VALUE FOR s.n", "SELECT NEXTVAL('s.n')"),
        ("SELECT CURRENT VALUE FOR n", "SELECT CURRVAL('n')"),
        ("SELECT f.a, t.b FROM t", "SELECT a, t.b FROM t"),
        (
            "SELECT CURRENT_DATE() - ?",
            "SELECT CAST(CURRENT_TIMESTAMP AS TIMESTAMP) - INTERVAL ($1) DAY",
        ),
        ("SELECT a / 2", "SELECT a // 2"),
        ("CREATE SEQUENCE s CACHE 5", "CREATE SEQUENCE s"),
        ("SELECT TO_CHAR(a, 'yyyy')", "SELECT STRFTIME(a, '%Y')"),
    ],
)
def test_grammar(text: str, sql: str) -> None:
    assert becomes(text, "phoenix") == sql
