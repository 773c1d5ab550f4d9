"""Ends statements and sessions: those of this node, and through other nodes theirs.

Owns who may: administrators anybody's, others their own. A statement of somebody else's, also of an
earlier account of the same name, is not known to those who may not end it.
"""

from collections.abc import Callable

import pyarrow as pa
import structlog

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flight_server.system.activity import Activity, Ended, Killing
from flightkeeper.flight_server.system.events import Events, What
from flightkeeper.flight_server.system.kill import Kill, Target
from flightkeeper.flight_server.system.peers import Peers
from flightkeeper.flight_server.system.requests import Requests
from flightkeeper.flight_server.system.visitors import Visitors
from flightkeeper.flightsql.wire.flightkeeper_pb2 import PeerRequest

_ANSWERS_WITHIN_S = 3.0
"""Another node waits itself until what it ends has ended."""

_log = structlog.get_logger(__name__)


class Ends:
    """Ends what this node has. Thread-safe."""

    def __init__(
        self,
        activity: Activity,
        sessions: Sessions,
        visitors: Visitors,
        events: Events,
        forget_login: Callable[[str], None],
    ) -> None:
        """`forget_login` lets the password of a session's login begin a new one."""
        self._activity = activity
        self._sessions = sessions
        self._visitors = visitors
        self._events = events
        self._forget_login = forget_login

    def statement(self, wanted: PeerRequest) -> Killing:
        """End a statement of this node."""
        found = self._activity.find(wanted.statement_id)
        if found is None or not _may_end(wanted, found.owner):
            return Killing.UNKNOWN
        if isinstance(found, Ended):
            return Killing.FINISHED
        outcome = self._activity.kill([found], wanted.principal)
        self._tell(What.STATEMENT_KILLED, found.statement_id, wanted)
        return outcome

    def session(self, wanted: PeerRequest, own: object = None) -> Killing:
        """End a session here: its statements, its state, and its login.

        Args:
            own: the call that wants it; its statement goes on.
        """
        key = wanted.session_id
        visitor = self._visitors.find(key)
        running = [each for each in self._activity.running() if each.session_id == key]
        owners = {each.owner for each in running}
        if visitor is not None:
            owners.add(visitor.owner)
        if not owners or not all(_may_end(wanted, owner) for owner in owners):
            return Killing.UNKNOWN
        self._visitors.end(key, wanted.principal)
        self._forget_login(key)
        others = [each for each in running if each.caller is not own]
        outcome = self._activity.kill(others, wanted.principal)
        self._sessions.close_session(key)
        self._tell(What.SESSION_KILLED, key, wanted)
        return outcome

    def asked(self, wanted: PeerRequest) -> Killing:
        """End what another node's caller names."""
        outcome = self.statement(wanted) if wanted.statement_id else Killing.UNKNOWN
        if outcome is Killing.UNKNOWN and wanted.session_id:
            outcome = self.session(wanted)
        return outcome

    def _tell(self, what: What, subject: str, wanted: PeerRequest) -> None:
        self._events.record(what, subject, f"by {wanted.principal}")
        _log.info(what.value, id=subject, by=wanted.principal)


class Killer:
    """Serves `KILL`. Thread-safe."""

    def __init__(
        self, ends: Ends, peers: Peers, requests: Requests, administers: Callable[[Call], bool]
    ) -> None:
        self._ends = ends
        self._peers = peers
        self._requests = requests
        self._administers = administers

    def run(self, call: Call, connection: Connection, command: Kill) -> pa.Table:
        """End something, wherever it is; what became of it."""
        del connection
        wanted = PeerRequest(
            principal=call.identity.principal,
            owner=call.owner,
            administers=self._administers(call),
            statement_id=command.id if command.target is not Target.SESSION else "",
            session_id=command.id if command.target is not Target.STATEMENT else "",
        )
        outcome, notice = self._ends.statement(wanted), ""
        # A statement runs on one node; a session may have called several.
        if outcome is Killing.UNKNOWN:
            outcome, notice = self._everywhere(call, wanted)
        row = {"id": command.id, "outcome": outcome.value, "notice": notice}
        return pa.Table.from_pylist([row], command.schema)

    def _everywhere(self, call: Call, wanted: PeerRequest) -> tuple[Killing, str]:
        """What became of it on all nodes, and who did not answer."""
        signed = self._requests.sign(wanted)
        replies = self._peers.ask(signed, wanted.principal, _ANSWERS_WITHIN_S)
        outcomes = [reply.answers for reply in replies.values() if reply.answers]
        own = self._ends.session(wanted, call.middleware) if wanted.session_id else Killing.UNKNOWN
        outcome = max([own, *(_read(answers[0]) for answers in outcomes)], key=_ORDER.index)
        silent = ", ".join(node for node, reply in replies.items() if reply.answers is None)
        return outcome, f"no answer from {silent}: what is there goes on" if silent else ""


_ORDER = list(Killing)


def _read(answer: bytes) -> Killing:
    """What another node says; one of another version may say something else."""
    text = answer.decode(errors="replace")
    return Killing(text) if text in _ORDER else Killing.UNKNOWN


def _may_end(wanted: PeerRequest, owner: str) -> bool:
    return wanted.administers or wanted.owner == owner
