"""Failover: what is done about a failed call, as one function of values.

The table, for a call that failed:

    statement                   state                      outcome
    read, begin                 nothing delivered          next node, every node once
    read                        rows delivered             `StreamInterrupted`
    write                       surely not run             next node
    write, the node on a lake   fate unknown               next node, which looks it up
    write                       fate unknown               `OutcomeUnknown`, never repeated
    write                       run, its rows are lost     `OutcomeUnknown`, whatever was said
    write that was sent before  any error                  `OutcomeUnknown`
    commit, of the lake         fate unknown               next node, which looks it up
    commit                      fate unknown               `OutcomeUnknown`
    commit                      "undone"                   `TransactionUndone`
    commit that was sent before any other error            `OutcomeUnknown`
    in a transaction            node lost                  `SessionLost`
    any, not in a transaction   "draining", "overloaded"   next node; overload at most 3 nodes
    read                        "not read-only"            the same node, as a write
    read                        planned, its result gone   the same node plans it again, once
    any                         not logged in any more     log in, the same node, once
    any                         the node's answer          that error

Pure: knows nothing of sockets, clocks or nodes. tests/client/scenarios/failover.json is its spec.
"""

from dataclasses import dataclass
from enum import Enum, auto

from flightkeeper.client.errors import (
    AuthenticationFailed,
    FlightkeeperError,
    NoNodeAvailable,
    OutcomeUnknown,
    PermissionDenied,
    SessionLost,
    StatementCancelled,
    StatementConflict,
    StatementFailed,
    StatementTimeout,
    StreamInterrupted,
    TransactionUndone,
)
from flightkeeper.client.failures import Failure, Kind

OVERLOADED_ATTEMPTS_MAX = 3
"""Nodes asked for one statement when they answer "overloaded"; more would feed the overload."""


class StatementKind(Enum):
    """What a statement may do, as far as repeating it is concerned."""

    READ = auto()
    """The node refuses it unless it is a pure read, so it may run any number of times."""
    BEGIN = auto()
    """Opens a transaction; an opened one that nobody uses ends by itself."""
    WRITE = auto()
    """May change something: must run at most once."""
    TRANSACTION = auto()
    """Runs in a transaction, which lives on one node."""
    COMMIT = auto()
    """Ends a transaction."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a statement had come when a call failed.

    Attributes:
        sent: the call that runs it was started; what comes before it has no effect.
        ran: the node answered that call: what the statement changes is changed, and what failed
            is fetching its rows.
        delivered: the caller has been given rows.
        overloads: how many nodes answered "overloaded", this one included.
        can_login: a new login may help: credentials are there, and none was just tried.
        budget_left: the retry budget allows one more.
        told: other nodes can look up whether the node that was asked has applied it; of a COMMIT
            whether it has committed it.
        sent_before: a node that was asked earlier may have applied it.
        planned_again: it was planned once more, because its result was gone.
    """

    sent: bool = True
    ran: bool = False
    delivered: bool = False
    overloads: int = 0
    can_login: bool = False
    budget_left: bool = True
    told: bool = False
    sent_before: bool = False
    planned_again: bool = False


class Step(Enum):
    """What to try next."""

    NEXT_NODE = auto()
    ASK_NEXT_NODE = auto()
    """It looks up whether the statement was applied, and applies it if not.

    A COMMIT that was not done is settled as undone: the transaction is not there.
    """
    NEXT_NODE_LATER = auto()
    """After a pause: the service is short of capacity."""
    SAME_NODE_AS_WRITE = auto()
    SAME_NODE_AFTER_LOGIN = auto()
    SAME_NODE_AGAIN = auto()
    """Plans it anew, over what there is now."""


Decision = Step | type[FlightkeeperError]
"""A step to take, or the error to raise."""

_REPEATABLE = frozenset({StatementKind.READ, StatementKind.BEGIN})
_PINNED = frozenset({StatementKind.TRANSACTION, StatementKind.COMMIT})

LOST = frozenset({Kind.BROKEN, Kind.INTERNAL})
"""The call ended with its node, or with the way to it."""
# There may be time to ask, and another node that can tell.
_ASKED_ABOUT = LOST | {Kind.UNTOLD}
# The call ended without the node's verdict on it: a write may or may not have been applied.
_UNSETTLED = frozenset({Kind.BROKEN, Kind.INTERNAL, Kind.TIMED_OUT, Kind.CANCELLED})

_ANSWERS: dict[Kind, type[FlightkeeperError]] = {
    Kind.UNAUTHENTICATED: AuthenticationFailed,
    Kind.DENIED: PermissionDenied,
    Kind.SESSION_LOST: SessionLost,
    Kind.TIMED_OUT: StatementTimeout,
    Kind.CANCELLED: StatementCancelled,
    Kind.INTERNAL: StatementFailed,
    Kind.REFUSED: StatementFailed,
    Kind.GONE: StatementFailed,
    Kind.NOT_READ_ONLY: StatementFailed,
    Kind.CONFLICT: StatementConflict,
    Kind.UNTOLD: OutcomeUnknown,
    Kind.UNDONE: TransactionUndone,
}


def decide(failure: Failure, progress: Progress, statement: StatementKind) -> Decision:
    """What to do about a failed call: the table above."""
    if statement is StatementKind.WRITE:
        return _write(failure.kind, progress)
    if statement is StatementKind.COMMIT:
        return _commit(failure.kind, progress)
    return _decided(failure.kind, progress, statement)


def _write(kind: Kind, progress: Progress) -> Decision:
    if progress.ran or (progress.sent and kind in _UNSETTLED):
        return _looked_up(kind, progress)
    decision = _decided(kind, progress, StatementKind.WRITE)
    settled = progress.sent_before and not isinstance(decision, Step)
    return OutcomeUnknown if settled else decision


def _commit(kind: Kind, progress: Progress) -> Decision:
    if progress.sent and (kind in _UNSETTLED or kind is Kind.UNTOLD):
        return _looked_up(kind, progress)
    if not progress.sent_before or kind is Kind.UNDONE:
        return _decided(kind, progress, StatementKind.COMMIT)
    # Whoever is asked now has no part in the transaction.
    decision = _decided(kind, progress, StatementKind.WRITE)
    return decision if isinstance(decision, Step) else OutcomeUnknown


def _looked_up(kind: Kind, progress: Progress) -> Decision:
    """What may have been done, and must not be done again: others are asked, if they can tell."""
    may_ask = progress.told and progress.budget_left and not progress.delivered
    return Step.ASK_NEXT_NODE if may_ask and kind in _ASKED_ABOUT else OutcomeUnknown


def _decided(kind: Kind, progress: Progress, statement: StatementKind) -> Decision:
    if progress.delivered:
        return _after_delivery(kind, statement)
    repeatable = statement in _REPEATABLE or not progress.ran
    if kind is Kind.UNAUTHENTICATED and progress.can_login and repeatable:
        return Step.SAME_NODE_AFTER_LOGIN
    if statement is StatementKind.READ:
        if kind is Kind.NOT_READ_ONLY:
            return Step.SAME_NODE_AS_WRITE
        if kind is Kind.GONE and progress.ran and not progress.planned_again:
            return Step.SAME_NODE_AGAIN
    if statement in _PINNED:
        return _pinned(kind)
    return _elsewhere(kind, progress)


def _after_delivery(kind: Kind, statement: StatementKind) -> Decision:
    if statement in _PINNED and kind in LOST:
        return SessionLost
    return StreamInterrupted if kind in LOST else _ANSWERS.get(kind, StreamInterrupted)


def _pinned(kind: Kind) -> Decision:
    if kind in {Kind.NOT_SENT, Kind.BROKEN, Kind.DRAINING}:
        return SessionLost
    return _ANSWERS.get(kind, NoNodeAvailable)


def _elsewhere(kind: Kind, progress: Progress) -> Decision:
    """A statement that ran nowhere yet, or may run again."""
    match kind:
        case Kind.NOT_SENT | Kind.DRAINING:
            # Costs the service nothing, so no budget is needed.
            return Step.NEXT_NODE
        case Kind.BROKEN:
            return Step.NEXT_NODE if progress.budget_left else NoNodeAvailable
        case Kind.OVERLOADED:
            again = progress.overloads < OVERLOADED_ATTEMPTS_MAX and progress.budget_left
            return Step.NEXT_NODE_LATER if again else NoNodeAvailable
        case _:
            return _ANSWERS[kind]
