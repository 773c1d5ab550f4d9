"""A node follows the settings of its cluster, the last good ones through everything."""

import threading
from collections.abc import Iterator

import pytest

from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.errors import EngineFailed
from flightkeeper.flight_server.live import changing
from flightkeeper.flight_server.live.changing import CLUSTER, node_document
from flightkeeper.flight_server.live.following import Following
from flightkeeper.flight_server.live.settings import Decision
from tests.flight_server.wire_client import eventually

OWN = NodeSettings(insecure=True, threads=3)


class Node:
    """What a node holds and says."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self.holds = OWN
        self.applied = 0
        self.decided: list[Decision] = []
        self.refuses = 0
        self.following = Following(registry, "n1", OWN, self._apply, self.decided.append)

    def _apply(self, settings: NodeSettings) -> None:
        if settings.threads == self.refuses:
            raise EngineFailed(f"cannot have {settings.threads} threads\nLINE 1")
        self.holds = settings
        self.applied += 1

    @property
    def last(self) -> Decision:
        return self.decided[-1]


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def node(registry: MemoryRegistry) -> Iterator[Node]:
    made = Node(registry)
    yield made
    made.following.close()
    made.following.close()


def put(registry: MemoryRegistry, name: str = CLUSTER, **after: object) -> None:
    changing.change(registry, name, after, by="ada", at_ms=0)


def test_what_is_set_holds_from_the_start(registry: MemoryRegistry, node: Node) -> None:
    put(registry, threads=5)
    assert node.following.start(10)
    assert (node.holds.threads, node.last.cluster, node.last.node) == (5, 1, 0)


def test_changes_are_followed(registry: MemoryRegistry, node: Node) -> None:
    assert node.following.start(10)
    assert (node.holds, node.applied) == (OWN, 0)
    put(registry, threads=5, statements_max=7)
    eventually(lambda: node.holds.threads == 5)
    put(registry, node_document("n1"), threads=6)
    put(registry, node_document("n2"), threads=7)
    eventually(lambda: node.last.node == 1)
    assert (node.holds.threads, node.holds.statements_max) == (6, 7)
    put(registry, node_document("n1"), threads=None)
    put(registry, threads=None, statements_max=None)
    eventually(lambda: node.holds == OWN)


def test_what_cannot_be_leaves_what_held(registry: MemoryRegistry, node: Node) -> None:
    node.refuses = 9
    put(registry, threads=5)
    assert node.following.start(10)
    put(registry, threads=9)
    eventually(lambda: bool(node.last.problem))
    assert node.last == Decision(None, 2, 0, "cannot have 9 threads")
    assert node.holds.threads == 5
    found = registry.read_document(CLUSTER)
    assert found is not None
    registry.write_document(CLUSTER, b"nonsense", found.version)
    eventually(lambda: "no document of settings" in node.last.problem)
    assert node.holds.threads == 5
    registry.write_document(CLUSTER, found.data.replace(b"9", b"4"), found.version + 1)
    eventually(lambda: node.holds.threads == 4)
    assert not node.last.problem


def test_a_defect_does_not_end_the_following(
    registry: MemoryRegistry, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert node.following.start(10)
    with monkeypatch.context() as patch:
        patch.setattr(node.following, "_apply", lambda _: 1 / 0)
        put(registry, threads=5)
        eventually(lambda: "met a defect" in node.last.problem)
    put(registry, threads=6)
    eventually(lambda: node.holds.threads == 6)


def test_without_an_answer_the_own_settings_hold(registry: MemoryRegistry, node: Node) -> None:
    put(registry, threads=5)
    other = MemoryRegistry(registry.store)
    registry.go_unreachable()
    assert not node.following.start(0.05)
    assert node.holds == OWN
    registry.come_back()
    eventually(lambda: node.holds.threads == 5)
    registry.go_unreachable()
    put(other, threads=6)
    assert node.holds.threads == 5
    registry.come_back()
    eventually(lambda: node.holds.threads == 6)


def test_its_thread_ends(node: Node) -> None:
    node.following.start(10)
    node.following.close()
    assert "flightkeeper-settings" not in {thread.name for thread in threading.enumerate()}
