"""Whether the caller may run a statement on a connection, and what runs in its place.

Asked for every statement right before it runs, on the connection it runs on, so that names mean to
the judge what they mean to the engine. Superusers are not judged.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from flightkeeper.discovery.principals.model import Access, Privilege, folded
from flightkeeper.flight_server import options
from flightkeeper.flight_server.engine import relations, settings, snapshots, statement
from flightkeeper.flight_server.engine.catalog import default_catalog
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.named import builtin_functions
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.errors import InvalidArgument, PermissionDenied
from flightkeeper.flight_server.handlers.visibility import Visibility
from flightkeeper.flight_server.sql.access.shown import columns_seen
from flightkeeper.flight_server.sql.access.uses import Target, Uses

_TEXT_CHARACTERS_MAX = 256 * 1024
"""Judging as much takes seconds of Python."""
_USE = re.compile(r'use\s+[\w."]+\s*;?', re.IGNORECASE)


class Rules:
    """What callers may do: everything, where there are no grants."""

    def access(self, principal: str) -> Access | None:
        """What a user may do; None where there are no grants."""
        del principal
        return None

    def permitted(self, principal: str, connection: Connection, asked: Statement) -> Statement:
        """The statement to run: the one that was asked for, or one that shows less."""
        del principal, connection
        return asked

    def visibility(self, principal: str, connection: Connection) -> Visibility | None:
        """What a user may know of; None = everything."""
        del principal, connection
        return None

    def check_upload(
        self, principal: str, connection: Connection, path: Sequence[str], *, replaces: bool
    ) -> None:
        """Whether a user may put rows into a table, or make it."""


EVERYTHING = Rules()


class Authorization(Rules):
    """Judges statements. Thread-safe; one per node."""

    def __init__(self, access: Callable[[str], Access]) -> None:
        """`access` tells what a user may do; it raises NodeError when that is not known."""
        self._access = access
        self._own: str | None = None

    def access(self, principal: str) -> Access:
        """What a user may do.

        Raises:
            Unauthenticated: there is no such user any more.
            Unavailable: it is not known.
        """
        return self._access(principal)

    def permitted(self, principal: str, connection: Connection, asked: Statement) -> Statement:
        """The statement to run: the one that was asked for, or one that shows less.

        Raises:
            PermissionDenied: the user may not run it; says what is missing.
        """
        access = self._access(principal)
        if asked.kind == "EXPLAIN" and not asked.read_only:
            # The connection may have been another user's before.
            settings.show_in_plans(connection, files=access.superuser)
        return asked if access.superuser else self._judged(access, connection, asked)

    def visibility(self, principal: str, connection: Connection) -> Visibility | None:
        """What a user may know of; None = everything."""
        access, own = self._access(principal), self.own(connection)
        if access.superuser:
            return None
        index = access.index(own)
        return Visibility(
            lambda thing: thing.catalog == relations.TEMPORARY or index.sees(thing),
            partial(columns_seen, index),
        )

    def check_upload(
        self, principal: str, connection: Connection, path: Sequence[str], *, replaces: bool
    ) -> None:
        """Whether a user may put rows into a table, or make it.

        Args:
            path: its catalog, schema and name.
            replaces: what is there gives way.

        Raises:
            PermissionDenied: says what is missing.
        """
        access = self._access(principal)
        if access.superuser:
            return
        from flightkeeper.flight_server.sql.access import judging  # noqa: PLC0415 - as below

        names = tuple(map(folded, path))
        scope = relations.look_up(connection, self.own(connection), names[-1:])
        found = Uses(makes=names, replaces=replaces)
        if scope.candidates(names) and not replaces:
            found = Uses(target=Target(names, frozenset({Privilege.INSERT})))
        judging.Judge(access, scope, lambda _: ()).edits(found)

    def own(self, connection: Connection) -> str:
        """What the node's own database is called, folded."""
        if self._own is None:
            self._own = folded(default_catalog(connection))
        return self._own

    def _judged(self, access: Access, connection: Connection, asked: Statement) -> Statement:
        if asked.command is not None:
            if asked.command.public:
                return asked
            raise PermissionDenied("only superusers may ask this of the cluster; nothing was done")
        if asked.reference:
            raise PermissionDenied("only superusers make reference tables; nothing was done")
        if asked.control is not None:
            return asked
        if asked.kind == "SET":
            _check_setting(asked)
            return asked
        if len(asked.sql) > _TEXT_CHARACTERS_MAX:
            raise PermissionDenied(
                f"a statement of {len(asked.sql)} characters is too long to be checked against "
                f"grants; at most {_TEXT_CHARACTERS_MAX} are; nothing was run: ingest the data"
            )
        return self._limited(access, connection, asked)

    def _limited(self, access: Access, connection: Connection, asked: Statement) -> Statement:
        # A node without grants never pays for loading sqlglot.
        from flightkeeper.flight_server.sql.access import judging, statements  # noqa: PLC0415 - so

        text = asked.sql
        found = statements.uses(text, asked.kind, builtin_functions())
        if found.instead:
            text = found.instead
            found = statements.uses(text, asked.kind, builtin_functions())
        if not found.names:
            return asked
        scope = relations.look_up(connection, self.own(connection), found.names)
        judge = judging.Judge(access, scope, lambda one: relations.columns(connection, one))
        text = judging.edited(text, judge.edits(found))
        for path in judge.past(found):
            snapshots.check_past(connection, path)
        return asked if text == asked.sql else _instead(asked, text)


def _instead(asked: Statement, text: str) -> Statement:
    """The same statement with another text of the engine's."""
    try:
        (found,) = statement.parse(text)
    except (InvalidArgument, ValueError):
        raise PermissionDenied(
            "the rows and columns that are granted cannot be told from the others in this "
            "statement; nothing was run: read the table in a plain FROM"
        ) from None
    return replace(asked, sql=found.sql, parsed=found.parsed)


def _check_setting(asked: Statement) -> None:
    """What changes the session alone, to a plain value."""
    plain = asked.setting is not None or _USE.fullmatch(asked.sql)
    mine = asked.sets is None or settings.is_of_a_session(asked.sets) or options.known(asked.sets)
    if not plain or not (mine or asked.sets == "schema"):
        raise PermissionDenied(
            "only superusers may set this, or to what is not a plain value; nothing was run"
        )
