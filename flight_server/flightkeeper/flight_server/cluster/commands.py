"""Who runs what a text asks of the cluster, and who owns what it writes to.

A part of the node says so by returning handlers by the class of the command, and by being an owner.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.catalog import HIDDEN
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Control, Statement, words_at
from flightkeeper.flight_server.errors import InvalidArgument, Unimplemented
from flightkeeper.flightsql.headers import Reason

_T = TypeVar("_T")

Handler = Callable[[Call, Connection, Any], pa.Table | None]
"""Runs one command on a connection that sees what the caller's statements see.

It returns what the command's schema says. It may wait, and notices `call.cancelled`.
"""
_ALONE = (
    "this is about what a cluster agrees on, and the node is in none: start it with --registry; "
    "nothing was done"
)


_HIDDEN_NAME = re.compile(rf'(?<!\w)"?{HIDDEN}"?\s*\.', re.IGNORECASE)


class Owner(Protocol):
    """Something that the engine holds a copy of, and that is changed elsewhere."""

    tells: bool
    """Whether it knows of a change that another node made under the same id."""

    def owns(self, connection: Connection, statement: Statement) -> bool:
        """Whether a change is about it. Quick: asked before every change."""

    def change(self, call: Call, connection: Connection, change: Change[_T]) -> _T:
        """Make the change.

        Raises:
            NodeError: it cannot be made; says what became of it.
        """


class Commands:
    """The commands and owners of a node. Thread-safe."""

    def __init__(
        self, handlers: Mapping[type[Command], Handler], owners: Sequence[Owner] = ()
    ) -> None:
        self._handlers = handlers
        self._owners = owners

    def also(
        self, handlers: Mapping[type[Command], Handler], owners: Sequence[Owner] = ()
    ) -> "Commands":
        """These, and further commands and owners."""
        return Commands({**self._handlers, **handlers}, [*self._owners, *owners])

    def run(self, call: Call, connection: Connection, command: Command) -> pa.Table | None:
        """Run a command.

        Raises:
            Unimplemented: this node has nobody for it.
        """
        if not command.read_only:
            _check_first(call)
        handler = self._handlers.get(type(command))
        if handler is None:
            raise Unimplemented(_ALONE)
        return handler(call, connection, command)

    def around(self, call: Call, connection: Connection, change: Change[_T]) -> _T:
        """Make a change: by who owns what it is about, else on the engine."""
        within = connection.in_transaction
        changed = self._changed(call, connection, change)
        if within or connection.in_transaction:
            call.leaves_open(told=connection.in_transaction and connection.writes_lake)
        return changed

    def _changed(self, call: Call, connection: Connection, change: Change[_T]) -> _T:
        statement = change.statement
        if _names_hidden(statement.sql):
            raise InvalidArgument(
                f"the schema {HIDDEN} has the rows of the cluster's reference tables; nothing was "
                "run"
            )
        if statement.target or statement.control is Control.COMMIT:
            for owner in self._owners:
                if owner.owns(connection, statement):
                    if not owner.tells:
                        _check_first(call)
                    return owner.change(call, connection, change)
        if statement.reference:
            raise Unimplemented(_ALONE)
        if not _begun_anew(connection, change):
            _check_first(call)
        return change.run(connection)


def _begun_anew(connection: Connection, change: Change[Any]) -> bool:
    """Whether it is the BEGIN or COMMIT of a transaction whose text has been looked up."""
    begins = change.statement.control is Control.BEGIN
    return change.whole and (begins or connection.in_transaction)


def _check_first(call: Call) -> None:
    """Refuse what another node may have done, if nobody can tell.

    Raises:
        InvalidArgument: it may have.
    """
    if call.sent_before:
        raise InvalidArgument(
            "another node may have run this statement, and only changes of the lake can be looked "
            "up; nothing was run now: see what is there before you send it again",
            reason=Reason.UNTOLD,
        )


def _names_hidden(sql: str) -> bool:
    """Whether a text names what is in the hidden schema, and not only has it in a literal."""
    if _HIDDEN_NAME.search(sql) is None:
        return False
    words = [word.strip('"') for word in _words(sql)]
    return (HIDDEN, ".") in pairwise(words)


def _words(sql: str) -> list[str]:
    return [word for _, word in words_at(sql)]
