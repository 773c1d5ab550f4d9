"""PostgreSQL's to_char."""

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


def test_other_dialects_have_their_own() -> None:
    assert becomes("SELECT to_char(t, 'YYYY')", "snowflake") == ("SELECT STRFTIME(t, '%Y')")
