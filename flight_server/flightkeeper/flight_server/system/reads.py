"""Statements that read system tables: which they are, and how they get the rows.

Such a statement runs on a connection of its own, that is closed with it. Owns the one place where
it is decided who may see a system table.
"""

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine import system_rows
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Script, Statement
from flightkeeper.flight_server.errors import InvalidArgument, PermissionDenied
from flightkeeper.flight_server.system.rights import Rights
from flightkeeper.flight_server.system.tables import SCHEMA, TABLES

Collect = Callable[[Call, frozenset[str]], Mapping[str, pa.Table]]
"""From the names of system tables to their rows, for a caller who may see them."""


class SystemReads:
    """Gives statements the rows of the system tables that they read. Thread-safe."""

    def __init__(self, collect: Collect, rights: Rights) -> None:
        self._collect = collect
        self._rights = rights

    def wanted(self, script: Script) -> frozenset[str]:
        """The system tables that a script reads.

        Raises:
            InvalidArgument: it does something else as well, which a connection of its own is not
                for.
        """
        if len(script) == 1:
            names = script[0].system
        else:
            names = frozenset().union(*(statement.system for statement in script))
        if names and not all(each.read_only and not each.stateful for each in script):
            raise InvalidArgument(
                "a text that reads system tables holds nothing but reads; nothing was run: send "
                "the other statements apart from it"
            )
        return names

    def fill(self, call: Call, script: Script, connection: Connection) -> None:
        """Let a connection of its own read what a script reads.

        Raises:
            PermissionDenied: the caller may not see one of them; nothing was run.
        """
        if names := self.wanted(script):
            self._check(call, names)
            found = self._collect(call, names)
            seen = {name: self._rights.seen(call, rows) for name, rows in found.items()}
            system_rows.fill(connection, seen)

    def outline(self, call: Call, names: frozenset[str], connection: Connection) -> None:
        """Let a connection of its own know the columns of system tables; it gets no rows.

        Raises:
            PermissionDenied: the caller may not see one of them.
        """
        self._check(call, names)
        tables = {name: TABLES[name].schema.empty_table() for name in names}
        system_rows.fill(connection, tables)

    def _check(self, call: Call, names: frozenset[str]) -> None:
        for name in sorted(names):
            if not self._rights.may_read(call, name):
                raise PermissionDenied(
                    f"{call.identity.principal} may not read {SCHEMA}.{name}; nothing was run"
                )


def is_urgent(statements: Sequence[Statement]) -> bool:
    """Whether they find out why a node is full, or do something about it."""
    if len(statements) != 1:
        return False
    (only,) = statements
    return bool(only.system) or (only.command is not None and only.command.urgent)
