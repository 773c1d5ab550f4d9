"""Headers and action names this project adds to Flight SQL; stock clients may ignore all of them.

Requests carry what only the caller knows, answers carry what only the node knows. gRPC metadata
keys are lower case. Everything here is optional for the other side.
"""

from enum import StrEnum

READ_ONLY = "x-flightkeeper-read-only"
"""Request: "1" asks the node to refuse, before running it, a statement that is not a pure read.

What was refused for it had no effect, and what was accepted with it may run again elsewhere.
"""

STATELESS = "x-flightkeeper-stateless"
"""Request: "1" asks the node to refuse, before running it, what would leave state in the session.

For callers whose next statement may run on another node, where that state would be missing.
"""

STATEMENT_ID = "x-flightkeeper-statement-id"
"""Request: the statement's id, the same for every attempt; shown in the node's log."""

SENT_BEFORE = "x-flightkeeper-sent-before"
"""Request: "1" says that another node may have run this statement, and its answer was lost.

The node looks its id up: what was applied to the lake is answered again, and what was not is run;
a COMMIT that was not is settled as `UNDONE`. What nobody can look up is refused. "0" says that no
node has seen it, and spares the look.
"""

COMMIT_TOLD = "x-flightkeeper-commit-told"
"""Answer header to a change in a transaction: "1" says that the transaction has changed the lake.

Any node can tell then what became of its COMMIT, by the id of that. "0" says that nobody can.
"""

UPLOAD_MARKED = "x-flightkeeper-upload-marked"
"""Request: "1" says that the last message of what is uploaded is `UPLOAD_COMPLETE`.

An upload that ends without it was broken off, and is not applied: a stream that its client drops
half sent ends in order, and looks complete otherwise.
"""

UPLOAD_COMPLETE = b"complete"
"""Metadata of the last message of an upload, which has no rows."""

OPTION_PREFIX = "x-flightkeeper-"
"""Request: before an option's name with dashes, as in `x-flightkeeper-statement-timeout: 5s`.

The options are `dialect`, `statement-timeout`, `compression`, `endpoints`, `snapshot`. A header
goes before the session's option of that name. JDBC makes headers of the URL's properties it does
not know.
"""

FORWARDED_FOR = "x-flightkeeper-forwarded-for"
"""Request: the `user-agent` of whom a gateway passes a call on for, so that it is answered as if it
had come from there."""

FORWARDED_DETAILS = "x-flightkeeper-details-bin"
"""Answer trailer to a gateway: what it has to hand on as the details of an error."""

LOAD = "x-flightkeeper-load"
"""Answer header: statements in flight on the node, a decimal number."""

REASON = "x-flightkeeper-reason"
"""Answer trailer beside an error: a `Reason`, for programs."""

RETRY_AFTER_MS = "x-flightkeeper-retry-after-ms"
"""Answer trailer beside DRAINING and OVERLOADED: when asking this node again makes sense."""

PROBE_ACTION = "flightkeeper.Probe"
"""Action without body: the node runs `SELECT 1` and answers one result, its instance record."""

CANCEL_ACTION = "flightkeeper.CancelStatement"
"""Action by which a caller ends its own statement; its body is the id it sent as `STATEMENT_ID`.

Answers nothing. What is not known (yet, or any more) is no error.
"""

PEER_ACTION = "flightkeeper.Peer"
"""Action by which nodes ask each other; its body is signed with a key that only nodes have."""


class Reason(StrEnum):
    """Why a node refused, beyond the gRPC code."""

    DRAINING = "draining"
    """The node is leaving; nothing was run. Any other node may take the statement."""
    OVERLOADED = "overloaded"
    """The node is full; nothing was run. Any other node may take the statement."""
    AWAY = "away"
    """What nodes share does not answer this one; nothing was run. Another one may be answered."""
    NOT_READ_ONLY = "not-read-only"
    """The statement is not a pure read although `READ_ONLY` was asked for; nothing was run."""
    CONFLICT = "conflict"
    """Others changed the same table of the lake meanwhile; nothing was applied. Try again."""
    UNTOLD = "untold"
    """Nobody can tell: `SENT_BEFORE` was said of what no ledger has, and nothing was run now; or
    the lake's catalog went away before it answered a COMMIT."""
    UNDONE = "undone"
    """The transaction whose COMMIT another node was sent is not committed, and never will be."""
    SESSION_LOST = "session-lost"
    """Transaction or session state lived in another incarnation of a node and is gone."""
