"""What a node knows of itself and asks of others, put together.

Owns nothing but that: each part has a module of its own. What other parts of a node have rows for,
they hand in as `providers`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Registry
from flightkeeper.discovery.topology import Topology
from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.auth.middleware import Authentication
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.commands import Handler
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.engine.database import ENGINE_VERSION
from flightkeeper.flight_server.handlers.peers import PeerRequests
from flightkeeper.flight_server.handlers.routes import Routes
from flightkeeper.flight_server.live.settings import Decision
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flight_server.system.activity import Activity
from flightkeeper.flight_server.system.collecting import Collecting, Provider
from flightkeeper.flight_server.system.events import Events, What
from flightkeeper.flight_server.system.kill import Kill
from flightkeeper.flight_server.system.killing import Ends, Killer
from flightkeeper.flight_server.system.links import Logins, connecting
from flightkeeper.flight_server.system.peers import Peers
from flightkeeper.flight_server.system.providers import Known, providers
from flightkeeper.flight_server.system.reads import SystemReads
from flightkeeper.flight_server.system.requests import Requests
from flightkeeper.flight_server.system.rights import Rights
from flightkeeper.flight_server.system.visitors import Visitors
from flightkeeper.flightsql.tickets import Signer


@dataclass(frozen=True, slots=True)
class Around:
    """The parts of a node that are told of, or asked.

    Attributes:
        instance: the node's record as it is now.
        settings: what holds now, and where what was set while the node runs comes from.
    """

    clocks: Clocks
    signer: Signer
    tokens: Tokens
    authentication: Authentication
    sessions: Sessions
    admission: Admission
    instance: Callable[[], Instance]
    settings: Callable[[], tuple[NodeSettings, Mapping[str, str]]]
    rights: Rights


class System:
    """System tables and KILL of a node. Thread-safe; `close` ends its threads.

    Attributes:
        activity, visitors, events: what is taken down, where it happens.
        reads: gives statements the rows of system tables.
        commands: who serves which command.
        requests: signs and opens what nodes ask each other.
        logins: tokens to ask other nodes with.
        routes: what other nodes may ask.
    """

    def __init__(self, around: Around, more: Mapping[str, Provider]) -> None:
        """Put it together.

        Args:
            more: who has rows of further tables.
        """
        clocks, (settings, _) = around.clocks, around.settings()
        self.activity = Activity(clocks)
        self.visitors = Visitors(clocks.wall_s, settings.token_lifetime_s)
        self.events = Events(clocks.wall_s)
        self._revisions = (0, 0)
        self.logins = logins = Logins(around.tokens.login, clocks.wall_s)
        self._peers = Peers(connecting(settings, logins.token), clocks.monotonic_s)
        self.requests = requests = Requests(around.signer, clocks.wall_s)
        known = Known(
            clocks,
            self.activity,
            self.visitors,
            self.events,
            around.sessions,
            around.admission,
            around.instance,
            around.settings,
            ENGINE_VERSION,
            around.authentication.account,
        )
        collecting = Collecting({**providers(known), **more}, self._peers, requests)
        ends = Ends(
            self.activity,
            around.sessions,
            self.visitors,
            self.events,
            around.authentication.forget,
        )
        killer = Killer(ends, self._peers, requests, around.rights.administers)
        self.reads = SystemReads(collecting.all, around.rights)
        self.commands: Mapping[type[Command], Handler] = {Kill: killer.run}
        self.routes: Routes = PeerRequests(requests, collecting, ends).routes()

    def follow(self, registry: Registry | None, own: Instance) -> None:
        """Know the other nodes from now on, if there is a registry that knows them."""
        self.events.record(What.STARTED, own.node_id, own.location)
        if registry is not None:
            self._peers.follow(registry, own, self._membership_changed)

    def settings_decided(self, decision: Decision) -> None:
        """Take down what the node made of the cluster's settings."""
        if decision.problem:
            self.events.record(What.SETTINGS_REFUSED, "", decision.problem)
        elif (decision.cluster, decision.node) != self._revisions:
            self._revisions = decision.cluster, decision.node
            revisions = f"revisions: cluster {decision.cluster}, node {decision.node}"
            self.events.record(What.SETTINGS_CHANGED, "", revisions)

    def expire(self, session_idle_timeout_s: float) -> None:
        """Forget sessions that have not called for so long."""
        self.visitors.expire(session_idle_timeout_s)

    def close(self) -> None:
        """Ask nobody any more. Idempotent, bounded."""
        self._peers.close()

    def _membership_changed(self, before: Topology, after: Topology) -> None:
        if before.reachable and not after.reachable:
            self.events.record(What.REGISTRY_LOST)
        if after.reachable and not before.reachable and before.listed_at_s is not None:
            self.events.record(What.REGISTRY_BACK)
        there = {node for node, member in before.members.items() if not member.absent}
        now = {node for node, member in after.members.items() if not member.absent}
        for node in sorted(now - there):
            self.events.record(What.NODE_JOINED, node, after.members[node].instance.location)
        for node in sorted(there - now):
            self.events.record(What.NODE_LEFT, node)
