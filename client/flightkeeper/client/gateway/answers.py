"""How a call that failed is answered: in the node's own words where it spoke, else in the client's.

A node's error passes with its code, message and details as they are. What no node said (a node was
lost, none is left) is said in the words of the client's errors, which `failover` has chosen; with
the codes and marks that nodes use for the same, so that a client library behind the gateway
understands them. Pure.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import flight

from flightkeeper.client.errors import (
    AuthenticationFailed,
    FlightkeeperError,
    NoNodeAvailable,
    OutcomeUnknown,
    PermissionDenied,
    SessionLost,
    StatementCancelled,
    StatementTimeout,
    StreamInterrupted,
)
from flightkeeper.client.gateway.channel import NodeRefused
from flightkeeper.client.gateway.passing import Pair, back, error_details
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.statuses import (
    FailureOnWire,
    InvalidArgumentOnWire,
    NotFoundOnWire,
    UnimplementedOnWire,
)

DEFECT = "the gateway has a defect; its log has the details"

_SPOKEN = "x-arrow-status-message-bin"
"""Comes with what a node says itself, not with what gRPC says of a connection."""


class Leaving(FlightkeeperError):
    """The gateway is about to end and takes nothing new. Nothing was run; connect again."""

    retryable = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than success.

    Attributes:
        error: to be raised.
        trailers: to be sent beside it.
    """

    error: Exception
    trailers: tuple[Pair, ...] = ()


def refusal(error: BaseException) -> Refusal:
    """How an error of a call is answered.

    Args:
        error: of the client; anything else is a defect.
    """
    if not isinstance(error, FlightkeeperError):
        return Refusal(flight.FlightInternalError(DEFECT))
    refused = error.__cause__
    if not isinstance(refused, NodeRefused):
        return Refusal(_in_our_words(error), _marks(error))
    spoken = any(name == _SPOKEN for name, _ in refused.answered)
    if spoken and not isinstance(error, NoNodeAvailable):
        return Refusal(_in_its_words(refused), tuple(_trailers(refused)))
    kept = (p for p in _trailers(refused) if p[0] in {headers.REASON, headers.RETRY_AFTER_MS})
    return Refusal(_in_our_words(error), _marks(error) or tuple(kept))


_REASONS: Mapping[type[FlightkeeperError], Reason] = {
    Leaving: Reason.DRAINING,
    SessionLost: Reason.SESSION_LOST,
}


def within_stream(error: Exception) -> Exception:
    """The same for `get_schema`, where Flight's own exceptions come with a traceback."""
    if isinstance(error, flight.FlightError):
        return FailureOnWire(_message(error))
    return error


def cancelled_within_stream(error: Exception) -> Exception:
    """The same within a stream, where pyarrow's clients take CANCELLED for Ctrl-C."""
    return within_stream(error) if isinstance(error, flight.FlightCancelledError) else error


_FLIGHT: tuple[Any, ...] = (
    flight.FlightUnavailableError,
    flight.FlightUnauthenticatedError,
    flight.FlightUnauthorizedError,
    flight.FlightTimedOutError,
    flight.FlightCancelledError,
    flight.FlightInternalError,
)
_PLAIN: tuple[tuple[type[Exception], Callable[[str], Exception]], ...] = (
    (pa.ArrowNotImplementedError, UnimplementedOnWire),
    (pa.ArrowKeyError, NotFoundOnWire),
    (pa.ArrowInvalid, InvalidArgumentOnWire),
)
_OURS: Mapping[type[FlightkeeperError], Any] = {
    AuthenticationFailed: flight.FlightUnauthenticatedError,
    PermissionDenied: flight.FlightUnauthorizedError,
    NoNodeAvailable: flight.FlightUnavailableError,
    Leaving: flight.FlightUnavailableError,
    StreamInterrupted: flight.FlightUnavailableError,
    # A client that may have caused something must not take it for refused.
    OutcomeUnknown: flight.FlightInternalError,
    StatementTimeout: flight.FlightTimedOutError,
    StatementCancelled: flight.FlightCancelledError,
    SessionLost: NotFoundOnWire,
}


def _marks(error: FlightkeeperError) -> tuple[Pair, ...]:
    reason = _REASONS.get(type(error))
    return () if reason is None else ((headers.REASON, reason.value),)


def _in_its_words(refused: NodeRefused) -> Exception:
    original, message = refused.original, refused.failure.message
    for kind in _FLIGHT:
        if isinstance(original, kind):
            made: Exception = kind(message, getattr(original, "extra_info", b""))
            return made
    for plain, make in _PLAIN:
        if isinstance(original, plain):
            return make(message)
    return FailureOnWire(message)


def _in_our_words(error: FlightkeeperError) -> Exception:
    make = _OURS.get(type(error), FailureOnWire)
    made: Exception = make(str(error))
    return made


def _trailers(refused: NodeRefused) -> Iterator[Pair]:
    yield from back(refused.answered)
    if (details := error_details(refused.answered)) is not None:
        yield details


def _message(error: Exception) -> str:
    return str(error.args[0]) if error.args else ""
