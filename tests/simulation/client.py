"""A simulated client: the real router and the real decisions over calls that are only pretended.

Only the loop of attempts and the wire are made up; statements overlap in time, so that late news
of an old life arrive when a new one is there.
"""

from collections.abc import Iterator
from random import Random
from types import SimpleNamespace
from typing import Any

from flightkeeper.client import failover
from flightkeeper.client.failover import Progress, StatementKind, Step
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.loads import Loads
from flightkeeper.client.router import Router
from flightkeeper.client.selection import Hints
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Listed, Unreachable
from tests.simulation.watching import Watch
from tests.simulation.world import SILENCE_S, Node, World

_NOT_RUN = frozenset({Kind.NOT_SENT, Kind.DRAINING, Kind.OVERLOADED, Kind.NOT_READ_ONLY})
_PAID = frozenset({Kind.BROKEN, Kind.OVERLOADED})
_SILENCE = frozenset({Kind.NOT_SENT, Kind.TIMED_OUT})
_LOST = frozenset({Kind.NOT_SENT, Kind.BROKEN})


class _NoPool:
    """Stands for the pool: there are no channels here."""

    def retain(self, keys: object) -> None:
        """Nothing to close."""

    def due_for_heartbeat(self) -> tuple[()]:
        """Nothing to beat."""
        return ()

    def lease(self, instance: Instance, *, counted: bool) -> Any:
        """A channel that nothing is sent over."""
        del instance, counted
        return SimpleNamespace(channel="in use", broken=False, release=lambda: None)


class Client:
    """One client with its router."""

    def __init__(self, world: World, number: int, zone: str) -> None:
        self.world = world
        self.number = number
        self.watch = Watch(world, number)
        self.loads = Loads(world.clock)
        pool: Any = _NoPool()
        self.router = Router(
            "flights",
            pool,
            self.loads,
            self._probe,
            zone=zone,
            clock_s=world.clock,
            rng=Random(world.rng.getrandbits(64)),
        )
        self.news_at_s = 0.0
        self._statements = 0

    def told(self, records: tuple[Instance, ...] | None) -> None:
        """News of the registry arrive."""
        now_s = self.world.clock.now_s
        if records is None:
            self.router._on_membership(Unreachable(now_s))
            return
        self.router._on_membership(Listed(records, now_s))
        self.watch.view.listed(records, now_s)

    def tick(self, tick_s: float) -> None:
        """The router's clock, which has a thread in reality."""
        self.router.tick()
        self.watch.view.elapsed(self.world.clock.now_s)
        self.watch.ticked(self.router.routes, tick_s)

    def begin(self) -> None:
        """Start a statement."""
        self._statements += 1
        self.watch.statements += 1
        _Statement(self, f"{self.number}-{self._statements}")

    def reported(self, instance: Instance, failure: Failure | None) -> None:
        """A call ended."""
        if failure is not None and failure.kind in _LOST:
            self.watch.failed.add((instance.node_id, instance.incarnation))
        self.router.report(instance, failure)

    def _probe(self, instance: Instance, channel: object) -> Failure | None:
        failure = self.world.probe(instance, self.number)
        if failure is not None and failure.kind in _SILENCE:
            self.watch.failed.add((instance.node_id, instance.incarnation))
            if channel is None:
                self.watch.view.silent(instance, self.router.routes)
        return failure


class _Statement:
    """One statement on its way from node to node."""

    def __init__(self, client: Client, name: str) -> None:
        rng = client.world.rng
        self.client = client
        self.name = name
        draw = rng.random()
        self.kind = StatementKind.WRITE if draw < 0.3 else StatementKind.READ
        # What a read turns out to be: the node finds that it writes, and refuses it as a read.
        self.writes = draw < 0.35
        self.sends = 0
        self.overloads = 0
        self.asked: set[str] = set()
        hints = Hints(affinity=f"table {rng.randrange(20)}" if rng.random() < 0.5 else "")
        self.plan: Iterator[Instance] = client.router.plan(hints)
        self._next()

    def _next(self) -> None:
        instance = next(self.plan, None)
        if instance is not None:
            self.asked.add(instance.node_id)
            self._attempt(instance)
        elif self.asked:
            self.client.watch.given_up(self.asked, self.client.router.routes)

    def _attempt(self, instance: Instance) -> None:
        client, world = self.client, self.client.world
        client.watch.called(instance)
        client.loads.entered(instance.node_id)
        if self.kind is StatementKind.WRITE:
            self.sends += 1
            client.watch.written(self.name, self.sends)
        refused = self.kind is StatementKind.READ and self.writes
        end = world.call(instance, client.number, read_only_refused=refused)
        call = _Call(self, instance, world.nodes.get(instance.node_id))
        world.clock.after(end.after_s, lambda: call.end(end.failure))

    def ended(self, instance: Instance, failure: Failure | None) -> None:
        """A call ended; go on as `failover` decides."""
        client = self.client
        client.loads.left(instance.node_id)
        client.reported(instance, failure)
        if failure is None:
            return
        if self.kind is StatementKind.WRITE and failure.kind in _NOT_RUN:
            self.sends -= 1
        self.overloads += failure.kind is Kind.OVERLOADED
        paid = failure.kind in _PAID
        progress = Progress(
            overloads=self.overloads, budget_left=not paid or client.router.may_retry()
        )
        step = failover.decide(failure, progress, self.kind)
        if paid and isinstance(step, Step):
            client.watch.repetition()
        match step:
            case Step.NEXT_NODE:
                self._next()
            case Step.NEXT_NODE_LATER:
                client.world.clock.after(client.world.rng.random() * 0.1, self._next)
            case Step.SAME_NODE_AS_WRITE:
                self.kind = StatementKind.WRITE
                if client.router.knows(instance):
                    self._attempt(instance)
                else:
                    self._next()


class _Call:
    """One call on its way; ends once."""

    def __init__(self, statement: _Statement, instance: Instance, node: Node | None) -> None:
        self._statement = statement
        self._instance = instance
        self._node = node if node is not None and str(node.life) == instance.incarnation else None
        if self._node is not None:
            self._node.running[id(self)] = self._break
        self._over = False

    def _break(self) -> None:
        self._finish(Failure(Kind.BROKEN, "the node died"))

    def end(self, failure: Failure | None) -> None:
        """The time of the answer has come."""
        world = self._statement.client.world
        if self._over:
            return
        node = self._node
        stopped = node is not None and (
            node.frozen or node.cut_from(self._statement.client.number, world.clock.now_s)
        )
        if failure is None and stopped:
            lost = Failure(Kind.BROKEN, "silent")
            world.clock.after(SILENCE_S, lambda: self._finish(lost))
        else:
            self._finish(failure)

    def _finish(self, failure: Failure | None) -> None:
        if self._over:
            return
        self._over = True
        if self._node is not None:
            self._node.running.pop(id(self), None)
        # The news travels a little: others may be faster.
        clock = self._statement.client.world.clock
        delay_s = self._statement.client.world.rng.choice((0.0, 0.001, 0.5))
        clock.after(delay_s, lambda: self._statement.ended(self._instance, failure))
