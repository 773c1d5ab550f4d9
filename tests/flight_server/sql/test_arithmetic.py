"""Numbers: what cuts, what rounds, and what a division by zero is."""

import duckdb
import pytest

from tests.flight_server.sql.translated import becomes


def answer(expression: str, dialect: str, value: str) -> object:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT {value} AS x, 0 AS zero")
        row = connection.execute(becomes(f"SELECT {expression} FROM t", dialect)).fetchone()
        assert row is not None
        return row[0]


@pytest.mark.parametrize("dialect", ["hive", "spark", "impala"])
@pytest.mark.parametrize(
    ("value", "cut"),
    [
        ("2.7::DOUBLE", 2),
        ("-2.7::DOUBLE", -2),
        ("2.5::FLOAT", 2),
        ("'-0.9'", 0),
        ("' 7 '", 7),
        ("9007199254740993::BIGINT", 9007199254740993),
        ("(-9223372036854775808)::BIGINT", -9223372036854775808),
        ("'9223372036854775807'", 9223372036854775807),
        ("4503599627370495.5::DOUBLE", 4503599627370495),
        ("1e30::DOUBLE", None),
        ("'nan'::DOUBLE", None),
        ("'x'", None),
        ("TRUE", 1),
        ("DATE '2024-01-31'", None),
    ],
)
def test_a_cast_to_an_integer_cuts(dialect: str, value: str, cut: int | None) -> None:
    assert answer("CAST(x AS BIGINT)", dialect, value) == cut
    assert answer("CAST(coalesce(x, x) AS BIGINT)", dialect, value) == cut
    if cut is None or abs(cut) < 128:
        assert answer("CAST(x AS TINYINT)", dialect, value) == cut


@pytest.mark.parametrize(
    "dialect",
    [
        *("athena", "bigquery", "databricks", "oracle", "phoenix", "postgres", "presto"),
        *("redshift", "snowflake", "trino", "tsql"),
    ],
)
@pytest.mark.parametrize("expression", ["x / 0", "x / zero", "x % zero", "x / (x - 1)"])
def test_a_division_by_zero_is_an_error(expression: str, dialect: str) -> None:
    if (expression, dialect) == ("x % zero", "oracle"):
        expression = "MOD(x, zero)"
    with pytest.raises(duckdb.ConversionException, match="division by zero"):
        answer(expression, dialect, "1")


@pytest.mark.parametrize("dialect", ["hive", "impala", "mysql", "spark", "sqlite"])
@pytest.mark.parametrize("expression", ["x / 0", "x / zero", "x / (x - 1)"])
def test_a_division_by_zero_is_null(expression: str, dialect: str) -> None:
    assert answer(expression, dialect, "1") is None


@pytest.mark.parametrize("value", ["1::TINYINT", "1", "1.5", "1::DOUBLE", "NULL::INTEGER"])
def test_a_guard_against_zero_keeps_the_type(value: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT {value} AS x")
        guarded = connection.execute(becomes("SELECT x / x FROM t", "trino")).description
        plain = connection.execute("SELECT x // x FROM t").description
        assert [column[1] for column in guarded] == [column[1] for column in plain]


def test_a_zero_that_is_filtered_out_is_no_error() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT range % 3 AS x FROM range(10000)")
        text = "SELECT count(*) FROM t WHERE x <> 0 AND 6 / x > 2"
        assert connection.execute(becomes(text, "trino")).fetchall() == [(6666,)]


@pytest.mark.parametrize("dialect", ["trino", "postgres", "snowflake", "bigquery"])
@pytest.mark.parametrize(
    "expression", ["x / zero", "x % zero", "(x + 1) / zero", "1 / x / zero", "zero / x"]
)
def test_null_divided_by_zero_is_null(expression: str, dialect: str) -> None:
    if (expression, dialect) == ("x % zero", "bigquery"):
        expression = "MOD(x, zero)"
    assert answer(expression, dialect, "NULL::INTEGER") is None
    assert answer("sum(x) / count(x)", dialect, "NULL::INTEGER") is None


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("7 / x / 2e0", 1.5),
        ("CAST(7 AS DOUBLE) / x / 2", 1.75),
        ("CAST(x AS DOUBLE) / 2 / zero", float("inf")),
        ("7 / x / x", 1),
        ("7 / (x / 2)", 7),
    ],
)
def test_each_division_of_a_chain_has_its_own_rule(expression: str, value: float) -> None:
    assert answer(expression, "trino", "2") == value
    with pytest.raises(duckdb.ConversionException, match="division by zero"):
        answer("7 / zero / x", "trino", "2")
    assert answer("7 / zero / x", "mysql", "2") is None


def test_what_plainly_is_not_zero_stays_as_it_is() -> None:
    assert becomes("SELECT a / 2, a / -2, a / NULLIF(b, 0), a / ?", "trino") == (
        "SELECT a // 2, a // -2, a // NULLIF(b, 0), a // $1"
    )
    assert "CASE" in becomes("SELECT a / NULLIF(b, 1)", "trino")
