"""Errors on the wire: the right code, the message, and nothing else."""

import traceback

import pytest
from pyarrow import flight

from flightkeeper.flight_server import errors
from flightkeeper.flight_server.errors import NodeError, to_untraced, to_wire
from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Status

_FLIGHT = {
    errors.Unauthenticated: (flight.FlightUnauthenticatedError, 16),
    errors.PermissionDenied: (flight.FlightUnauthorizedError, 7),
    errors.Unavailable: (flight.FlightUnavailableError, 14),
    errors.Cancelled: (flight.FlightCancelledError, 1),
    errors.TimedOut: (flight.FlightTimedOutError, 4),
    errors.Internal: (flight.FlightInternalError, 13),
}
_PLAIN = {
    errors.InvalidArgument: (ValueError, "INVALID_ARGUMENT"),
    errors.NotFound: (KeyError, "NOT_FOUND"),
    errors.Unimplemented: (NotImplementedError, "UNIMPLEMENTED"),
    errors.EngineFailed: (RuntimeError, "UNKNOWN"),
}


def test_every_error_has_its_code() -> None:
    assert {*_FLIGHT, *_PLAIN} == set(NodeError.__subclasses__())


@pytest.mark.parametrize("kind", _FLIGHT)
def test_flight_errors_carry_a_status_of_the_same_code(kind: type[NodeError]) -> None:
    wanted, code = _FLIGHT[kind]
    converted = to_wire(kind("what happened"))
    assert type(converted) is wanted
    assert isinstance(converted, flight.FlightError)
    status = Status.FromString(converted.extra_info)
    assert (status.code, status.message) == (code, "what happened")


@pytest.mark.parametrize("kind", _PLAIN)
def test_plain_errors_are_named_by_their_code_and_have_no_traceback(kind: type[NodeError]) -> None:
    wanted, name = _PLAIN[kind]
    for converted in (to_wire(kind("what happened")), to_untraced(kind("what happened"))):
        assert isinstance(converted, wanted)
        assert (type(converted).__name__, str(converted)) == (name, "what happened")
        with pytest.raises(AttributeError):
            traceback.format_exception(converted)


@pytest.mark.parametrize("kind", _FLIGHT)
def test_what_would_send_a_traceback_becomes_unknown(kind: type[NodeError]) -> None:
    converted = to_untraced(kind("what happened"))
    assert (type(converted).__name__, str(converted)) == ("UNKNOWN", "what happened")


def test_a_converted_error_can_be_raised() -> None:
    with pytest.raises(ValueError, match="what happened") as caught:
        raise to_wire(errors.InvalidArgument("what happened")) from None
    assert "what happened" in repr(caught.value)


def test_a_reason_travels_beside() -> None:
    error = errors.Unavailable("full", reason=Reason.OVERLOADED, retry_after_ms=5)
    assert (error.reason, error.retry_after_ms) == (Reason.OVERLOADED, 5)
    assert errors.Internal("x").reason is None
