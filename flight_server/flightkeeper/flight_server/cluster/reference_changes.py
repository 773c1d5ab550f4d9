"""Statements that change reference tables: read, change in the engine, compare and set.

Theory. The engine makes the change on a copy of the newest version, in a transaction that is rolled
back; what it made of the table is written if the table is still at that version, else all of it is
done again. So any statement can change one, from any node, and none is lost.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import pyarrow as pa

from flightkeeper.discovery.reference_table import Content
from flightkeeper.discovery.reference_tables import (
    Author,
    ReferenceTable,
    ReferenceTables,
    TableChanged,
    document,
)
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster import reference_copies
from flightkeeper.flight_server.cluster.commands import Handler
from flightkeeper.flight_server.cluster.failures import translated
from flightkeeper.flight_server.cluster.reference_following import FollowedTables
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.errors import (
    Cancelled,
    EngineFailed,
    InvalidArgument,
    NotFound,
    Unavailable,
)
from flightkeeper.flight_server.sql.reference_statements import (
    DropReferenceTable,
    ShowReferenceTable,
    ShowReferenceTables,
)

_T = TypeVar("_T")
_ATTEMPTS_MAX = 50
_TURN_S = 30.0
_OF_SCHEMA = {("drop", "schema"), ("alter", "schema")}
_CONFLICT = "TransactionContext Error"
_OR_REPLACE = ("create", "or", "replace")
_IF_NOT_EXISTS = ("create", "table", "if", "not", "exists")


class ReferenceChanges:
    """Makes, changes and takes away reference tables for statements. An `Owner`. Thread-safe."""

    tells = False

    def __init__(self, tables: ReferenceTables, followed: FollowedTables, clocks: Clocks) -> None:
        self._tables = tables
        self._followed = followed
        self._home = followed.home
        self._clocks = clocks

    def handlers(self) -> Mapping[type[Command], Handler]:
        """The commands that are served here."""
        return {
            DropReferenceTable: self._drop,
            ShowReferenceTables: self._show_all,
            ShowReferenceTable: self._show,
        }

    def owns(self, connection: Connection, statement: Statement) -> bool:
        """Whether a change is about a reference table, or makes one."""
        if statement.reference:
            return True
        if statement.stateful and statement.kind != "PREPARE":
            return False  # a temporary one of the session's own
        if statement.opening[:2] in _OF_SCHEMA:
            within = f"{statement.target[-1]}."
            return any(name.startswith(within) for name in self._followed.held)
        last = f".{statement.target[-1]}"
        if not any(name.endswith(last) for name in self._followed.held):
            return False
        named = self._named(connection, statement)
        return named in self._followed.held and not self._is_hidden(connection, statement)

    def _is_hidden(self, connection: Connection, statement: Statement) -> bool:
        """Whether the session has a temporary table that the name means in its place."""
        found = catalog.find(connection, statement.target)
        return found is not None and found.startswith('"temp".')

    def change(self, call: Call, connection: Connection, change: Change[_T]) -> _T:
        """Make the change for the whole cluster."""
        _check_alone(connection)
        statement, run = change.statement, change.run
        if statement.reference:
            return self._create(call, connection, change)
        name = self._named(connection, statement)
        if name is None or not statement.undoable:
            raise InvalidArgument(
                f"{'.'.join(statement.target)} is a reference table of the cluster, or has some; "
                "nothing was run: change its rows "
                "with INSERT, UPDATE and DELETE, or use CREATE OR REPLACE REFERENCE TABLE and DROP "
                "REFERENCE TABLE"
            )
        with self._turn(connection, name):
            for _ in range(_ATTEMPTS_MAX):
                before = self._newest(call, name)
                if before is None:
                    raise NotFound(f"there is no reference table {name} any more; nothing was run")
                outcome, content = self._tried(connection, name, before.content, run)
                if self._replaced(call, before, content):
                    return outcome
        raise _overtaken(name)

    def _newest(self, call: Call, name: str) -> ReferenceTable | None:
        """The table before one more attempt."""
        if call.cancelled:
            raise Cancelled("the statement was stopped; nothing was written")
        with translated():
            return self._tables.get(name)

    def _replaced(self, call: Call, before: ReferenceTable, content: Content) -> bool:
        if content.rows.equals(before.rows):
            return True
        return self._made(call, before.name, before, content)

    def _tried(
        self, connection: Connection, name: str, content: Content, run: Callable[[Connection], _T]
    ) -> tuple[_T, Content]:
        """What a change answers, and what it makes of the table; nothing of it remains here."""
        with connection.alone():
            # The session may have begun one while this waited; it is not this one's to end.
            _check_alone(connection)
            connection.begin()
            try:
                reference_copies.make_writable(connection, self._home, name, content)
                outcome = run(connection)
                after = reference_copies.content(connection, self._home, name)
            finally:
                connection.rollback()
        return outcome, after

    def _create(self, call: Call, connection: Connection, change: Change[_T]) -> _T:
        statement, run = change.statement, change.run
        name = self._named(connection, statement)
        if name is None:
            raise InvalidArgument(
                f"the cluster's tables are in the catalog {self._home.catalog} of this node; "
                f"nothing was run: write {self._home.catalog}.schema.table"
            )
        with translated():
            document(name)
        replaces = statement.opening[:3] == _OR_REPLACE
        keeps = statement.opening == _IF_NOT_EXISTS
        with self._turn(connection, name), self._turn_of_schema(connection, name):
            for _ in range(_ATTEMPTS_MAX):
                before = self._newest(call, name)
                if before is not None and not replaces and not keeps:
                    raise InvalidArgument(f"the reference table {name} exists; nothing was written")
                try:
                    outcome, content = self._defined(connection, name, before, run)
                except EngineFailed as exc:
                    # The schema is being made here for another node's table.
                    if exc.cause != _CONFLICT:
                        raise
                    continue
                if (before is not None and not replaces) or self._made(call, name, before, content):
                    return outcome
        raise _overtaken(name)

    def _made(self, call: Call, name: str, before: ReferenceTable | None, content: Content) -> bool:
        """Write a table down; False if somebody else was faster."""
        author = self._author(call)
        with translated():
            try:
                if before is None:
                    made = self._tables.create(name, content, author)
                else:
                    made = self._tables.replace(name, content, author, before.version)
            except TableChanged:
                return False
        self._followed.written(made)
        return True

    def _defined(
        self,
        connection: Connection,
        name: str,
        before: ReferenceTable | None,
        run: Callable[[Connection], _T],
    ) -> tuple[_T, Content]:
        with connection.alone():
            # The session may have begun one while this waited; it is not this one's to end.
            _check_alone(connection)
            connection.begin()
            try:
                reference_copies.check_place(connection, self._home, name)
                if before is not None:
                    reference_copies.make_writable(connection, self._home, name, before.content)
                else:
                    reference_copies.clear(connection, self._home, name)
                outcome = run(connection)
                return outcome, reference_copies.content(connection, self._home, name)
            finally:
                connection.rollback()

    def _drop(self, call: Call, connection: Connection, command: DropReferenceTable) -> None:
        del call
        _check_alone(connection)
        name = self._full_name(connection, command.name)
        if name is None:
            raise InvalidArgument(f"{'.'.join(command.name)} is no table of the cluster")
        with self._turn(connection, name), translated():
            if command.if_exists and self._tables.get(name) is None:
                return
            self._followed.deleted(name, self._tables.delete(name))

    def _show_all(
        self, call: Call, connection: Connection, command: ShowReferenceTables
    ) -> pa.Table:
        del call, connection
        found = []
        for name in sorted(self._followed.held):
            with translated():
                table = self._tables.get(name)
            if table is not None:
                found.append(_described(table))
        return pa.Table.from_pylist(found, schema=command.schema)

    def _show(self, call: Call, connection: Connection, command: ShowReferenceTable) -> pa.Table:
        del call
        name = self._full_name(connection, command.name)
        with translated():
            table = None if name is None else self._tables.get(name)
        if table is None:
            raise NotFound(f"there is no reference table {'.'.join(command.name)}")
        rows = [
            {"version": c.version, "changed_at": c.at_ms, "changed_by": c.by, "rows": c.rows}
            for c in reversed(table.history)
        ]
        return pa.Table.from_pylist(rows, schema=command.schema)

    def _turn(self, connection: Connection, name: str) -> AbstractContextManager[None]:
        return self._followed.turn(connection, name, _TURN_S)

    def _turn_of_schema(self, connection: Connection, name: str) -> AbstractContextManager[None]:
        """Be the only one here who makes a schema, if the table is the first in it."""
        if reference_copies.has_schema(connection, self._home, name):
            return nullcontext()
        return self._turn(connection, f"{name.partition('.')[0]}.")

    def _author(self, call: Call) -> Author:
        return Author(call.identity.principal, round(self._clocks.wall_s() * 1000))

    def _named(self, connection: Connection, statement: Statement) -> str | None:
        return self._full_name(connection, statement.target)

    def _full_name(self, connection: Connection, parts: tuple[str, ...]) -> str | None:
        """`schema.table` of a name in a statement; None if it is elsewhere."""
        where = catalog.namespace(connection)
        *qualifier, table = parts
        match qualifier:
            case []:
                found, schema = where.catalog, where.schema
            case [place] if place.lower() == self._home.catalog.lower():
                found, schema = place, "main"
            case [schema]:
                found = where.catalog
            case [found, schema]:
                pass
            case _:
                return None
        if found.lower() != self._home.catalog.lower():
            return None
        return f"{schema}.{table}".lower()


def _check_alone(connection: Connection) -> None:
    if connection.in_transaction:
        raise InvalidArgument(
            "a reference table is changed by one statement at once for the whole cluster, and "
            "not as a part of a transaction; nothing was run"
        )


def _overtaken(name: str) -> Unavailable:
    return Unavailable(
        f"others changed {name} {_ATTEMPTS_MAX} times before this statement could; nothing was "
        "written: try again"
    )


def _described(table: ReferenceTable) -> Mapping[str, Any]:
    last = table.history[-1] if table.history else None
    return {
        "name": table.name,
        "version": table.version,
        "rows": table.rows.num_rows,
        "changed_by": last and last.by,
        "changed_at": last and last.at_ms,
        "comment": table.content.comment or None,
    }
