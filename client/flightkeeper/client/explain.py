"""The words of the client's errors: from what is known of a statement to the error to raise.

Pure. Each text says what happened, whether it took effect, and what to do; where a node spoke, its
own words come first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flightkeeper.client.errors import (
    AuthenticationFailed,
    FlightkeeperError,
    NoNodeAvailable,
    OutcomeUnknown,
    SessionLost,
    StatementTimeout,
    StreamInterrupted,
)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known when a statement fails for good.

    Attributes:
        node: the node asked last.
        message: what it, or the way to it, said.
        reasons: by node id, why each node asked so far did not do it.
        rows_delivered: rows the caller has been given.
    """

    statement_id: str = ""
    node: str | None = None
    message: str = ""
    attempts: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)
    rows_delivered: int = 0


def error_for(kind: type[FlightkeeperError], at: Circumstances) -> FlightkeeperError:
    """The error of this class, in words."""
    template = _WORDS.get(kind, "{at.message}")
    text = template.format(at=at)
    if issubclass(kind, NoNodeAvailable):
        error: FlightkeeperError = kind(text, reasons=at.reasons)
    elif issubclass(kind, StreamInterrupted):
        error = kind(text, rows_delivered=at.rows_delivered)
    else:
        error = kind(text)
    error.node, error.attempts, error.statement_id = at.node, at.attempts, at.statement_id
    return error


_WORDS: Mapping[type[FlightkeeperError], str] = {
    NoNodeAvailable: "no node took the statement, it had no effect; try again later. Asked:",
    StreamInterrupted: (
        "the result broke off after {at.rows_delivered} rows were delivered by node {at.node}"
        " ({at.message}); discard them and run the statement again"
    ),
    OutcomeUnknown: (
        "the answer of node {at.node} was lost ({at.message}); the statement was applied once or"
        " not at all: look before running it again"
    ),
    SessionLost: (
        "node {at.node} no longer holds the transaction ({at.message}); nothing of it was"
        " committed: start it again"
    ),
    StatementTimeout: "{at.message}: the statement reached its deadline; it changed nothing",
    AuthenticationFailed: "{at.message}; nothing was run: check user= and password=",
}
