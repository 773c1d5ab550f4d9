"""The router: the current routes, and the thread that keeps them current.

Owns the reference to the routes, the registry's watch, the retry budget and one daemon thread,
`flightkeeper-router`: the clock, probes and heartbeats, saving the list of nodes, closing channels
of nodes that are gone. Events arrive from the registry's thread and from calls; deciding is left
to `routes`. Must not know how a call is made: probing is a function it is given.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from flightkeeper.client import health, outliers, selection
from flightkeeper.client.budget import Budget
from flightkeeper.client.errors import NoNodeAvailable
from flightkeeper.client.explanation import Explanation, explain
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.loads import Loads
from flightkeeper.client.picker import Tier, Viewpoint
from flightkeeper.client.pool import Key, Pool, key_of
from flightkeeper.client.routes import Routes, event_for
from flightkeeper.client.saved_topology import SavedTopology
from flightkeeper.client.selection import ANY, Hints
from flightkeeper.client.transport import Channel
from flightkeeper.discovery import topology as membership
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Membership, Watch

TICK_S = 0.5
ASK_S = 1.0
"""How often one node is asked for its load, so that clients of few statements know loads too."""
PROBING_S = 2.0
"""After which a tick leaves further probes to the next one: other work must not wait for them."""
ABSENT_PROBE_S = 10.0
"""How often a node is probed that the registry no longer lists; for the first time at once."""
REGISTRY_PATIENCE_S = 1.0
"""How long a new client waits for the registry before it starts from its saved list."""
CHECKS_MAX = 16
"""Nodes asked side by side when all are."""
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
        zone: str = "",
        saved: SavedTopology | None = None,
        clock_s: Callable[[], float] = time.monotonic,
        rng: Random | None = None,
    ) -> None:
        """Make a router without routes.

        Args:
            zone: where this client is; nodes of its zone are preferred. "" = anywhere.
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
        self._routes = Routes(here=Viewpoint(zone, f"{self._rng.getrandbits(64):x}"))
        self._window = outliers.Window()
        self._window_from_s = clock_s()
        self._budget = Budget(at_s=clock_s())
        self._saved_epoch = 0
        # Whether there were statements since a node was asked for its load, and when that was.
        self._active = False
        self._asked_s = clock_s()
        # When absent nodes were probed last.
        self._absent_s: dict[Key, float] = {}
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

    def plan(self, hints: Hints = ANY) -> Iterator[Instance]:
        """Every node that may serve the hints once, in the order in which to try them.

        Each is drawn from what is known by then: a node that left meanwhile is not named.
        """
        with self._changed:
            self._budget = self._budget.deposit()
            self._active = True
        return self._drawn(hints)

    def _drawn(self, hints: Hints) -> Iterator[Instance]:
        tried: set[Key] = set()
        drawing = True
        while drawing:
            drawing = False
            picker = self._routes.picker
            for instance in selection.plan(picker, self._loads.of, self._rng, hints):
                if key_of(instance) not in tried:
                    tried.add(key_of(instance))
                    yield instance
                    if self._routes.picker is not picker:
                        drawing = True
                        break

    def explain(self, hints: Hints = ANY) -> Explanation:
        """The order a plan would have now, and why; costs the budget nothing."""
        return explain(self._routes, self._loads.of, self._rng, hints)

    def why_nobody(self, hints: Hints) -> str:
        """Why a plan was empty, for an error."""
        if hints.role and self._routes.topology.members:
            return (
                f"no node of service {self._service!r} has the role {hints.role!r}; nothing was"
                " run: start one or ask for another role"
            )
        return "the last node has just left; nothing was run: try again"

    def knows(self, instance: Instance) -> bool:
        """Whether this life of a node is still in the routes."""
        member = self._routes.topology.members.get(instance.node_id)
        return member is not None and key_of(member.instance) == key_of(instance)

    def may_retry(self) -> bool:
        """Take a retry out of the budget, if one is left."""
        with self._changed:
            left = self._budget.withdraw(self._clock_s())
            self._budget = left or self._budget
        return left is not None

    def report(self, instance: Instance, failure: Failure | None) -> None:
        """Note how a call to a node ended; None = well."""
        event = event_for(failure, self._clock_s())
        if event is None:
            return
        lost = isinstance(event, health.CallFailed | health.ConnectFailed)
        self._window.note(instance.node_id, instance.incarnation, lost=lost)
        if failure is None and instance.node_id not in self._routes.health:
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

    def check(self) -> None:
        """Ask all nodes for a sign of life now, side by side, and note what each says."""
        instances = [member.instance for member in self._routes.topology.members.values()]
        with ThreadPoolExecutor(CHECKS_MAX, thread_name_prefix="flightkeeper-check") as pool:
            list(pool.map(self._probe_node, instances))

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
        self._loads.fade(self._routes.topology.members.keys())
        self._eject_outliers(now_s)
        routes = self._routes
        self._pool.retain({key_of(member.instance) for member in routes.topology.members.values()})
        self._save(routes)
        for instance, channel in self._pool.due_for_heartbeat():
            self._heard(instance, self._asked(instance, channel))
        self._ask_for_load(now_s)
        for instance in [*routes.half_open(), *self._absent_due(routes, now_s)]:
            if self._closing.is_set() or self._clock_s() - now_s > PROBING_S:
                break
            self._probe_node(instance)

    def _eject_outliers(self, now_s: float) -> None:
        if now_s - self._window_from_s < outliers.WINDOW_S:
            return
        self._window_from_s = now_s
        routes = self._routes
        already = {node_id for node_id, node in routes.health.items() if node.lossy}
        members = routes.topology.members
        for node_id, incarnation in outliers.found(self._window.take(), already, len(members)):
            instance = Instance(self._service, node_id, "", incarnation)
            self._note(instance, health.Outlier(now_s))

    def _ask_for_load(self, now_s: float) -> None:
        """Ask the node whose report is the oldest, while this client sends statements."""
        nodes = {n.node_id: n for n in self._routes.picker.nodes(Tier.PREFERRED)}
        choice = len(nodes) > 1
        if not (self._active and choice) or now_s - self._asked_s < ASK_S:
            return
        self._active, self._asked_s = False, now_s
        instance = nodes[self._loads.oldest(nodes)]
        lease = self._pool.lease(instance, counted=False)
        try:
            failure = self._asked(instance, lease.channel)
            lease.broken = failure is not None and failure.kind in _SILENCE
            self._heard(instance, failure)
        finally:
            lease.release()

    def _heard(self, instance: Instance, failure: Failure | None) -> None:
        """Note how a sign of life ended that was asked for on a channel in use."""
        if failure is not None and failure.kind is Kind.TIMED_OUT:
            self._note(instance, health.Unheard(self._clock_s()))
        else:
            self.report(instance, failure)

    def _absent_due(self, routes: Routes, now_s: float) -> list[Instance]:
        absent = {key_of(instance): instance for instance in routes.absent()}
        # Spread, or all clients of a broken registry would probe all nodes together.
        since_s = now_s - ABSENT_PROBE_S * self._rng.uniform(0.9, 1.1)
        last_s = {key: at_s for key, at_s in self._absent_s.items() if key in absent}
        self._absent_s = last_s
        return [absent[key] for key in absent if last_s.get(key, -math.inf) <= since_s]

    def _probe_node(self, instance: Instance) -> None:
        started = health.ProbeStarted(self._clock_s())
        self._absent_s[key_of(instance)] = started.at_s

        def start(routes: Routes) -> Routes:
            # A call may have settled the matter since the list of due probes was made.
            due = routes.health_of(instance).probe_due
            return routes.seen(instance, started, self._rng) if due else routes

        self._replace(start)
        failure = self._asked(instance, None)
        if failure is None or failure.kind not in _SILENCE:
            self.report(instance, failure)
            return
        self._note(instance, health.ConnectFailed(self._clock_s()))
        self._on_membership(membership.Silent(instance.node_id, instance.incarnation))

    def _asked(self, instance: Instance, channel: Channel | None) -> Failure | None:
        """Ask for a sign of life. A defect is none: whoever waits for the end must hear of it."""
        try:
            return self._probe(instance, channel)
        except Exception as exc:  # noqa: BLE001  whatever it is, the node is asked again
            name = type(exc).__name__
            _log.warning(
                "asking node %s for a sign of life met a defect (%s)", instance.node_id, name
            )
            return Failure(Kind.INTERNAL, f"asking it for a sign of life met a defect ({name})")

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
