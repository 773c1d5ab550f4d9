"""Who is in a cluster, seen through a watch, and how the router shares statements among them.

    python -m examples.membership zk://127.0.0.1:2181/flightkeeper

Starts two nodes and asks them questions, lets a third one join and asks again, stops one and asks
once more. What the watch told, and how many questions each node answered, is printed.
"""

import sys
import threading
from collections.abc import Callable

import flightkeeper.client
from flightkeeper.client import open_cluster
from flightkeeper.discovery.topology import Event, Listed
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.node import Node
from flightkeeper.flight_server.telemetry.logging import configure_logging

_QUESTIONS = 60
_SHARES = """
    SELECT node_id, count(*) AS answered FROM system.query_log
    WHERE text LIKE '%range(1000)%' AND text NOT LIKE '%query_log%' GROUP BY ALL ORDER BY 1"""
_PATIENCE_S = 30


class Members:
    """The nodes that a watch tells of."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._names: tuple[str, ...] = ()

    def hear(self, event: Event) -> None:
        """Told by the registry's thread: who is there now, each time that changes."""
        if isinstance(event, Listed):
            names = tuple(sorted(instance.node_id for instance in event.instances))
            with self._changed:
                if names != self._names:
                    print("members:", ", ".join(names) or "none", flush=True)
                self._names = names
                self._changed.notify_all()

    def wait_for(self, holds: Callable[[tuple[str, ...]], bool]) -> None:
        """Wait until the members are such."""
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self._names), _PATIENCE_S)


def _started(url: str, name: str) -> Node:
    node = Node(NodeSettings(registry=url, insecure=True, node_id=name))
    node.start()
    return node


def _stopped(node: Node) -> None:
    node.stop()
    node.wait()


def main(url: str) -> None:
    """Let nodes come and go, and ask questions meanwhile."""
    configure_logging("warning")
    members = Members()
    nodes = {name: _started(url, name) for name in ("a", "b")}
    scheme, _, rest = url.partition("://")
    try:
        with (
            open_cluster(url) as cluster,
            flightkeeper.client.connect(f"flightsql+{scheme}://{rest}") as connection,
        ):
            cluster.registry.watch("flightsql", members.hear)
            members.wait_for(lambda names: names == ("a", "b"))
            nodes["c"] = _started(url, "c")
            members.wait_for(lambda names: names == ("a", "b", "c"))
            for _ in range(_QUESTIONS):
                connection.query("SELECT sum(range) FROM range(1000)").read_all()
            for row in connection.query(_SHARES).read_all().to_pylist():
                print(f"{row['node_id']} answered {row['answered']}")
            _stopped(nodes.pop("a"))
            members.wait_for(lambda names: names == ("b", "c"))
            connection.query("SELECT sum(range) FROM range(1000)").read_all()
            print("without a, answers go on")
    finally:
        for node in nodes.values():
            _stopped(node)


if __name__ == "__main__":
    main(sys.argv[1])
