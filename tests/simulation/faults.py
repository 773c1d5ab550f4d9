"""What goes wrong in the simulated world, and how it is put right again.

Each fault is a function of the world that starts it and schedules its end. Registry faults say
what clients are told instead of the truth.
"""

from collections.abc import Callable

from flightkeeper.discovery.records import Instance, NodeState
from tests.simulation.world import Node, World

SESSION_S = 10.0
"""After which a registry notices that a node has died."""


class Registry:
    """What clients are told: the records of nodes, or a lie."""

    def __init__(self, world: World, tell: Callable[[tuple[Instance, ...] | None], None]) -> None:
        """Make it.

        Args:
            tell: called with each list of records; None = the registry cannot be reached.
        """
        self._world = world
        self._tell = tell
        self.lie: Callable[[tuple[Instance, ...]], tuple[Instance, ...] | None] | None = None

    def publish(self) -> None:
        """Tell the clients how it is now."""
        truth = tuple(node.record for node in self._world.nodes.values() if node.listed)
        self._tell(self.lie(truth) if self.lie else truth)

    def break_for(self, seconds: float) -> None:
        """Lie for a while."""
        rng = self._world.rng
        rogue = Instance("flights", f"rogue{rng.randrange(3)}", "grpc://nowhere:1", "1")
        kept = rng.random()
        drawn = rng.getrandbits(30)

        def some(truth: tuple[Instance, ...]) -> tuple[Instance, ...]:
            return tuple(r for n, r in enumerate(truth) if hash((drawn, n)) % 100 < kept * 100)

        self.lie = rng.choice(
            (
                lambda _truth: (),
                some,
                lambda truth: (*truth, rogue),
                lambda _truth: (rogue,),
                lambda _truth: None,
            )
        )
        self.publish()
        self._world.clock.after(seconds, self.mend)

    def mend(self) -> None:
        """Tell the truth again."""
        self.lie = None
        self.publish()


class Faults:
    """Breaks nodes, links and the registry."""

    def __init__(self, world: World, registry: Registry, clients: int) -> None:
        self._world = world
        self._registry = registry
        self._clients = clients
        self._kinds = (
            *(self._kill, self._kill, self._kill_unnoticed, self._drain, self._freeze),
            self._unlist,
            *(self._cut, self._fill, self._fill_all, self._lose, self._break_registry),
        )

    def strike(self) -> None:
        """Let one thing go wrong."""
        node = self._world.rng.choice(list(self._world.nodes.values()))
        self._world.rng.choice(self._kinds)(node)

    def mend(self) -> None:
        """Put everything right."""
        now_s = self._world.clock.now_s
        self._registry.lie = None
        for node in self._world.nodes.values():
            node.frozen = node.full = node.lossy = False
            node.cut = {client: min(until_s, now_s) for client, until_s in node.cut.items()}
            if not (node.alive and node.listed and node.state is NodeState.UP):
                self._revive(node)
            elif node.well_since_s > now_s:
                self._world.note(node)
        self._registry.publish()

    def _die(self, node: Node) -> None:
        node.alive = False
        self._world.note(node)
        running, node.running = node.running, {}
        for break_it in running.values():
            break_it()

    def _kill(self, node: Node) -> None:
        if node.alive:
            self._die(node)
            rng, life = self._world.rng, node.life
            self._world.clock.after(rng.uniform(0.0, SESSION_S), lambda: self._forget(node, life))
            self._world.clock.after(rng.uniform(0.5, 25.0), lambda: self._back(node, life))

    def _kill_unnoticed(self, node: Node) -> None:
        """Dead and up again before the registry has noticed."""
        if node.alive:
            self._die(node)
            self._world.clock.after(0.3, lambda: self._revive(node))

    def _forget(self, node: Node, life: int) -> None:
        if node.life == life and not node.alive:
            node.listed = False
            self._registry.publish()

    def _back(self, node: Node, life: int) -> None:
        if node.life == life and not node.alive:
            self._revive(node)

    def _revive(self, node: Node) -> None:
        if node.alive:
            self._die(node)
        node.life += 1
        node.alive = node.listed = True
        node.state = NodeState.UP
        node.frozen = node.full = node.lossy = False
        self._world.note(node)
        self._registry.publish()

    def _drain(self, node: Node) -> None:
        if node.alive and node.state is NodeState.UP:
            node.state = NodeState.DRAINING
            self._world.note(node)
            self._registry.publish()
            life = node.life
            self._world.clock.after(
                self._world.rng.uniform(0.5, 5.0), lambda: self._leave(node, life)
            )

    def _leave(self, node: Node, life: int) -> None:
        if node.life == life and node.alive:
            node.listed = False
            self._registry.publish()
            self._die(node)
            self._world.clock.after(
                self._world.rng.uniform(0.5, 10.0), lambda: self._back(node, life)
            )

    def _unlist(self, node: Node) -> None:
        """The registry loses a node that serves on."""
        if node.well:
            node.listed, life = False, node.life
            self._world.note(node)
            self._registry.publish()
            seconds = self._world.rng.uniform(5.0, 40.0)
            self._world.clock.after(seconds, lambda: self._list(node, life))

    def _list(self, node: Node, life: int) -> None:
        if node.life == life and node.alive and not node.listed:
            node.listed = True
            self._world.note(node)
            self._registry.publish()

    def _freeze(self, node: Node) -> None:
        self._for_a_while(node, "frozen")

    def _fill(self, node: Node) -> None:
        self._for_a_while(node, "full")

    def _fill_all(self, _node: Node) -> None:
        for node in self._world.nodes.values():
            self._for_a_while(node, "full")

    def _lose(self, node: Node) -> None:
        self._for_a_while(node, "lossy")

    def _for_a_while(self, node: Node, what: str) -> None:
        if not node.alive or getattr(node, what):
            return
        setattr(node, what, True)
        self._world.note(node)
        life = node.life

        def end() -> None:
            if node.life == life and getattr(node, what):
                setattr(node, what, False)
                self._world.note(node)

        self._world.clock.after(self._world.rng.uniform(1.0, 20.0), end)

    def _cut(self, node: Node) -> None:
        rng = self._world.rng
        until_s = self._world.clock.now_s + rng.uniform(1.0, 15.0)
        for client in range(self._clients):
            if rng.random() < 0.5:
                node.cut[client] = until_s

    def _break_registry(self, _node: Node) -> None:
        self._registry.break_for(self._world.rng.uniform(1.0, 30.0))
