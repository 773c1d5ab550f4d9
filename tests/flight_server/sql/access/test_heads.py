"""What stands before the statement that is judged."""

import pytest

from flightkeeper.flight_server.sql.access.heads import SHOW_TABLES, Head, head
from flightkeeper.flight_server.sql.reading import sources


def divided(text: str) -> Head:
    (source,) = sources(text, "duckdb")
    return head(source)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("SELECT 1", "SELECT"),
        ("EXPLAIN DELETE FROM t", "DELETE"),
        ("EXPLAIN ANALYZE DELETE FROM t", "DELETE"),
        ("EXPLAIN (ANALYZE, FORMAT json) DELETE FROM t", "DELETE"),
        ("EXPLAIN (SELECT 1)", "("),
        ("EXPLAIN DESCRIBE SELECT 1", "SELECT"),
        ("DESCRIBE SELECT 1", "SELECT"),
        ("SUMMARIZE (FROM t)", "("),
    ],
)
def test_the_statement_behind(text: str, rest: str) -> None:
    found = divided(text).rest
    assert found is not None
    assert found.tokens[0].text == rest


def test_a_table_that_is_described() -> None:
    table = divided('DESCRIBE a."B".c').table
    assert table is not None
    assert (table.path, table.bare, table.written) == (("a", "b", "c"), True, "c")
    literal = divided("DESC 'x.csv'").table
    assert literal is not None
    assert literal.path == ("x.csv",)


def test_nothing_behind_is_nothing() -> None:
    assert divided("EXPLAIN") == Head()
    assert divided("EXPLAIN ANALYZE") == Head()
    assert divided("SHOW TABLES").instead == SHOW_TABLES
    rest = divided("DESCRIBE").rest
    assert rest is not None
    assert rest.tokens[0].text.upper() == "DESCRIBE"
