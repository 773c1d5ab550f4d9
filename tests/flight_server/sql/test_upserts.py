"""Words found and left out before a statement is parsed."""

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token

from flightkeeper.flight_server.sql import upserts
from flightkeeper.flight_server.sql.reading import sources


def tokens(text: str) -> Sequence[Token]:
    return next(sources(text, "phoenix")).tokens


def texts(found: Sequence[Token]) -> str:
    return " ".join(token.text for token in found)


def test_what_closes_a_parenthesis() -> None:
    assert upserts.closing(tokens("( a ( b ) [ c ] ) d"), 0) == 8
    assert upserts.closing(tokens("( a"), 0) == 1


def test_a_clause_ends_at_a_word_outside_of_parentheses() -> None:
    found = upserts.without(tokens("a b ( stop ) c stop d"), 1, {"STOP"})
    assert texts(found) == "a stop d"


def test_columns_of_a_table_begin_after_its_name() -> None:
    assert upserts.is_table(tokens("CREATE TABLE t (a INT)")) == 3
    assert upserts.is_table(tokens("CREATE TABLE t AS SELECT (1)")) is None
    assert upserts.is_table(tokens("SELECT (1)")) is None
    assert upserts.is_table(tokens("CREATE TABLE t")) is None


def test_quoted_words_are_kept() -> None:
    assert texts(upserts.dropped(tokens("a 'desc' desc \"desc\""), {"DESC"})) == "a desc desc"


def test_words_are_upper_case() -> None:
    assert upserts.words(tokens("a b"), 1, 5) == ("B",)
