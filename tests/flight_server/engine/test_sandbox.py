"""The sandbox: what breaks it, breaks nothing else, and not the next question."""

import duckdb
import pytest

from flightkeeper.flight_server.engine import sandbox as module
from flightkeeper.flight_server.engine.sandbox import sandbox
from flightkeeper.flight_server.errors import InvalidArgument, NodeError


def value(sql: str) -> object:
    with sandbox() as duck:
        row = duck.execute(sql).fetchone()
    assert row is not None
    return row[0]


def test_errors_come_without_the_question() -> None:
    with pytest.raises(InvalidArgument) as caught:
        value("SELECT 'x'::INTEGER AS secret")
    assert str(caught.value) == (
        "Conversion Error: Could not convert string 'x' to INT32; nothing was run"
    )


def test_a_broken_one_is_replaced() -> None:
    before = module._database()
    with pytest.raises(InvalidArgument, match="the engine cannot take these values"), sandbox():
        raise duckdb.InternalException("INTERNAL Error: broken")
    assert module._database() is not before
    assert value("SELECT 1") == 1


def test_an_error_does_not_replace_it() -> None:
    before = module._database()
    with pytest.raises(InvalidArgument):
        value("SELECT nothing")
    assert module._database() is before


def test_it_reaches_nothing_outside() -> None:
    for sql in (
        "FROM glob('*')",
        "ATTACH 'somewhere.db'",
        "INSTALL httpfs",
        "COPY (SELECT 1) TO 'x'",
    ):
        with pytest.raises(NodeError):
            value(sql)


def test_moments_are_shown_in_utc() -> None:
    assert value("SELECT TIMESTAMPTZ '2024-01-01 09:00:00+09'::VARCHAR") == "2024-01-01 00:00:00+00"
