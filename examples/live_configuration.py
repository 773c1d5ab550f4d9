"""The configuration of a query engine kept in the registry, and changed under running queries.

    python -m examples.live_configuration zk://127.0.0.1:2181/flightkeeper

Starts a node, keeps it busy, and changes its threads for the whole cluster: the queries go on, and
the node has the new number within a second.
"""

import sys
import time

import flightkeeper.client
from flightkeeper.discovery.registry import open_registry
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.live import changing
from flightkeeper.flight_server.node import Node
from flightkeeper.flight_server.telemetry.logging import configure_logging

_THREADS = "SELECT current_setting('threads')::INT AS threads, sum(range) FROM range(1000000)"
_PATIENCE_S = 10


def main(url: str) -> None:
    """Change a setting three times, and say what queries saw."""
    configure_logging("warning")
    node = Node(NodeSettings(registry=url, insecure=True, threads=1))
    node.start()
    registry = open_registry(url)
    scheme, _, rest = url.partition("://")
    try:
        with flightkeeper.client.connect(f"flightsql+{scheme}://{rest}") as connection:
            for threads in (2, 3, 4):
                changing.change(
                    registry, changing.CLUSTER, {"threads": threads},
                    by="the example", at_ms=int(time.time() * 1000),
                )  # fmt: skip
                began_s, asked, seen = time.monotonic(), 0, 0
                while seen != threads:
                    seen = connection.query(_THREADS).read_all().column("threads")[0].as_py()
                    asked += 1
                    assert time.monotonic() - began_s < _PATIENCE_S
                print(f"threads = {threads} after {asked} queries")
        for change in changing.read(registry, changing.CLUSTER).history[-3:]:
            print(f"revision {change.revision}: {dict(change.after)} {changing.told(change)}")
    finally:
        registry.close()
        node.stop()
        node.wait()


if __name__ == "__main__":
    main(sys.argv[1])
