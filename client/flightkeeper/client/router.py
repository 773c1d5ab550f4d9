"""The router: the current routes, and the thread that keeps them current.

Owns the reference to the routes, the registry's watch, the retry budget and one daemon thread,
`flightkeeper-router`: the clock, probes and heartbeats, saving the list of nodes, closing channels
of nodes that are gone. Events arrive from the registry's thread and from calls; deciding is left
to `routes`. Must not know how a call is made: probing is a function it is given.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from flightkeeper.client import health
from flightkeeper.client.budget import Budget
from flightkeeper.client.errors import NoNodeAvailable
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.loads import Loads
from flightkeeper.client.pool import Pool, key_of
from flightkeeper.client.routes import Routes, event_for
from flightkeeper.client.saved_topology import SavedTopology
from flightkeeper.client.selection import plan
from flightkeeper.client.transport import Channel
from flightkeeper.discovery import topology as membership
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Membership, Watch

TICK_S = 0.5
REGISTRY_PATIENCE_S = 1.0
"""How long a new client waits for the registry before it starts from its saved list."""
_JOIN_S = 5.0

_SILENCE = frozenset({Kind.NOT_SENT, Kind.BROKEN, Kind.TIMED_OUT, Kind.CANCELLED, Kind.INTERNAL})
"""Ends of a probe that are not a node's answer."""

_log = logging.getLogger(__name__)

Probe = Callable[[Instance, Channel | None], Failure | None]
"""Asks a node for a sign of life, on a given channel or a fresh lease; bounded in time."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """What a client knows of one node.

    Attributes:
        absent: the registry no longer lists it.
        health: "closed" (works), "open" (ejected) or "half-open" (about to be probed).
        in_flight: statements of this client running there.
        reported_load: statements of all clients, as the node said lately; None = not lately.
    """

    instance: Instance
    absent: bool
    health: str
    in_flight: int
    reported_load: int | None


class Router:
    """Which node next, for one service. Thread-safe."""

    def __init__(
        self,
        service: str,
        pool: Pool,
        loads: Loads,
        probe: Probe,
        *,
        saved: SavedTopology | None = None,
        clock_s: Callable[[], float] = time.monotonic,
        rng: Random | None = None,
    ) -> None:
        """Make a router without routes.

        Args:
            saved: where the last good list is kept; None = nowhere.
        """
        self._service = service
        self._pool = pool
        self._loads = loads
        self._probe = probe
        self._saved = saved
        self._clock_s = clock_s
        self._rng = rng or Random()  # noqa: S311  spreads load, guards nothing
        # Guards replacing `_routes` and `_budget`; notified when there are new routes.
        self._changed = threading.Condition()
        self._routes = Routes()
        self._budget = Budget(at_s=clock_s())
        self._saved_epoch = 0
        self._started_s = clock_s()
        self._registry: Membership | None = None
        self._watch: Watch | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flightkeeper-router", daemon=True)

    def start(self, nodes: tuple[Instance, ...] = (), registry: Membership | None = None) -> None:
        """Begin: from a fixed list of nodes, or by watching a registry, which is closed with us."""
        if nodes:
            self._on_membership(membership.Listed(nodes, self._clock_s()))
        self._registry = registry
        if registry is not None:
            self._watch = registry.watch(self._service, self._on_membership)
        self._thread.start()

    @property
    def routes(self) -> Routes:
        """The current snapshot."""
        return self._routes

    def wait_for_nodes(self, timeout_s: float) -> None:
        """Wait until at least one node is known.

        Raises:
            NoNodeAvailable: none is, and whose fault that seems to be.
        """
        if self._routes.topology.members:
            return
        with self._changed:
            if self._changed.wait_for(lambda: self._routes.topology.members, timeout_s):
                return
        raise NoNodeAvailable(self._why_empty(timeout_s))

    def plan(self) -> Iterator[Instance]:
        """Every known node once, in the order in which one statement should try them."""
        with self._changed:
            self._budget = self._budget.deposit()
        return plan(self._routes.picker, self._loads.of, self._rng)

    def may_retry(self) -> bool:
        """Take a retry out of the budget, if one is left."""
        with self._changed:
            left = self._budget.withdraw(self._clock_s())
            self._budget = left or self._budget
        return left is not None

    def report(self, instance: Instance, failure: Failure | None) -> None:
        """Note how a call to a node ended; None = well."""
        event = event_for(failure, self._clock_s())
        if event is None or (failure is None and instance.node_id not in self._routes.health):
            return
        self._note(instance, event)

    def nodes(self) -> tuple[NodeStatus, ...]:
        """What is known of each node, in the order of their ids."""
        routes = self._routes
        return tuple(
            NodeStatus(
                instance=member.instance,
                absent=member.absent,
                health=routes.health_of(member.instance).circuit.value,
                in_flight=self._loads.in_flight(node_id),
                reported_load=self._loads.reported(node_id),
            )
            for node_id, member in routes.topology.members.items()
        )

    def close(self) -> None:
        """Stop watching, then the thread. Idempotent, bounded."""
        self._closing.set()
        if self._watch is not None:
            self._watch.close()
        if self._registry is not None:
            self._registry.close()
        if self._thread.is_alive():
            # A tick is made of calls with deadlines, so the thread ends.
            self._thread.join(_JOIN_S)

    def _on_membership(self, event: membership.Event) -> None:
        self._replace(lambda routes: routes.after(event))

    def _note(self, instance: Instance, event: health.Event) -> None:
        self._replace(lambda routes: routes.seen(instance, event, self._rng))

    def _replace(self, change: Callable[[Routes], Routes]) -> None:
        with self._changed:
            before, self._routes = self._routes, change(self._routes)
            if self._routes.topology.epoch != before.topology.epoch:
                self._changed.notify_all()

    def _run(self) -> None:
        while not self._closing.wait(TICK_S):
            try:
                self.tick()
            except Exception:  # noqa: BLE001  the clock must not stop for a defect
                _log.exception("the router's clock met a defect; it goes on")

    def tick(self) -> None:
        """Do what is due now; the router's thread calls this every `TICK_S` seconds."""
        now_s = self._clock_s()
        self._load_saved(now_s)
        self._replace(lambda routes: routes.elapsed(now_s, self._rng))
        self._loads.expire()
        routes = self._routes
        self._pool.retain({key_of(member.instance) for member in routes.topology.members.values()})
        self._save(routes)
        for instance, channel in self._pool.due_for_heartbeat():
            self.report(instance, self._probe(instance, channel))
        for instance in routes.probes_due():
            if not self._closing.is_set():
                self._probe_node(instance)

    def _probe_node(self, instance: Instance) -> None:
        started = health.ProbeStarted(self._clock_s())

        def start(routes: Routes) -> Routes:
            # A call may have settled the matter since the list of due probes was made.
            due = routes.health_of(instance).probe_due
            return routes.seen(instance, started, self._rng) if due else routes

        self._replace(start)
        failure = self._probe(instance, None)
        if failure is None or failure.kind not in _SILENCE:
            self.report(instance, failure)
            return
        self._note(instance, health.ConnectFailed(self._clock_s()))
        self._on_membership(membership.Silent(instance.node_id, instance.incarnation))

    def _load_saved(self, now_s: float) -> None:
        waiting = not self._routes.topology.members and self._registry is not None
        if self._saved is None or not waiting or now_s - self._started_s < REGISTRY_PATIENCE_S:
            return
        if self._routes.topology.listed_at_s is not None:
            return
        loaded = self._saved.load()
        if loaded is None or not loaded.instances:
            return
        age_s = round(time.time() - loaded.saved_at_s)
        _log.warning("the registry does not answer: starting from a list %d s old", age_s)
        seeds = membership.Listed(loaded.instances, now_s)
        with self._changed:
            # The registry may have answered meanwhile; it knows better.
            if not self._routes.topology.members:
                self._routes = self._routes.after(seeds).after(membership.Unreachable(now_s))
                self._saved_epoch = self._routes.topology.epoch
                self._changed.notify_all()

    def _save(self, routes: Routes) -> None:
        topology = routes.topology
        if self._saved is None or self._registry is None or topology.epoch == self._saved_epoch:
            return
        present = [m.instance for m in topology.members.values() if not m.absent]
        # An empty list helps nobody who starts from it.
        if present:
            self._saved.save(present, time.time())
        self._saved_epoch = topology.epoch

    def _why_empty(self, timeout_s: float) -> str:
        if self._routes.topology.listed_at_s is not None:
            return (
                f"no node of service {self._service!r} is registered;"
                " nothing was run: start a node or check the service's name"
            )
        return (
            f"the registry did not answer within {timeout_s:g} s and no list of nodes was saved"
            " before; nothing was run: check the URL and the registry"
        )
