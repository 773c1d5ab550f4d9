"""The errors of PEP 249, and which of them an error of the client becomes.

Warning:
    Error
    ├── InterfaceError          the URL does not parse, or the connection or cursor is closed
    └── DatabaseError           a node refused the statement for a reason not listed below
        ├── DataError           a value does not fit, or has no counterpart in Python or Arrow
        ├── OperationalError    no node, a lost node, a wrong password, a timeout, no memory
        ├── IntegrityError      a constraint does not hold
        ├── InternalError       DuckDB found itself in disorder
        ├── ProgrammingError    wrong SQL, no such table, no right to it, no result to fetch
        └── NotSupportedError   DuckDB does not do that

The client's error is the cause of each, and its fields are here too. Ask these, not the class,
whether to try again: `retryable` and `in_doubt`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from flightkeeper.client import errors


class Warning(Exception):  # noqa: A001  the name that PEP 249 gives it
    """What PEP 249 wants to have a name. Never raised."""


class Error(Exception):
    """Base of all errors.

    Attributes:
        retryable: the same may be tried again, and doing so makes sense.
        in_doubt: the statement may have taken effect.
        node: id of the node that was asked last, or None.
        attempts: how many nodes were asked.
        statement_id: the id under which nodes logged the statement, or "".
        connection_lost: what the connection held on its node is gone.
    """

    retryable = False
    in_doubt = False
    node: str | None = None
    attempts = 0
    statement_id = ""
    connection_lost = False


class InterfaceError(Error):
    """Something is wrong on this side: a URL, or a closed connection or cursor."""


class DatabaseError(Error):
    """A node refused the statement."""


class DataError(DatabaseError):
    """A value does not fit where it should go."""


class OperationalError(DatabaseError):
    """Something failed that is not the statement's fault: nodes, network, login, time, memory."""


class IntegrityError(DatabaseError):
    """A constraint does not hold."""


class InternalError(DatabaseError):
    """DuckDB found itself in disorder."""


class ProgrammingError(DatabaseError):
    """The statement is wrong, or there was none whose rows could be fetched."""


class NotSupportedError(DatabaseError):
    """DuckDB does not do that."""


_BY_CLASS: tuple[tuple[type[errors.FlightkeeperError], type[Error]], ...] = (
    (errors.InvalidUrl, InterfaceError),
    (errors.ConnectionClosed, InterfaceError),
    (errors.PermissionDenied, ProgrammingError),
    (errors.StatementCancelled, OperationalError),
    (errors.StatementTimeout, OperationalError),
)
_BY_WORDS: tuple[tuple[str, type[Error]], ...] = (
    ("Constraint Error", IntegrityError),
    ("Conversion Error", DataError),
    ("Out of Range Error", DataError),
    ("Mismatch Type Error", DataError),
    ("Invalid Input Error", DataError),
    ("Invalid type Error", DataError),
    ("Decimal Error", DataError),
    ("Not implemented Error", NotSupportedError),
    ("INTERNAL Error", InternalError),
    ("FATAL Error", InternalError),
    ("TransactionContext Error", OperationalError),
    ("IO Error", OperationalError),
    ("HTTP Error", OperationalError),
    ("Out of Memory Error", OperationalError),
    ("Interrupt Error", OperationalError),
)
"""DuckDB's own words for the kind of an error, with which its messages begin."""
_LOST = (errors.SessionLost, errors.ConnectionClosed)


def translated(error: errors.FlightkeeperError) -> Error:
    """The error of PEP 249 that an error of the client is."""
    made = _class_of(error)(str(error))
    made.retryable = error.retryable
    made.in_doubt = error.in_doubt
    made.node = error.node
    made.attempts = error.attempts
    made.statement_id = error.statement_id
    made.connection_lost = isinstance(error, _LOST)
    return made


def _class_of(error: errors.FlightkeeperError) -> type[Error]:
    for kind, ours in _BY_CLASS:
        if isinstance(error, kind):
            return ours
    if isinstance(error, errors.StatementFailed):
        words = str(error)
        return next(
            (ours for start, ours in _BY_WORDS if words.startswith(start)), ProgrammingError
        )
    return OperationalError


@contextmanager
def translating() -> Iterator[None]:
    """Let nothing but errors of PEP 249 out of the block."""
    try:
        yield
    except errors.FlightkeeperError as exc:
        raise translated(exc) from exc
    # Text of Python that is not text anywhere else: half of a surrogate pair.
    except (pa.ArrowException, UnicodeEncodeError) as exc:
        raise DataError(str(exc)) from exc
