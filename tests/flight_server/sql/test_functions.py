"""The tables of functions: every form is one that DuckDB takes."""

import re

import duckdb
import pytest

from flightkeeper.flight_server.sql import functions
from flightkeeper.flight_server.sql.functions import REFUSED, form

_FORMS = sorted(
    {
        text
        for forms in (functions._ANY, *functions._BY_DIALECT.values())
        for texts in forms.values()
        for text in texts
    }
)


@pytest.mark.parametrize("text", _FORMS)
def test_a_form_is_an_expression_of_functions_that_duckdb_has(text: str) -> None:
    with duckdb.connect() as connection:
        known = {row[0] for row in connection.execute(_KNOWN).fetchall()}
    sql = text.format(*"abcd")
    assert duckdb.extract_statements(f"SELECT {sql}")
    called = {name.lower() for name in re.findall(r"(\w+)\(", text)}
    assert called <= known | {"cast", "coalesce", "timestamp", "nullif", "where", "filter"}


_KNOWN = "SELECT DISTINCT function_name FROM duckdb_functions()"


def test_the_form_for_the_number_of_arguments_counts() -> None:
    assert form("impala", "isnull", 1) == "({0} IS NULL)"
    assert form("impala", "IsNull", 2) == "COALESCE({0}, {1})"
    assert form("impala", "isnull", 3) is None
    assert form("trino", "e", 0) == "EXP(1)"


def test_a_name_without_a_form_is_left_alone() -> None:
    assert form("trino", "no_such_function", 1) is None
    assert form("klingon", "e", 0) == "EXP(1)"


def test_what_answers_other_values_is_refused_where_it_does() -> None:
    assert "spark" in REFUSED["HASH"]
    assert "trino" not in REFUSED["HASH"]
