"""How evenly many routers load their nodes: python -m benchmarks.balance.

A simulation with the real selection and the real loads, and nodes that are queues: 8 nodes with 4
slots, one of them four times slower, heavy-tailed statements, 70 % of what the nodes can do. The
bound is a router that knows at every moment what every node has to do.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import exp, log
from random import Random
from statistics import median

from flightkeeper.client.loads import Loads
from flightkeeper.client.picker import Picker, build
from flightkeeper.client.router import ASK_S
from flightkeeper.client.selection import Hints, LoadOf, plan
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Listed, Topology

NODES = 8
SLOTS = 4
SLOWER = 4.0
UTILIZATION = 0.7
ROUTERS = 40
STATEMENTS = 30_000
_MEDIAN_S = 0.55
_SIGMA = 1.2
_MEAN_S = _MEDIAN_S * exp(_SIGMA**2 / 2.0)


@dataclass
class _Queue:
    """A node: slots, and who waits for one."""

    pace: float
    running: int = 0
    waiting: deque[Callable[[], None]] = field(default_factory=deque)

    @property
    def load(self) -> int:
        return self.running + len(self.waiting)


class Service:
    """Nodes and routers in simulated time."""

    def __init__(self, seed: int, routers: int, keys: int) -> None:
        """Make it.

        Args:
            keys: how many different affinities statements have; 0 = none has one.
        """
        self.rng = Random(seed)
        self.now_s = 0.0
        self.queues = {f"n{n}": _Queue(SLOWER if n == 0 else 1.0) for n in range(NODES)}
        self.times_s: list[float] = []
        self._keys = keys
        self._order = count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._loads = [Loads(lambda: self.now_s) for _ in range(routers)]
        self._picker = _picker()

    def run(self, load_of: Callable[["Service", Loads], LoadOf], statements: int) -> list[float]:
        """The time that each statement took, in order."""
        capacity = SLOTS * (NODES - 1 + 1.0 / SLOWER)
        rate = UTILIZATION * capacity / _MEAN_S
        at_s = 0.0
        for _ in range(statements):
            at_s += self.rng.expovariate(rate)
            self._at(at_s, lambda: self._arrive(load_of))
        for loads in self._loads:
            self._at(self.rng.uniform(0.0, ASK_S), partial(self._tick, loads, at_s))
        while self._due:
            self.now_s, _, what = heappop(self._due)
            what()
        return sorted(self.times_s)

    def _tick(self, loads: Loads, until_s: float) -> None:
        """What the router's clock does about loads, once a second."""
        loads.fade(self.queues)
        node_id = loads.oldest(self.queues)
        loads.report(node_id, self.queues[node_id].load)
        if self.now_s < until_s:
            self._at(self.now_s + ASK_S, partial(self._tick, loads, until_s))

    def _at(self, at_s: float, what: Callable[[], None]) -> None:
        heappush(self._due, (at_s, next(self._order), what))

    def _arrive(self, load_of: Callable[["Service", Loads], LoadOf]) -> None:
        loads = self.rng.choice(self._loads)
        hints = Hints(affinity=f"t{self.rng.randrange(self._keys)}") if self._keys else Hints()
        node_id = next(plan(self._picker, load_of(self, loads), self.rng, hints)).node_id
        loads.entered(node_id)
        queue = self.queues[node_id]
        began_s = self.now_s

        def start() -> None:
            # A node answers a plan, with its load, when the statement has its slot.
            loads.report(node_id, queue.load)
            takes_s = self.rng.lognormvariate(log(_MEDIAN_S), _SIGMA) * queue.pace
            self._at(self.now_s + takes_s, end)

        def end() -> None:
            loads.left(node_id)
            self.times_s.append(self.now_s - began_s)
            if queue.waiting:
                queue.waiting.popleft()()
            else:
                queue.running -= 1

        if queue.running < SLOTS:
            queue.running += 1
            start()
        else:
            queue.waiting.append(start)


def _picker() -> Picker:
    records = tuple(Instance("flights", f"n{n}", "grpc://h:1", "one") for n in range(NODES))
    return build(Topology().apply(Listed(records, 0.0)), {})


def blind(_service: Service, _loads: Loads) -> LoadOf:
    """Knows no load."""
    return lambda _node_id: 0.0


def own(_service: Service, loads: Loads) -> LoadOf:
    """Knows what it sent itself."""
    return loads.in_flight


def router(_service: Service, loads: Loads) -> LoadOf:
    """What the router knows: own and reported."""
    return loads.of


def perfect(service: Service, _loads: Loads) -> LoadOf:
    """Knows everything."""
    return lambda node_id: service.queues[node_id].load


SIGNALS: Mapping[str, Callable[[Service, Loads], LoadOf]] = {
    "none": blind,
    "own": own,
    "router": router,
    "perfect": perfect,
}


def percentiles(
    signal: str, seed: int, *, routers: int = ROUTERS, statements: int = STATEMENTS, keys: int = 0
) -> tuple[float, float, float]:
    """p50, p95 and p99 of the statements' times, in seconds."""
    times_s = Service(seed, routers, keys).run(SIGNALS[signal], statements)
    p50, p95, p99 = (times_s[int(len(times_s) * share)] for share in (0.5, 0.95, 0.99))
    return p50, p95, p99


def main() -> None:
    """Print a table; each figure is the median of five seeds."""
    for keys in (0, 200):
        print(f"\n{ROUTERS} routers, " + (f"{keys} affinity keys" if keys else "no affinity"))
        for signal in SIGNALS:
            runs = [percentiles(signal, seed, keys=keys) for seed in range(5)]
            shown = "  ".join(f"{median(column):8.2f}" for column in zip(*runs, strict=True))
            print(f"{signal:>8}  {shown}")


if __name__ == "__main__":
    main()
