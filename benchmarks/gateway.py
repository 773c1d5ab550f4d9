"""What a gateway that streams results through costs: python -m benchmarks.gateway.

A stream needs nearly as much work of its client as of its node, so where all share two cores the
gateway takes its share from both. Here the node and the client have one core between them, with a
gateway and without one, and the gateway has the other: as on a machine of its own. Takes turns, so
that noise is shared.
"""

import os
import statistics
import tempfile
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

from benchmarks.contenders import Ask, Size, located, passing, serving
from benchmarks.data import CREATE_TABLES, STREAM
from benchmarks.measures import Figures, compared, timed

_CLIENT_AND_NODE = {0}
_GATEWAY = {1}
_WAYS = ("node", "gateway, proxy", "gateway, direct")


def measure(rounds: int) -> Figures:
    """Gigabytes a second of each way, and what part of the node's own that is."""
    keep(os.getpid(), _CLIENT_AND_NODE)
    rates: dict[str, list[float]] = {name: [] for name in _WAYS}
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        registry = f"dir://{home}/registry"
        node = stack.enter_context(serving(":memory:", "--registry", registry))
        proxy = stack.enter_context(passing(registry, "proxy"))
        direct = stack.enter_context(passing(registry, "direct"))
        keep(node.process.pid, _CLIENT_AND_NODE)
        for gateway in (proxy, direct):
            keep(gateway.process.pid, _GATEWAY)
        asks = dict(
            zip(_WAYS, (located(each.location) for each in (node, proxy, direct)), strict=True)
        )
        for statement in CREATE_TABLES:
            asks["node"](statement)
        for number, (name, ask) in zip(range((rounds + 1) * len(asks)), cycle(asks.items())):
            rate = _rate(ask)
            # The first of each opens connections and touches memory for the first time.
            if number >= len(asks):
                rates[name].append(rate)
    own = rates["node"]
    return {
        name: {
            "gigabytes_a_second": statistics.median(found),
            "of_the_node": statistics.median(a / b for a, b in zip(found, own, strict=True)),
        }
        for name, found in rates.items()
    }


def _rate(ask: Ask) -> float:
    sizes: list[Size] = []
    took_s = timed(lambda: sizes.append(ask(STREAM)))
    return sizes[0].bytes / took_s / 1e9


def keep(pid: int, cores: set[int]) -> None:
    """Let a process, with all threads that it has, run on these cores only."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


if __name__ == "__main__":
    compared("Measure a gateway on a core of its own.", 20, measure)
