"""How failed calls are answered: in a node's words, or in the client's."""

from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.client import errors
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.gateway import answers
from flightkeeper.client.gateway.channel import NodeRefused
from flightkeeper.client.gateway.passing import Pair
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.statuses import (
    STATUS_DETAILS,
    FailureOnWire,
    InvalidArgumentOnWire,
    NotFoundOnWire,
    UnimplementedOnWire,
)

SPOKEN: Pair = ("x-arrow-status-message-bin", "no such table")
Details = flight.FlightUnauthorizedError("no", b"details")


def failed(
    error: errors.FlightkeeperError, original: Exception, *answered: Pair
) -> errors.FlightkeeperError:
    failure = Failure(Kind.REFUSED, "no such table")
    error.__cause__ = NodeRefused(failure, original, answered)
    return error


@pytest.mark.parametrize(
    ("original", "kind"),
    [
        (pa.ArrowInvalid("x"), InvalidArgumentOnWire),
        (pa.ArrowKeyError("x"), NotFoundOnWire),
        (pa.ArrowNotImplementedError("x"), UnimplementedOnWire),
        (OSError("x"), FailureOnWire),
        (flight.FlightTimedOutError("x", b""), flight.FlightTimedOutError),
    ],
)
def test_what_a_node_said_is_said_again(original: Exception, kind: type[Exception]) -> None:
    refusal = answers.refusal(failed(errors.StatementFailed("?"), original, SPOKEN))
    assert isinstance(refusal.error, kind)
    assert str(refusal.error) == "no such table"


def test_its_details_and_marks_go_along() -> None:
    marks: tuple[Pair, ...] = ((headers.REASON, "draining"), (headers.FORWARDED_DETAILS, b"d"))
    error = failed(errors.StatementFailed("?"), pa.ArrowInvalid("x"), SPOKEN, *marks)
    assert answers.refusal(error).trailers == ((headers.REASON, "draining"), (STATUS_DETAILS, b"d"))
    refused: Any = answers.refusal(failed(errors.PermissionDenied("?"), Details, SPOKEN)).error
    assert refused.extra_info == b"details"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.NoNodeAvailable("none left"), flight.FlightUnavailableError),
        (errors.OutcomeUnknown("who knows"), flight.FlightInternalError),
        (errors.StreamInterrupted("broke", rows_delivered=3), flight.FlightUnavailableError),
        (errors.SessionLost("gone"), NotFoundOnWire),
    ],
)
def test_what_no_node_said_is_said_in_our_words(
    error: errors.FlightkeeperError, kind: type[Exception]
) -> None:
    lost = flight.FlightUnavailableError("Connection reset")
    answered = answers.refusal(failed(error, lost))
    assert isinstance(answered.error, kind)
    assert str(answered.error) == str(error)


def test_a_lost_session_is_marked_as_nodes_do() -> None:
    lost = failed(errors.SessionLost("gone"), flight.FlightUnavailableError("Socket closed"))
    assert answers.refusal(lost).trailers == ((headers.REASON, "session-lost"),)


def test_that_no_node_is_left_says_more_than_the_last_one() -> None:
    error = failed(
        errors.NoNodeAvailable("asked: n1, n2"), flight.FlightUnavailableError("full"), SPOKEN
    )
    assert str(answers.refusal(error).error) == "asked: n1, n2"


def test_a_defect_says_nothing_of_itself() -> None:
    refusal = answers.refusal(ZeroDivisionError("/secret/path"))
    assert isinstance(refusal.error, flight.FlightInternalError)
    assert str(refusal.error) == answers.DEFECT


def test_flights_own_errors_are_plain_where_they_would_bring_a_traceback() -> None:
    assert isinstance(answers.within_stream(flight.FlightTimedOutError("late")), FailureOnWire)
    plain = InvalidArgumentOnWire("x")
    assert answers.within_stream(plain) is plain
    late = flight.FlightTimedOutError("late")
    assert answers.cancelled_within_stream(late) is late
    cancelled = answers.cancelled_within_stream(flight.FlightCancelledError("stopped"))
    assert isinstance(cancelled, FailureOnWire)
    assert str(cancelled) == "stopped"
