"""What a node answers when it cannot do what was asked, and how that looks on the wire.

    NodeError                 base; carries an optional `Reason` for programs
    ├── InvalidArgument       the statement or message is wrong (all SQL errors)
    ├── NotFound              no such handle, transaction, session or result
    ├── Unimplemented         the command exists and is not served
    ├── Unauthenticated       who is calling is not known
    ├── PermissionDenied      who is calling may not
    ├── Unavailable           the node takes no work now; another one may
    ├── Cancelled             stopped on request
    ├── TimedOut              stopped at its deadline
    ├── EngineFailed          the engine failed for a reason outside the statement
    └── Internal              a defect of ours; the log has it
    StartFailed               the node could not start; its text is for the operator
    └── LakeUnreachable       because the server of the lake's catalog does not answer

Handlers raise these; `service` turns them into pyarrow's exceptions once, with `to_wire`.
"""

import re
from typing import Any, Self

from pyarrow import flight

from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.statuses import (
    FailureOnWire,
    InvalidArgumentOnWire,
    NotFoundOnWire,
    UnimplementedOnWire,
)
from flightkeeper.flightsql.wire.flightkeeper_pb2 import ErrorInfo, Status

_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_DOMAIN = "flightkeeper"
_CPLUSPLUS = "grpc-c++"
_NOT_UPPER = re.compile(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z]+")
"""Where a word ends: "SessionLost", "session-lost" and "Session Lost" are SESSION_LOST."""


class NodeError(Exception):
    """An answer other than success. The message is for the person at the other end.

    Attributes:
        reason: for programs, when the gRPC code alone does not say enough.
        retry_after_ms: when asking this node again makes sense, beside DRAINING and OVERLOADED.
        cause: the engine's kind of error, such as "Catalog Error"; empty for our own.
        in_doubt: what was asked may have been done; the message says so.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: Reason | None = None,
        retry_after_ms: int | None = None,
        cause: str = "",
        in_doubt: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after_ms = retry_after_ms
        self.cause = cause
        self.in_doubt = in_doubt

    def reworded(self, message: str) -> Self:
        """The same error with another message."""
        return type(self)(
            message,
            reason=self.reason,
            retry_after_ms=self.retry_after_ms,
            cause=self.cause,
            in_doubt=self.in_doubt,
        )


class InvalidArgument(NodeError):
    """The statement or the message is wrong; it had no effect."""


class NotFound(NodeError):
    """No such handle, transaction, session or result."""


class Unimplemented(NodeError):
    """A command that this node does not serve."""


class Unauthenticated(NodeError):
    """Who is calling is not known; nothing was done."""


class PermissionDenied(NodeError):
    """Who is calling may not do this; nothing was done."""


class Unavailable(NodeError):
    """The node takes no work now; nothing was done, unless it is in doubt."""


class Cancelled(NodeError):
    """Stopped because the caller asked for it or went away."""


class TimedOut(NodeError):
    """Stopped at its deadline."""


class EngineFailed(NodeError):
    """The engine failed for a reason that is not in the statement, such as memory or disk."""


class Internal(NodeError):
    """A defect of the node; details are in its log only."""


DEFECT = "the node has a defect; its log has the details"
"""All that leaves the node of an exception nobody expected."""


class StartFailed(Exception):
    """The node could not start; says what to change. Nothing was registered."""


class LakeUnreachable(StartFailed):
    """The server of the lake's catalog does not answer."""


_FAILURE = (FailureOnWire, 2)
_PLAIN: dict[type[NodeError], tuple[type[Exception], int]] = {
    InvalidArgument: (InvalidArgumentOnWire, 3),
    NotFound: (NotFoundOnWire, 5),
    Unimplemented: (UnimplementedOnWire, 12),
    EngineFailed: _FAILURE,
}

# A google.rpc.Status with the very code of the call makes ADBC show the message without additions.
_FLIGHT: dict[type[NodeError], tuple[Any, int]] = {
    Unauthenticated: (flight.FlightUnauthenticatedError, 16),
    PermissionDenied: (flight.FlightUnauthorizedError, 7),
    Unavailable: (flight.FlightUnavailableError, 14),
    Cancelled: (flight.FlightCancelledError, 1),
    TimedOut: (flight.FlightTimedOutError, 4),
    Internal: (flight.FlightInternalError, 13),
}


def to_wire(error: NodeError) -> Exception:
    """The exception that makes pyarrow answer with the right gRPC code, the message, and no more.

    Spec: the codes pyarrow maps; see `docs/decisions/errors.md`.
    """
    message = str(error)
    if (plain := _PLAIN.get(type(error))) is not None:
        return plain[0](message)
    kind, code = _FLIGHT[type(error)]
    converted: Exception = kind(message, extra_info=_status(error, code))
    return converted


def details_for(error: NodeError, user_agent: str) -> bytes | None:
    """The value of `STATUS_DETAILS` for what `to_wire` made without one; None = send none.

    With it, ADBC and other Go and Java clients show the message alone and give programs the cause.
    Arrow's C++ clients would take any error that has details for INTERNAL.
    """
    plain = _PLAIN.get(type(error))
    if plain is None or _CPLUSPLUS in user_agent:
        return None
    return _status(error, plain[1])


def _status(error: NodeError, code: int) -> bytes:
    """A google.rpc.Status with one google.rpc.ErrorInfo."""
    cause = error.reason.value if error.reason else error.cause or type(error).__name__
    info = ErrorInfo(reason=_NOT_UPPER.sub("_", cause).upper(), domain=_DOMAIN)
    if error.retry_after_ms is not None:
        info.metadata["retry_after_ms"] = str(error.retry_after_ms)
    status = Status(code=code, message=str(error))
    status.details.add(type_url=_ERROR_INFO, value=info.SerializeToString())
    return status.SerializeToString()


def to_untraced(error: NodeError) -> Exception:
    """Like `to_wire`, for the two places where Flight's own exceptions do harm.

    pyarrow's `get_schema` sends a traceback with them, and pyarrow's clients take CANCELLED inside
    a stream for Ctrl-C. What has no plain exception becomes UNKNOWN there.
    """
    return _PLAIN.get(type(error), _FAILURE)[0](str(error))
