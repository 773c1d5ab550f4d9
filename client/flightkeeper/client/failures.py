"""What went wrong with one call to one node, as a value; and how gRPC's words become it.

Pure: the transport feeds it a code, a text and the answer's marks. Knows nothing of what is to be
done about a failure; `failover` decides that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from flightkeeper.flightsql import headers
from flightkeeper.flightsql.headers import Reason


class Kind(Enum):
    """What is known of a call that failed."""

    NOT_SENT = auto()
    """No connection could be made: the node has not seen the call."""
    BROKEN = auto()
    """The connection was lost after the call was sent: it may have run."""
    DRAINING = auto()
    """The node is leaving; it ran nothing."""
    OVERLOADED = auto()
    """The node is full, or cannot reach what nodes share; it ran nothing."""
    NOT_READ_ONLY = auto()
    """The node refused to run as a read what is not one; it ran nothing."""
    CONFLICT = auto()
    """Others changed the same table meanwhile; the node applied nothing."""
    UNTOLD = auto()
    """The node cannot look up whether another one ran it; it ran nothing."""
    UNDONE = auto()
    """A COMMIT was not done, and never will be."""
    SESSION_LOST = auto()
    """The node no longer has the transaction or session."""
    UNAUTHENTICATED = auto()
    """The node does not know the caller; it ran nothing."""
    DENIED = auto()
    """The node knows the caller and refuses; it ran nothing."""
    TIMED_OUT = auto()
    """The deadline passed, here or at the node."""
    CANCELLED = auto()
    """The node stopped the call on somebody's request, or its reader did."""
    REFUSED = auto()
    """The node answered that the statement is wrong or cannot be done."""
    GONE = auto()
    """The node does not have what was named, such as a result that it can make no more."""
    INTERNAL = auto()
    """The node, or the way to it, has a defect; the call may have run."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One call's failure.

    Attributes:
        message: the node's own words where it spoke.
        retry_after_ms: when asking this node again makes sense, if it said so.
    """

    kind: Kind
    message: str
    retry_after_ms: int | None = None


class CallFailed(Exception):
    """Raised by the transport, the one translation of a foreign error."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Code(Enum):
    """The gRPC codes that pyarrow lets through."""

    INVALID_ARGUMENT = auto()
    NOT_FOUND = auto()
    UNIMPLEMENTED = auto()
    UNAVAILABLE = auto()
    UNAUTHENTICATED = auto()
    PERMISSION_DENIED = auto()
    DEADLINE_EXCEEDED = auto()
    CANCELLED = auto()
    INTERNAL = auto()
    UNKNOWN = auto()


_BY_REASON = {
    Reason.DRAINING: Kind.DRAINING,
    Reason.OVERLOADED: Kind.OVERLOADED,
    # Short of what it takes as well: another node may have it, and a pause may help.
    Reason.AWAY: Kind.OVERLOADED,
    Reason.NOT_READ_ONLY: Kind.NOT_READ_ONLY,
    Reason.SESSION_LOST: Kind.SESSION_LOST,
    Reason.CONFLICT: Kind.CONFLICT,
    Reason.UNTOLD: Kind.UNTOLD,
    Reason.UNDONE: Kind.UNDONE,
}

_BY_CODE = {
    Code.INVALID_ARGUMENT: Kind.REFUSED,
    Code.NOT_FOUND: Kind.GONE,
    Code.UNIMPLEMENTED: Kind.REFUSED,
    Code.UNAVAILABLE: Kind.BROKEN,
    Code.UNAUTHENTICATED: Kind.UNAUTHENTICATED,
    Code.PERMISSION_DENIED: Kind.DENIED,
    Code.DEADLINE_EXCEEDED: Kind.TIMED_OUT,
    Code.CANCELLED: Kind.CANCELLED,
    Code.INTERNAL: Kind.INTERNAL,
    Code.UNKNOWN: Kind.REFUSED,
}

# What gRPC core says itself when a node says nothing.
_CORES = frozenset({Code.UNAVAILABLE, Code.INTERNAL, Code.UNKNOWN, Code.CANCELLED})

# gRPC core's words for "the call never left". Everything else it says about an unavailable
# server may follow after the request was sent.
_NEVER_SENT = (
    "failed to connect to all addresses",
    "Failed to connect to remote host",
    "errors resolving",
    "DNS resolution failed",
    # The handshake of a login on a connection that could not be made; pyarrow keeps no more of it.
    "Could not finish writing before closing",
)
# Sent by gRPC core, not by a node, when a connection breaks under a running call.
_LOST = ("Stream removed", "Socket closed", "Connection reset", "Broken pipe")

_PREFIX_END = "error, with message: "
_TAILS = (". gRPC client debug context: ", ". Client context: ", ". Detail: ")
_ANSWER_MESSAGE = "x-arrow-status-message-bin"


def classify(code: Code, text: str, answer: Mapping[str, str]) -> Failure:
    """The failure behind a gRPC code, its text and the headers and trailers of the answer.

    The node's mark (`headers.REASON`) decides before the code: an UNAVAILABLE that a draining
    node sends looks the same as a dead one otherwise.
    """
    message = answer.get(_ANSWER_MESSAGE) or stripped(text)
    return Failure(_kind(code, text, answer), message, _retry_after_ms(answer))


def stripped(text: str) -> str:
    """A node's own message, without what Arrow and gRPC put around it."""
    if text.startswith("Flight "):
        text = text.partition(_PREFIX_END)[2] or text
    for tail in _TAILS:
        text = text.partition(tail)[0]
    return text


def _kind(code: Code, text: str, answer: Mapping[str, str]) -> Kind:
    marked = answer.get(headers.REASON)
    if marked in _BY_REASON:
        return _BY_REASON[Reason(marked)]
    # A node that answered has set its own message; what follows are the words of gRPC core.
    if _ANSWER_MESSAGE not in answer and code in _CORES:
        if any(words in text for words in _NEVER_SENT):
            return Kind.NOT_SENT
        # A server that ends cancels its calls; who cancels here himself knows that without us.
        if code is Code.CANCELLED or any(words in text for words in _LOST):
            return Kind.BROKEN
    return _BY_CODE[code]


def _retry_after_ms(answer: Mapping[str, str]) -> int | None:
    value = answer.get(headers.RETRY_AFTER_MS, "")
    return int(value) if value.isdecimal() else None
