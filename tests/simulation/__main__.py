"""Run many seeds of the simulation: python -m tests.simulation --seeds 10000 [--first 0].

A seed that fails is named, and `--seeds 1 --first SEED` does it again.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.running import Outcome, run, size_of
from tests.simulation.watching import Violation

_CHUNK = 20


def main() -> int:
    """Run the seeds, say what they held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    started = time.perf_counter()
    failed = 0
    totals = {"seeds": 0, "statements": 0, "repeated": 0, "nodes": 0, "clients": 0}
    with ProcessPoolExecutor(arguments.processes) as pool:
        for seed, outcome in zip(seeds, pool.map(attempt, seeds, chunksize=_CHUNK), strict=True):
            totals["seeds"] += 1
            if isinstance(outcome, str):
                failed += 1
                print(f"seed {seed} ({size_of(seed)}): {outcome}")
                continue
            totals["statements"] += outcome.statements
            totals["repeated"] += outcome.repeated
            totals["nodes"] += outcome.size.nodes
            totals["clients"] += outcome.size.clients
    seconds = time.perf_counter() - started
    print(f"{failed} of {totals['seeds']} seeds failed in {seconds:.1f} s; {totals}")
    return 1 if failed else 0


def attempt(seed: int) -> Outcome | str:
    """A seed's outcome, or what was violated."""
    try:
        return run(seed)
    except Violation as exc:
        return str(exc)


if __name__ == "__main__":
    sys.exit(main())
