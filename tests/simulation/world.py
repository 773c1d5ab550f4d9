"""The simulated world: a clock, nodes that fail in many ways, and what calls to them end with.

Everything that happens is drawn from one seed, so a run can be repeated. Time is a heap of events.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

from flightkeeper.client.failures import Failure, Kind
from flightkeeper.discovery.records import Instance, NodeState

SILENCE_S = 2.4
"""After which a call to a node that stopped is given up (see `transport.CHANNEL_OPTIONS`)."""
CONNECT_S = 1.0
"""After which an attempt to connect to a host that drops packets is given up."""

NEVER = float("inf")


class Clock:
    """Simulated time, and what is to happen when."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._order = count()
        self._due: list[tuple[float, int, Callable[[], object]]] = []

    def __call__(self) -> float:
        return self.now_s

    def after(self, delay_s: float, what: Callable[[], object]) -> None:
        """Let something happen later."""
        heappush(self._due, (self.now_s + delay_s, next(self._order), what))

    def run(self, until_s: float) -> None:
        """Let everything happen that is due by then."""
        while self._due and self._due[0][0] <= until_s:
            self.now_s, _, what = heappop(self._due)
            what()
        self.now_s = until_s


@dataclass(eq=False)
class Node:
    """A node: what it is, and what is wrong with it.

    Attributes:
        cut: by client, until when packets between it and the node are dropped.
        well_since_s: since when nothing is wrong with it; for all clients alike.
        running: calls in progress, each a function that breaks it.
    """

    node_id: str
    zone: str
    life: int = 1
    alive: bool = True
    listed: bool = True
    state: NodeState = NodeState.UP
    frozen: bool = False
    full: bool = False
    lossy: bool = False
    cut: dict[int, float] = field(default_factory=dict)
    well_since_s: float = 0.0
    running: dict[int, Callable[[], object]] = field(default_factory=dict)

    @property
    def record(self) -> Instance:
        """As the registry has it."""
        location = f"grpc://{self.node_id}:1"
        return Instance(
            "flights", self.node_id, location, str(self.life), state=self.state, zone=self.zone
        )

    @property
    def well(self) -> bool:
        """Nothing is wrong with it, as far as it is concerned."""
        up = self.alive and self.listed and self.state is NodeState.UP
        return up and not (self.frozen or self.full or self.lossy)

    def cut_from(self, client: int, now_s: float) -> bool:
        """Whether packets between them are dropped."""
        return self.cut.get(client, 0.0) > now_s


@dataclass(frozen=True)
class End:
    """How a call will end.

    Attributes:
        after_s: and when.
        failure: None = well.
        ran: the statement was run, whatever the caller is told.
    """

    after_s: float
    failure: Failure | None
    ran: bool = False


_DRAINING = End(0.002, Failure(Kind.DRAINING, "leaving", 2000))
_FULL = End(0.002, Failure(Kind.OVERLOADED, "full", 500))


class World:
    """The nodes, and calls to them."""

    def __init__(self, rng: Random, nodes: int, zones: tuple[str, ...] = ("",)) -> None:
        self.rng = rng
        self.clock = Clock()
        self.nodes = {
            node_id: Node(node_id, zones[number % len(zones)])
            for number, node_id in enumerate(f"n{number:03}" for number in range(nodes))
        }

    def call(self, instance: Instance, client: int, *, read_only_refused: bool) -> End:
        """What a call that starts now will come to, if nothing else happens meanwhile."""
        node = self.nodes.get(instance.node_id)
        if node is None or not node.alive:
            return End(0.001, Failure(Kind.NOT_SENT, "refused"))
        if node.cut_from(client, self.clock.now_s):
            return End(CONNECT_S, Failure(Kind.NOT_SENT, "no answer"))
        if node.frozen:
            ran = self.rng.random() < 0.1  # the kernel had taken it, and it wakes up later
            return End(SILENCE_S, Failure(Kind.BROKEN, "silent"), ran)
        if node.state is NodeState.DRAINING or node.full:
            return _DRAINING if node.state is NodeState.DRAINING else _FULL
        if read_only_refused:
            return End(0.002, Failure(Kind.NOT_READ_ONLY, "it writes"))
        return self._served(node)

    def _served(self, node: Node) -> End:
        takes_s = self.rng.choice((0.01, 0.05, 0.2, 1.0, 4.0))
        if node.lossy and self.rng.random() < 0.4:
            return End(takes_s, Failure(Kind.BROKEN, "lost"), ran=self.rng.random() < 0.5)
        return End(takes_s, None, ran=True)

    def probe(self, instance: Instance, client: int) -> Failure | None:
        """How a sign of life is answered; takes no time here."""
        end = self.call(instance, client, read_only_refused=False)
        silent = end.failure is not None and end.failure.kind is Kind.BROKEN
        return Failure(Kind.TIMED_OUT, "silent") if silent else end.failure

    def note(self, node: Node) -> None:
        """Something about a node has changed; it is well from now on, or not."""
        node.well_since_s = self.clock.now_s if node.well else NEVER
