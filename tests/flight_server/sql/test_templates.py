"""to_char of PostgreSQL and Oracle."""

import duckdb
import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("YYYY-MM-DD HH24:MI:SS", "2024-03-05 13:04:05"),
        ("FMMonth FMDD", "March 5"),
        ("Month|", "March    |"),
        ("MON mon Mon", "MAR mar Mar"),
        ("Dy, FMDay", "Tue, Tuesday"),
        ("HH:MI am", "01:04 pm"),
        ('Q. "Quarter" \'YY', "1. Quarter '24"),
        ('"\\"a\\" %"', '"a" %'),
        ("", ""),
        ("D W WW ID IW", "3 1 10 2 10"),
        ("MSUS", "678678900"),
    ],
)
def test_a_template_is_filled_in(template: str, text: str) -> None:
    quoted = template.replace("'", "''")
    sql = becomes(f"SELECT to_char(t, '{quoted}') FROM x", "postgres")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE x AS SELECT TIMESTAMP '2024-03-05 13:04:05.6789' AS t")
        assert connection.execute(sql).fetchall() == [(text,)]


@pytest.mark.parametrize(
    "template", ["'999'", "'FM9,990.00'", "'DDth'", "'J'", "'TZ'", "'Y,YYY'", "'CC'", "a"]
)
def test_what_is_not_known_is_refused(template: str) -> None:
    with pytest.raises(InvalidArgument, match=r"to_char with .* cannot be translated"):
        becomes(f"SELECT to_char(t, {template})", "postgres")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("DD-MON-YYYY", "05-MAR-2024"),
        ("FMMonth DD, YYYY", "March 5, 2024"),
        ("FMMonth FMDD", "March 05"),
        ("Day|", "Tuesday  |"),
        ("HH24:MI:SS.FF3", "13:04:05.678"),
    ],
)
def test_oracle_means_all_that_follows_by_fm(template: str, text: str) -> None:
    sql = becomes(f"SELECT to_char(t, '{template}') FROM x", "oracle")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE x AS SELECT TIMESTAMP '2024-03-05 13:04:05.6789' AS t")
        assert connection.execute(sql).fetchall() == [(text,)]


def test_oracle_has_no_letters_between() -> None:
    with pytest.raises(InvalidArgument, match="'T' in a template of times"):
        becomes("SELECT to_char(t, 'YYYY-MM-DD T HH24')", "oracle")
    assert becomes("SELECT to_char(5)", "oracle") == "SELECT CAST(5 AS TEXT)"


def test_other_dialects_have_their_own() -> None:
    assert becomes("SELECT to_char(t, 'YYYY')", "snowflake") == ("SELECT STRFTIME(t, '%Y')")
