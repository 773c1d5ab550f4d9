"""A conversation with a service: what one statement of a script leaves behind for the next.

The client's statements leave nothing behind on a node, so that each may run on another one. A
script may still say BEGIN, SET and USE: the transaction and the session's options are kept here,
with the client's own means, and hold for what follows. Knows nothing of printing.
"""

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from flightkeeper.client import Connection, FlightkeeperError, Result, Transaction
from flightkeeper.client.control import Control
from flightkeeper.client.session import Session, Value

_BEGIN = re.compile(r"(BEGIN|START)(\s+(TRANSACTION|WORK))?", re.IGNORECASE)
_COMMIT = re.compile(r"(COMMIT|END)(\s+(TRANSACTION|WORK))?", re.IGNORECASE)
_ROLLBACK = re.compile(r"(ROLLBACK|ABORT)(\s+(TRANSACTION|WORK))?", re.IGNORECASE)
_SET = re.compile(r"SET\s+(?:SESSION\s+)?([A-Za-z_]\w*)\s*(?:=|\s+TO\s)\s*(.+)", re.IGNORECASE)
_RESET = re.compile(r"RESET\s+(?:SESSION\s+)?([A-Za-z_]\w*)", re.IGNORECASE)
_NAME = r'([A-Za-z_]\w*|"(?:[^"]|"")+")'
_PLACE = rf"(?:{_NAME}\s*\.\s*)?{_NAME}"
_USE = re.compile(rf"USE\s+{_PLACE}", re.IGNORECASE)


class Conversation:
    """Statements one after the other. From one thread at a time; a context manager."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._options: dict[str, Value] = {}
        self._sessions = ExitStack()
        self._session: Session | None = None
        self._open: Transaction | None = None
        self._opened = ExitStack()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._open is not None

    def run(self, statement: str, control: Control | None = None) -> Result | None:
        """Run a statement; None for one that only says how to go on.

        Args:
            control: shows the statement to other threads, which may cancel it.

        Raises:
            FlightkeeperError: it failed, or makes no sense now; a transaction stays open.
        """
        for pattern, act in self._table():
            if found := pattern.fullmatch(statement.strip()):
                act(*found.groups())
                return None
        return (self._open or self._session or self._connection).query(statement, control=control)

    def close(self) -> None:
        """Undo an open transaction and end the session. Idempotent."""
        if self._open is not None:
            self._roll_back()
        self._sessions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _table(self) -> tuple[tuple[re.Pattern[str], Callable[..., None]], ...]:
        return (
            (_BEGIN, self._begin),
            (_COMMIT, self._commit),
            (_ROLLBACK, self._roll_back),
            (_SET, self._set),
            (_RESET, self._reset),
            (_USE, self._use),
        )

    def _begin(self, *_words: str) -> None:
        if self._open is not None:
            raise FlightkeeperError("a transaction is open already; nothing was done")
        self._open = self._opened.enter_context((self._session or self._connection).transaction())

    def _commit(self, *_words: str) -> None:
        transaction = self._ended("committed")
        with self._opened.pop_all():
            transaction.commit()

    def _roll_back(self, *_words: str) -> None:
        transaction = self._ended("undone")
        with self._opened.pop_all():
            transaction.rollback()

    def _ended(self, what: str) -> Transaction:
        transaction, self._open = self._open, None
        if transaction is None:
            raise FlightkeeperError(f"no transaction is open; nothing was {what}")
        return transaction

    def _set(self, name: str, value: str) -> None:
        self._hold({**self._options, name: _literal(value)})

    def _reset(self, name: str) -> None:
        self._hold({key: value for key, value in self._options.items() if key != name})

    def _use(self, catalog: str | None, schema: str) -> None:
        places: dict[str, Any] = {"catalog": catalog, "schema": schema}
        named = {key: _unquoted(name) for key, name in places.items() if name}
        self._hold({**self._options, **named})

    def _hold(self, options: dict[str, Value]) -> None:
        """Let options hold from now on: in a session of their own."""
        if self._open is not None:
            raise FlightkeeperError(
                "options are not changed within a transaction; nothing was done"
            )
        session = self._connection.session(**options)
        try:
            # Asked at once, so that what cannot be is told where it was said.
            session.query("SELECT 1").read_all()
        except BaseException:
            session.close()
            raise
        self._sessions.close()
        self._session = self._sessions.enter_context(session)
        self._options = options


def is_place(text: str) -> bool:
    """Whether it is what may follow USE: a schema, or a catalog and a schema."""
    return re.fullmatch(_PLACE, text) is not None


def _literal(text: str) -> Value:
    text = text.strip()
    if re.fullmatch(r"'(?:[^']|'')*'", text):
        return text[1:-1].replace("''", "'")
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else text


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
