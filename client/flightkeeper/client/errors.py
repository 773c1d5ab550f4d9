"""What can go wrong for a caller of the client.

    FlightkeeperError
    ├── InvalidUrl              the client URL does not parse; nothing was contacted
    ├── ConnectionClosed        the connection was closed by its owner
    ├── NoNodeAvailable         no node took the statement; it was not run; says why, per node
    ├── AuthenticationFailed    the service does not know who is calling; nothing was run
    ├── PermissionDenied        the service knows the caller and refuses; nothing was run
    ├── StatementFailed         a node ran into an error with the statement; the node's words first
    │   ├── StatementCancelled  stopped on request
    │   ├── StatementConflict   others changed the same table meanwhile
    │   └── StatementTimeout    stopped at its deadline
    ├── StreamInterrupted       a result broke off after rows were delivered
    ├── OutcomeUnknown          a write was sent and its answer was lost
    └── SessionLost             the node that held a transaction is gone, and the work with it
        └── TransactionUndone   so is its COMMIT, of which others know that it was not done

Every error says what happened, whether it took effect and what to do. Ask the fields, not the
class, whether to try again: `retryable` (again makes sense and cannot apply anything twice) and
`in_doubt` (it may have taken effect). Foreign errors are translated in `transport`, once.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class FlightkeeperError(Exception):
    """Base of every error of the client.

    Attributes:
        retryable: the same statement may be sent again, and doing so makes sense.
        in_doubt: the statement may have taken effect.
        node: id of the node that was asked last, or None.
        attempts: how many nodes were asked.
        statement_id: the id under which nodes logged the statement, or "".
    """

    retryable: ClassVar[bool] = False
    in_doubt: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.node: str | None = None
        self.attempts = 0
        self.statement_id = ""

    def __repr__(self) -> str:
        fields = f"node={self.node!r}, attempts={self.attempts}, statement_id={self.statement_id!r}"
        return f"{type(self).__name__}({str(self)!r}, {fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Not through `__init__`, whose arguments differ from class to class.
        return _restored, (type(self), self.args, self.__dict__)


class InvalidUrl(FlightkeeperError, ValueError):
    """A client URL that does not parse. Nothing was contacted.

    Attributes:
        part: which piece is wrong: "scheme", "user", "host", "port", "path" or "query".
    """

    def __init__(self, url: str, part: str, reason: str) -> None:
        super().__init__(f"URL {url!r}: the {part} is wrong: {reason}")
        self.part = part


class ConnectionClosed(FlightkeeperError):
    """The connection was closed; open another one. Nothing was run."""


class NoNodeAvailable(FlightkeeperError):
    """No node took the statement; it was not run.

    Attributes:
        reasons: by node id, why the node did not take it; empty when no node is known.
    """

    retryable = True

    def __init__(self, message: str, *, reasons: Mapping[str, str] | None = None) -> None:
        self.reasons = dict(reasons or {})
        lines = (f"  {node_id}: {reason}" for node_id, reason in self.reasons.items())
        super().__init__("\n".join([message, *lines]))


class AuthenticationFailed(FlightkeeperError):
    """The service does not know who is calling. Nothing was run; check user and password."""


class PermissionDenied(FlightkeeperError):
    """The service refuses this to this caller. Nothing was run."""


class StatementFailed(FlightkeeperError):
    """A node answered with an error; the statement had no effect."""


class StatementCancelled(StatementFailed):
    """The statement was stopped on request; it had no effect."""


class StatementConflict(StatementFailed):
    """Others changed the same table each time it was tried; nothing was applied. Try again.

    If it was the COMMIT of a transaction, begin that again.
    """

    retryable = True


class StatementTimeout(StatementFailed):
    """The statement reached its deadline before it was complete; a read, so it changed nothing."""


class StreamInterrupted(FlightkeeperError):
    """A result broke off after rows were delivered; the rows already read are not the answer.

    Attributes:
        rows_delivered: how many rows the caller had been given.
    """

    retryable = True

    def __init__(self, message: str, *, rows_delivered: int) -> None:
        super().__init__(message)
        self.rows_delivered = rows_delivered


class OutcomeUnknown(FlightkeeperError):
    """A write was sent and its answer was lost: it was applied once or not at all."""

    in_doubt = True


class SessionLost(FlightkeeperError):
    """The node that held a transaction is gone; what was not committed is undone."""


class TransactionUndone(SessionLost):
    """The answer to a COMMIT was lost, and others know that it was not done, nor ever will be.

    Nothing of the transaction was written: begin it again.
    """

    retryable = True


def _restored(
    kind: type[FlightkeeperError], args: tuple[Any, ...], fields: Mapping[str, Any]
) -> FlightkeeperError:
    """An error as it was, from a copy or from another process."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error
