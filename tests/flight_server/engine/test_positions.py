"""Positions: shown as DuckDB shows them, and found again in the client's own text."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flight_server.engine.positions import above, excerpt, repoint


def engine_says(sql: str) -> str:
    """DuckDB's message about a text that it refuses."""
    with duckdb.connect() as connection, pytest.raises(duckdb.Error) as caught:
        connection.execute(sql)
    return str(caught.value)


def line_and_caret(message: str) -> list[str]:
    return message.rstrip().split("\n")[-2:]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT nope FROM range(3)",
        "SELECT 1,\n       nope",
        "SELECT 'ü', '漢字', nope",
        f"SELECT {'1 + ' * 60} nope + {'2 + ' * 60} 3",
    ],
)
def test_an_excerpt_looks_like_duckdbs(sql: str) -> None:
    ours = excerpt(sql, sql.index("nope")).split("\n")
    theirs = line_and_caret(engine_says(sql))
    # DuckDB 2.0 marks the whole word.
    assert ours[1] == theirs[1].rstrip("^") + "^" or "..." in theirs[0]
    assert ours[0][:7] == theirs[0][:7]
    assert "nope" in ours[0]


@pytest.mark.parametrize(
    ("sql", "source", "shown"),
    [
        (
            'SELECT "nope" FROM t',
            "SELECT `nope` FROM t",
            "LINE 1: SELECT `nope` FROM t\n               ^",
        ),
        ("SELECT a, nope FROM t", "SELECT\n a,\n nope\nFROM t", "LINE 3:  nope\n         ^"),
        ("SELECT NOPE", "select nope", "LINE 1: select nope\n               ^"),
    ],
)
def test_the_same_word_is_shown_in_the_clients_text(sql: str, source: str, shown: str) -> None:
    place = sql.lower().index("nope") - (1 if '"' in sql else 0)
    message = f'Binder Error: no column "nope"\n\n{excerpt(sql, place)}'
    assert repoint(message, sql, source) == f'Binder Error: no column "nope"\n\n{shown}'


def test_the_second_of_two_stays_the_second() -> None:
    sql, source = "SELECT x.a + x.a", "select  x.a  +  x.a"
    message = f"Error\n\n{excerpt(sql, sql.rindex('a'))}"
    assert repoint(message, sql, source).endswith(f"{source}\n{' ' * (8 + source.rindex('a'))}^")


@pytest.mark.parametrize("source", ["SELECT 1", "SELECT nope, nope, nope"])
def test_no_position_is_better_than_a_wrong_one(source: str) -> None:
    sql = "SELECT nope"
    message = f"Error: it\n\n{excerpt(sql, 7)}"
    assert repoint(message, sql, source) == "Error: it"


def test_what_was_not_translated_or_has_no_position_stays_as_it_is() -> None:
    message = f"Error\n\n{excerpt('SELECT nope', 7)}"
    assert repoint(message, "SELECT nope", "SELECT nope") == message
    assert repoint("Error: plain", "SELECT 1", "select 1") == "Error: plain"


@pytest.mark.parametrize("line", [1, 9, 10])
def test_a_line_above_is_one_less_with_the_caret_where_it_was(line: int) -> None:
    text = "\n" * (line - 1) + "SELECT nope"
    message = f"Error\n\n{excerpt(text, text.index('nope'))}"
    below = f"Error\n\n{excerpt(chr(10) + text, text.index('nope') + 1)}"
    assert above(below) == message
    assert above("Error: plain") == "Error: plain"


@given(st.text(), st.text(), st.text())
def test_any_text_is_taken(message: str, sql: str, source: str) -> None:
    assert isinstance(repoint(message, sql, source), str)
    marked = f"{message}\n\n{excerpt(sql, len(sql) // 2)}"
    assert isinstance(repoint(marked, sql, source), str)
