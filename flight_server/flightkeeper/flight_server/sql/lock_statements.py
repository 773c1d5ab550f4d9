"""Statements about the locks of a session, written as calls of functions.

    SELECT flightkeeper_lock('name', seconds)           seconds may be left out
    SELECT flightkeeper_lock_shared('name', seconds)
    SELECT flightkeeper_lock_check('name')
    SELECT flightkeeper_unlock('name')
    SELECT * FROM flightkeeper_locks()

A call stands alone in its statement: as a part of a query nobody could say how often it is made.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.positions import at

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

    from flightkeeper.flight_server.errors import InvalidArgument
    from flightkeeper.flight_server.sql.reading import Source

WAIT_S = 10.0
"""How long to wait for who does not say."""
WAIT_MAX_S = 3600.0

_TOKEN: list[Any] = [pa.field("token", pa.int64(), nullable=False)]
_RELEASED: list[Any] = [pa.field("released", pa.bool_(), nullable=False)]
_LOCKS: list[Any] = [
    pa.field("name", pa.string(), nullable=False),
    *_TOKEN,
    pa.field("shared", pa.bool_(), nullable=False),
    pa.field("lost", pa.bool_(), nullable=False),
]


@dataclass(frozen=True, slots=True)
class TakeLock(Command):
    """Take a lock for the session; answers with its fencing token."""

    name: str
    wait_s: float
    shared: bool
    schema: ClassVar[pa.Schema | None] = pa.schema(_TOKEN)
    stateful: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class CheckLock(Command):
    """Ask whether the session still holds a lock; answers with its fencing token."""

    name: str
    schema: ClassVar[pa.Schema | None] = pa.schema(_TOKEN)
    read_only: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ReleaseLock(Command):
    """Let go of a lock; answers whether the session held it."""

    name: str
    schema: ClassVar[pa.Schema | None] = pa.schema(_RELEASED)


@dataclass(frozen=True, slots=True)
class ShowLocks(Command):
    """The locks of the session."""

    schema: ClassVar[pa.Schema | None] = pa.schema(_LOCKS)
    read_only: ClassVar[bool] = True


def lock(source: "Source") -> Command | None:
    """Read `SELECT flightkeeper_lock(…)`."""
    return _take(source, shared=False)


def lock_shared(source: "Source") -> Command | None:
    """Read `SELECT flightkeeper_lock_shared(…)`."""
    return _take(source, shared=True)


def check(source: "Source") -> Command | None:
    """Read `SELECT flightkeeper_lock_check(…)`."""
    return CheckLock(_arguments(source, at_most=1)[0])


def unlock(source: "Source") -> Command | None:
    """Read `SELECT flightkeeper_unlock(…)`."""
    return ReleaseLock(_arguments(source, at_most=1)[0])


def locks(source: "Source") -> Command | None:
    """Read `SELECT * FROM flightkeeper_locks()`."""
    if [token.text for token in source.tokens[4:]] != ["(", ")"]:
        raise _unreadable(source, 4, "() is expected here, and nothing after it")
    return ShowLocks()


def _take(source: "Source", *, shared: bool) -> TakeLock:
    name, wait_s = _arguments(source, at_most=2)
    if not 0 < wait_s <= WAIT_MAX_S:
        what = f"the seconds to wait have to be more than 0, and {WAIT_MAX_S:.0f} at most"
        raise _unreadable(source, 5, what)
    return TakeLock(name, wait_s, shared)


def _arguments(source: "Source", *, at_most: int) -> tuple[str, float]:
    """Name and seconds in the brackets that end a statement.

    Raises:
        InvalidArgument: there is something else; nothing was run.
    """
    kinds = "".join(map(_kind, source.tokens[2:]))
    if kinds == "(')":
        return source.tokens[3].text, WAIT_S
    if at_most > 1 and kinds == "(',1)":
        return source.tokens[3].text, float(source.tokens[5].text)
    wanted = "('name', seconds)" if at_most > 1 else "('name')"
    raise _unreadable(
        source, 2, f"{wanted} is expected here, written out and with nothing after it"
    )


def _kind(token: "Token") -> str:
    """A token as one character: `'` a string, `1` a number, else itself or a blank."""
    # Only who reads such a text loads it.
    from sqlglot.tokenizer_core import TokenType  # noqa: PLC0415 - see above

    kinds = {TokenType.STRING: "'", TokenType.NUMBER: "1"}
    return kinds.get(token.token_type) or (token.text if len(token.text) == 1 else " ")


def _unreadable(source: "Source", index: int, what: str) -> "InvalidArgument":
    tokens = source.tokens[index:]
    offset = tokens[0].start if tokens else source.tokens[-1].end + 1
    return at(source.text, offset, what)
