"""What callers may do on a node with a lake: what they may do anyway, but for what breaks it."""

from collections.abc import Sequence

from flightkeeper.discovery.principals.model import Access
from flightkeeper.flight_server.cluster.authorization import Rules
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.engine.tokens import tokens
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.handlers.visibility import Visibility
from flightkeeper.flight_server.lake.guard import OWN, Guard, names_own


class GuardedRules(Rules):
    """The rules of a node, and its lake's guard. Thread-safe."""

    def __init__(self, rules: Rules, guard: Guard) -> None:
        self._rules = rules
        self._guard = guard

    def access(self, principal: str) -> Access | None:
        """What a user may do; None where there are no grants."""
        return self._rules.access(principal)

    def permitted(self, principal: str, connection: Connection, asked: Statement) -> Statement:
        """The statement to run: the one that was asked for, or one that shows less.

        Raises:
            PermissionDenied: the user may not run it.
            InvalidArgument: nobody may.
        """
        permitted = self._rules.permitted(principal, connection, asked)
        if asked.command is None:
            text = asked.sql or asked.source
            self._check_reads(principal, text)
            self._guard.check(text, changes=not asked.read_only)
        return permitted

    def visibility(self, principal: str, connection: Connection) -> Visibility | None:
        """What a user may know of; None = everything."""
        return self._rules.visibility(principal, connection)

    def check_upload(
        self, principal: str, connection: Connection, path: Sequence[str], *, replaces: bool
    ) -> None:
        """Whether a user may put rows into a table, or make it."""
        # The lake's own catalog is none that an upload finds.
        self._rules.check_upload(principal, connection, path, replaces=replaces)

    def _check_reads(self, principal: str, text: str) -> None:
        """Refuse the lake's own catalog to who may not read everything.

        Nothing in it can be granted, but a name that is granted elsewhere may mean one in there.
        """
        if OWN not in text.lower() or not names_own(tokens(text)):
            return
        access = self._rules.access(principal)
        if access is not None and not access.superuser:
            raise PermissionDenied(
                "only superusers may read the lake's own catalog; nothing was run"
            )
