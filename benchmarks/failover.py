"""What a node's end costs the reads of a busy client: python -m benchmarks.failover.

Three nodes on machines of their own and a real ZooKeeper, 32 threads that read. Each fault is
inflicted several times; for each the reads that began shortly before it are held against those that
began shortly after it.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from flightkeeper.client import connect
from tests.support.cluster import Cluster, make_database
from tests.support.faults import NODES
from tests.support.hosts import machines
from tests.support.load import Ledger, Load
from tests.support.zookeeper_server import ZooKeeperServer

_THREADS = 32
_SPAN_S = 5.0
_SEED = 5
_VICTIM = "n2"


_Deed = Callable[[Cluster, str], object]
_FAULTS: Mapping[str, tuple[_Deed, _Deed]] = {
    "killed with SIGKILL": (Cluster.kill, Cluster.start),
    "frozen with SIGSTOP": (Cluster.freeze, Cluster.thaw),
    "cut off from the network": (Cluster.cut, Cluster.heal),
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure what failover costs.")
    parser.add_argument("--times", type=int, default=3, help="of each fault")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    figures: dict[str, Mapping[str, float]] = {}
    for fault, figure in measure(arguments.times):
        print(f"{fault}: {', '.join(f'{k} {v:.4g}' for k, v in figure.items())}", flush=True)
        figures[fault] = figure
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure(times: int) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Figures of each fault, in milliseconds."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = home / "shared.duckdb"
        make_database(database)
        place, hosts = stack.enter_context(machines(NODES))
        zookeeper = stack.enter_context(ZooKeeperServer(home / "zookeeper", place=place))
        url = f"{zookeeper.url}/failover"
        cluster = stack.enter_context(Cluster(url, database, hosts=hosts))
        for node_id in NODES:
            cluster.start(node_id)
        for fault, (inflict, mend) in _FAULTS.items():
            before, after = Ledger(), Ledger()
            for _ in range(times):
                # A client that has not seen this node fail before.
                with connect(cluster.url, cache_dir=home / "cache") as connection:
                    load = Load(connection, _THREADS, _SEED, seconds_max=60)
                    load.start()
                    time.sleep(_SPAN_S)
                    at_s = time.monotonic()
                    inflict(cluster, _VICTIM)
                    time.sleep(_SPAN_S + 3)
                    ledger = load.stop()
                mend(cluster, _VICTIM)
                time.sleep(_SPAN_S)
                assert not ledger.failures, ledger.failures[:3]
                assert not ledger.wrong, ledger.wrong[:3]
                before.done += ledger.between(at_s - _SPAN_S + 1, at_s).done
                after.done += ledger.between(at_s - 1, at_s + _SPAN_S).done
            yield fault, _figures(before, after)


def _figures(before: Ledger, after: Ledger) -> Mapping[str, float]:
    return {
        "reads": len(after.done),
        "p50 before": before.quantile_ms(0.5),
        "p50": after.quantile_ms(0.5),
        "p99 before": before.quantile_ms(0.99),
        "p99": after.quantile_ms(0.99),
        "added p99": after.quantile_ms(0.99) - before.quantile_ms(0.99),
        "longest": after.quantile_ms(1.0),
    }


if __name__ == "__main__":
    main()
