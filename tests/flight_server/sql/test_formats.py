"""Formats with `%`."""

import duckdb
import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("call", "dialect", "text"),
    [
        ("format('')", "trino", ""),
        ("format('%%')", "trino", "%"),
        ("format('%S', 'a')", "trino", "A"),
        ("format('%.2s', 'abc')", "trino", "ab"),
        ("format('%-4d|', 7)", "trino", "7   |"),
        ("format('%4d|', 7)", "trino", "   7|"),
        ("format('% d', 7)", "trino", " 7"),
        ("format('%+.1f', 2.25)", "trino", "+2.3"),
        ("format('%07.2f', 2.5)", "trino", "0002.50"),
        ("format('%e', 2.5)", "trino", "2.500000e+00"),
        ("format('%d', NULL)", "trino", "null"),
        ("format('it''s {%s}', 1)", "trino", "it's {1}"),
        ("printf('a%nb')", "spark", "a\nb"),
        ("format('%i', 5)", "bigquery", "5"),
        ("format('%d', NULL)", "bigquery", None),
        ("format('%d|%s', NULL, NULL)", "sqlite", "0|"),
        ("format('%I', 'a\"b')", "postgres", '"a""b"'),
        ("format('{} {}', 1, 2)", "clickhouse", "1 2"),
    ],
)
def test_a_format_is_filled_in(call: str, dialect: str, text: str | None) -> None:
    with duckdb.connect() as connection:
        found = connection.execute(becomes(f"SELECT {call}", dialect)).fetchall()
    assert found == [(text,)]


@pytest.mark.parametrize(
    ("call", "dialect"),
    [
        ("format(a, 1)", "trino"),
        ("format('%x', 1)", "trino"),
        ("format('%s %s', 1)", "trino"),
        ("format('%2$s', 1)", "trino"),
        ("format('%n')", "postgres"),
        ("format('%(d', 1)", "trino"),
        ("format('%.2d', 1)", "trino"),
        ("format('%0,5d', 1)", "trino"),
        ("format('%0s', 1)", "trino"),
        ("format('%d', 1)", "postgres"),
        ("format('%5.2s', 1)", "postgres"),
    ],
)
def test_what_has_no_counterpart_is_refused(call: str, dialect: str) -> None:
    with pytest.raises(InvalidArgument, match="format"):
        becomes(f"SELECT {call}", dialect)
