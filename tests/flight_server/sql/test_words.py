"""The words of a statement, one after another."""

import pytest

from flightkeeper.discovery.catalog.definition import ObjectName
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.reading import sources
from flightkeeper.flight_server.sql.words import Words


def words(text: str, dialect: str = "duckdb") -> Words:
    (source,) = sources(text, dialect)
    return Words(source)


def test_words_are_taken_all_or_none() -> None:
    found = words("PRIMARY KEY (a, b) rest of it")
    assert not found.take("PRIMARY", "TABLE")
    assert found.take("primary".upper(), "KEY")
    assert found.in_parentheses(found.identifier) == ["a", "b"]
    assert found.rest() == "rest of it"
    found.end()
    assert found.next is None


def test_quoted_words_are_names_and_no_keywords() -> None:
    found = words("\"drop\" 'text' x")
    assert found.peek() == ""
    assert not found.take("DROP")
    assert found.identifier() == "drop"
    assert found.quoted
    assert found.string() == "text"
    with pytest.raises(InvalidArgument, match="expected a text in quotes"):
        found.string()


def test_names_have_a_schema_or_get_the_usual_one() -> None:
    assert words("t").name() == ObjectName("main", "t")
    assert words('S."T t"').name() == ObjectName("S", "T t")
    assert words("cluster.s.t").name() == ObjectName("s", "t")
    with pytest.raises(InvalidArgument, match="no catalog"):
        words("mine.s.t").name()


def test_values_are_texts() -> None:
    texts = ["'a''b'", "12", "-1.5", "TRUE", "NULL", "DATE '2024-01-01'"]
    assert [words(text).value() for text in texts] == [
        "a'b",
        "12",
        "-1.5",
        "TRUE",
        None,
        "2024-01-01",
    ]
    with pytest.raises(InvalidArgument, match="expected a value"):
        words("x").value()


def test_a_type_goes_up_to_its_end() -> None:
    assert words("DECIMAL(10, 2) NOT NULL").type("NOT") == "DECIMAL(10, 2)"
    assert words("STRUCT(a INT, b INT[]), x").type() == "STRUCT(a INT, b INT[])"
    assert words("MAP<STRING, INT>)", "spark").type() == "MAP(TEXT, INT)"
    with pytest.raises(InvalidArgument, match="expected a type"):
        words(", x").type()


def test_queries_become_the_engines() -> None:
    assert words("SELECT 1 AS x").rest_as_query() == "SELECT 1 AS x"
    assert words("SELECT `a` FROM t", "spark").rest_as_query() == 'SELECT "a" FROM t'
    done = words("x")
    done.identifier()
    with pytest.raises(InvalidArgument, match="at end of input: expected more"):
        done.rest_as_query()
