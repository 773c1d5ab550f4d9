"""Errors on the wire: the right code, the message, and nothing else."""

import traceback

import pytest
from pyarrow import flight

from flightkeeper.flight_server import errors
from flightkeeper.flight_server.errors import NodeError, details_for, to_untraced, to_wire
from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.wire.flightkeeper_pb2 import ErrorInfo, Status

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


@pytest.mark.parametrize("kind", _PLAIN)
def test_plain_errors_have_a_status_for_clients_that_show_one(kind: type[NodeError]) -> None:
    code = {"INVALID_ARGUMENT": 3, "NOT_FOUND": 5, "UNIMPLEMENTED": 12, "UNKNOWN": 2}
    details = details_for(kind("what happened"), "ADBC Flight SQL Driver grpc-go/1.84.0")
    assert details is not None
    status = Status.FromString(details)
    assert (status.code, status.message) == (code[_PLAIN[kind][1]], "what happened")
    # Arrow's C++ clients take any error with details for INTERNAL.
    assert details_for(kind("what happened"), "grpc-c++/1.80.0") is None


@pytest.mark.parametrize("kind", _FLIGHT)
def test_flight_errors_need_no_second_status(kind: type[NodeError]) -> None:
    assert details_for(kind("what happened"), "grpc-go/1.84.0") is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.InvalidArgument("x", cause="Catalog Error"), "CATALOG_ERROR"),
        (errors.NotFound("x", reason=Reason.SESSION_LOST), "SESSION_LOST"),
        (errors.EngineFailed("x", cause="Out of Memory Error"), "OUT_OF_MEMORY_ERROR"),
        (errors.InvalidArgument("x"), "INVALID_ARGUMENT"),
    ],
)
def test_the_status_tells_programs_the_cause(error: NodeError, reason: str) -> None:
    (detail,) = Status.FromString(details_for(error, "grpc-java") or b"").details
    assert detail.type_url == "type.googleapis.com/google.rpc.ErrorInfo"
    info = ErrorInfo.FromString(detail.value)
    assert (info.reason, info.domain) == (reason, "flightkeeper")


def test_the_status_tells_when_to_come_again() -> None:
    converted = to_wire(errors.Unavailable("x", reason=Reason.OVERLOADED, retry_after_ms=7))
    (detail,) = Status.FromString(converted.extra_info).details  # type: ignore[attr-defined]
    info = ErrorInfo.FromString(detail.value)
    assert (info.reason, dict(info.metadata)) == ("OVERLOADED", {"retry_after_ms": "7"})


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
