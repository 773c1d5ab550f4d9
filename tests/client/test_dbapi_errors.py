"""Tests for what the client's errors become."""

from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.client import dbapi, errors
from flightkeeper.client.dbapi.errors import translated, translating


@pytest.mark.parametrize(
    ("error", "kind", "lost"),
    [
        (errors.InvalidUrl("x", "host", "missing"), dbapi.InterfaceError, False),
        (errors.ConnectionClosed("closed"), dbapi.InterfaceError, True),
        (errors.NoNodeAvailable("none"), dbapi.OperationalError, False),
        (errors.AuthenticationFailed("who"), dbapi.OperationalError, False),
        (errors.PermissionDenied("no"), dbapi.ProgrammingError, False),
        (errors.StatementCancelled("stopped"), dbapi.OperationalError, False),
        (errors.StatementTimeout("late"), dbapi.OperationalError, False),
        (errors.StreamInterrupted("broke", rows_delivered=3), dbapi.OperationalError, False),
        (errors.OutcomeUnknown("who knows"), dbapi.OperationalError, False),
        (errors.SessionLost("gone"), dbapi.OperationalError, True),
        (errors.StatementFailed("Constraint Error: twice"), dbapi.IntegrityError, False),
        (errors.StatementFailed("Conversion Error: 'x'"), dbapi.DataError, False),
        (errors.StatementFailed("Not implemented Error: that"), dbapi.NotSupportedError, False),
        (errors.StatementFailed("INTERNAL Error: oh"), dbapi.InternalError, False),
        (errors.StatementFailed("IO Error: disk"), dbapi.OperationalError, False),
        (errors.StatementFailed("Catalog Error: no table"), dbapi.ProgrammingError, False),
    ],
)
def test_each_error_has_its_class(
    error: errors.FlightkeeperError, kind: type[dbapi.Error], *, lost: bool
) -> None:
    made = translated(error)
    assert (type(made), made.connection_lost) == (kind, lost)
    assert str(made) == str(error)


def test_the_facts_come_along() -> None:
    error = errors.OutcomeUnknown("the answer was lost")
    error.node, error.attempts, error.statement_id = "n1", 2, "abc"
    with pytest.raises(dbapi.OperationalError) as caught, translating():
        raise error
    made = caught.value
    assert (made.node, made.attempts, made.statement_id) == ("n1", 2, "abc")
    assert (made.retryable, made.in_doubt) == (False, True)
    assert made.__cause__ is error


def test_what_arrow_refuses_is_an_error_of_data() -> None:
    unlike: list[Any] = [1, "a"]
    with pytest.raises(dbapi.DataError), translating():
        pa.array(unlike)
