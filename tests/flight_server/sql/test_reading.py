"""Reading: where statements end, where errors are, and how parameters are numbered."""

import pytest
from sqlglot import exp

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.reading import as_insert, sources, tree


def refusal(text: str, dialect: str) -> str:
    with pytest.raises(InvalidArgument) as caught:
        _ = [tree(source) for source in sources(text, dialect)]
    assert caught.value.cause == "Parser Error"
    return str(caught.value)


def test_statements_end_at_semicolons_outside_of_quotes() -> None:
    found = list(sources(" SELECT ';' ;; SHOW TABLES LIKE ';'; /* ; */ SELECT 2 ", "hive"))
    assert [source.own for source in found] == [
        "SELECT ';'",
        "SHOW TABLES LIKE ';'",
        "/* ; */ SELECT 2",
    ]


def test_a_text_without_words_has_no_statements() -> None:
    assert list(sources(" ; -- nothing\n", "trino")) == []


@pytest.mark.parametrize(
    ("text", "dialect", "shown"),
    [
        (
            "SELECT a b c",
            "trino",
            'Parser Error: syntax error at or near "c"\n\nLINE 1: SELECT a b c\n' + " " * 19 + "^",
        ),
        (
            "SELECT 1;\nSELECT (2",
            "mysql",
            "Parser Error: syntax error at end of input\n\nLINE 2: SELECT (2\n" + " " * 17 + "^",
        ),
        (
            "SELECT\n 'ab",
            "postgres",
            "Parser Error: unterminated quoted text or comment; ' is missing\n\n"
            "LINE 2:  'ab\n" + " " * 9 + "^",
        ),
    ],
)
def test_an_error_looks_like_duckdbs(text: str, dialect: str, shown: str) -> None:
    assert refusal(text, dialect) == shown


@pytest.mark.parametrize(
    ("text", "dialect", "near"),
    [
        ("SELECT date_add(, 3) FROM t", "impala", "3"),
        ("SELECT regexp_substr('a', ) FROM t", "bigquery", ","),
    ],
)
def test_wrong_arguments_are_shown_where_they_end(text: str, dialect: str, near: str) -> None:
    assert f'syntax error at or near "{near}"\n\nLINE 1: {text}' in refusal(text, dialect)


def test_an_error_names_no_class_and_has_no_colours() -> None:
    message = refusal("SELECT CAST(1)", "trino") + refusal("SELECT * FROM", "spark")
    assert "\x1b" not in message
    assert "sqlglot" not in message
    assert "class" not in message


def test_positional_parameters_are_numbered_as_they_stand() -> None:
    (source,) = sources("SELECT locate(?, ?) FROM t LIMIT ?, ?", "mysql")
    numbered = {node.name for node in tree(source).find_all(exp.Placeholder)}
    assert numbered == {"1", "2", "3", "4"}


def test_a_question_mark_that_is_no_parameter_has_no_number() -> None:
    (source,) = sources("SELECT a ? 1 : 2, ? FROM t", "clickhouse")
    assert [node.name for node in tree(source).find_all(exp.Placeholder)] == ["1"]


def test_words_leave_quoted_ones_out() -> None:
    (source,) = sources("select `from` 'x'", "hive")
    assert source.words == ("SELECT", "", "")


def test_replace_reads_as_an_insert() -> None:
    (source,) = sources("REPLACE INTO t VALUES (1)", "mysql")
    assert isinstance(tree(as_insert(source)), exp.Insert)


def test_statements_that_are_not_looked_into_are_known() -> None:
    assert next(sources("CALL f(1)", "postgres")).opaque
    assert not next(sources("SELECT 1", "postgres")).opaque
