"""One run of the simulation: so many nodes and clients, faults for a while, then peace.

Most seeds are small, because many small worlds find more than a few large ones; every
`FULL_EVERY`th is the full size, 100 nodes and 1,000 clients.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

from flightkeeper.client.picker import Tier
from flightkeeper.discovery.records import Instance
from tests.simulation.client import Client
from tests.simulation.faults import Faults, Registry
from tests.simulation.watching import EJECTION_MAX_S, SPREAD, Violation
from tests.simulation.world import World

FULL_EVERY = 1000
MIDDLE_EVERY = 25
NEWS_MAX_S = 0.5
PEACE_TICK_S = 5.0
PEACE_S = EJECTION_MAX_S * SPREAD + 3.0 * PEACE_TICK_S + 10.0


@dataclass(frozen=True)
class Size:
    """How large a world is, and how long it suffers."""

    nodes: int
    clients: int
    seconds: float
    faults: int
    statements_per_s: float
    tick_s: float = 0.5


@dataclass(frozen=True)
class Outcome:
    """What a run held."""

    size: Size
    statements: int
    repeated: int


def size_of(seed: int) -> Size:
    """The size of a seed's world."""
    rng = Random(seed)
    if seed % FULL_EVERY == 0:
        return Size(100, 1000, 20.0, 25, 0.3, tick_s=1.0)
    if seed % MIDDLE_EVERY == 0:
        return Size(20, 25, 40.0, 20, 0.5)
    if seed % MIDDLE_EVERY == 1:
        return Size(3, 2, 30.0, 8, 25.0)  # enough statements to spend the budget
    return Size(rng.randint(1, 7), rng.randint(1, 3), 40.0, rng.randint(1, 12), 1.5)


def run(seed: int, size: Size | None = None) -> Outcome:
    """Run a seed.

    Raises:
        Violation: an invariant does not hold; the same seed does it again.
    """
    size = size or size_of(seed)
    rng = Random(seed)
    zones = rng.choice((("",), ("",), ("east", "west")))
    world = World(rng, size.nodes, zones)
    clients = [Client(world, number, rng.choice(zones)) for number in range(size.clients)]
    registry = Registry(world, lambda records: _tell(world, clients, records))
    faults = Faults(world, registry, size.clients)
    registry.publish()
    world.clock.run(NEWS_MAX_S)
    for _ in range(size.faults):
        world.clock.after(rng.uniform(0.0, size.seconds), faults.strike)
    for client in clients:
        for at_s in _arrivals(rng, size):
            world.clock.after(at_s, client.begin)
        _tick_for(world, client, size.seconds, size.tick_s)
    world.clock.run(NEWS_MAX_S + size.seconds)
    faults.mend()
    for client in clients:
        _tick_for(world, client, PEACE_S, PEACE_TICK_S)
    world.clock.run(world.clock.now_s + PEACE_S + PEACE_TICK_S)
    for client in clients:
        _all_is_well(world, client)
    return Outcome(
        size,
        sum(client.watch.statements for client in clients),
        sum(client.watch.repeated for client in clients),
    )


def _tell(world: World, clients: list[Client], records: tuple[Instance, ...] | None) -> None:
    """News reach every client after a time of its own, in the order in which they were sent."""
    now_s = world.clock.now_s
    for client in clients:
        client.news_at_s = max(client.news_at_s, now_s + world.rng.uniform(0.0, NEWS_MAX_S))
        world.clock.after(client.news_at_s - now_s, partial(client.told, records))


def _arrivals(rng: Random, size: Size) -> Iterator[float]:
    at_s = rng.expovariate(size.statements_per_s)
    while at_s < size.seconds:
        yield at_s
        at_s += rng.expovariate(size.statements_per_s)


def _tick_for(world: World, client: Client, seconds: float, tick_s: float) -> None:
    end_s = world.clock.now_s + seconds

    def tick() -> None:
        client.tick(tick_s)
        if world.clock.now_s + tick_s <= end_s:
            world.clock.after(tick_s, tick)

    world.clock.after(world.rng.uniform(0.0, tick_s), tick)


def _all_is_well(world: World, client: Client) -> None:
    """After the peace every client uses every node, and knows of no other."""
    routes = client.router.routes
    known = {node_id: m.instance.incarnation for node_id, m in routes.topology.members.items()}
    there = {node.node_id: str(node.life) for node in world.nodes.values()}
    if known != there:
        raise Violation(f"client {client.number} knows {known} and there is {there}")
    against = {
        node_id: seen
        for node_id, seen in routes.health.items()
        if seen.ejected or seen.spared or seen.share < 1.0
    }
    if against or set(routes.picker.groups) - {Tier.PREFERRED, Tier.BEYOND}:
        raise Violation(f"client {client.number} still holds against nodes: {against}")
