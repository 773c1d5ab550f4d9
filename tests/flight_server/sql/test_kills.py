"""KILL and its spellings."""

import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.dialects import DIALECTS
from flightkeeper.flight_server.sql.translation import parse
from flightkeeper.flight_server.system.kill import Kill, Target


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("text", "target", "wanted"),
    [
        ("KILL STATEMENT 'ab-1f'", Target.STATEMENT, "ab-1f"),
        ("kill query 'ab-1f';", Target.STATEMENT, "ab-1f"),
        ("KILL QUERY ab-1f", Target.STATEMENT, "ab-1f"),
        ("KILL SESSION 'peer ipv4:127.0.0.1:80'", Target.SESSION, "peer ipv4:127.0.0.1:80"),
        ("KILL CONNECTION 17", Target.SESSION, "17"),
        ("KILL 'ab-1f'", Target.EITHER, "ab-1f"),
        ("KILL /* it */ 'ab-1f'", Target.EITHER, "ab-1f"),
    ],
)
def test_what_is_to_end(dialect: str, text: str, target: Target, wanted: str) -> None:
    (statement,) = parse(text, dialect)
    assert statement.command == Kill(target, wanted)
    assert not statement.read_only


@pytest.mark.parametrize(
    "text", ["KILL", "KILL STATEMENT", "KILL SESSION ''", "KILL 'a' 'b'", f"KILL '{'x' * 300}'"]
)
def test_what_does_not_say_so(text: str) -> None:
    with pytest.raises(InvalidArgument, match="write KILL STATEMENT 'id' or KILL SESSION 'id'"):
        parse(text, "duckdb")
