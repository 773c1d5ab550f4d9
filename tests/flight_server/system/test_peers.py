"""Asking all other nodes at once: whoever does not answer costs nobody anything."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.discovery.topology import Topology
from flightkeeper.flight_server.system.peers import Peers
from tests.flight_server.system.peers_stub import StubLink, StubLinks, instance


@pytest.fixture
def registry() -> Iterator[MemoryRegistry]:
    with closing(MemoryRegistry()) as opened:
        for node in ("n1", "n2", "n3"):
            opened.register(instance(node))
        yield opened


@pytest.fixture
def links() -> StubLinks:
    return StubLinks()


@pytest.fixture
def peers(registry: MemoryRegistry, links: StubLinks) -> Iterator[Peers]:
    with closing(Peers(links)) as made:
        made.follow(registry, instance("n1"))
        yield made


def test_all_others_are_asked(peers: Peers, links: StubLinks) -> None:
    links.answers["n3"] = None
    replies = peers.ask(b"what", "ada")
    assert list(replies) == ["n2", "n3"]
    assert (replies["n2"].answers, replies["n2"].problem) == ((b"yes",), "")
    assert (replies["n3"].answers, replies["n3"].problem) == (None, "it cannot be reached")
    assert links.made["n2", "1"].asked == [(b"what", "ada")]


def test_who_is_late_is_told_as_that_and_the_others_count(peers: Peers, links: StubLinks) -> None:
    peers.ask(b"", "ada")
    late = links.made["n2", "1"]
    late.may_answer.clear()
    replies = peers.ask(b"", "ada", 0.05)
    late.may_answer.set()
    assert (replies["n2"].answers, replies["n2"].problem) == (None, "no answer within 0.05 s")
    assert replies["n3"].answers == (b"yes",)


def test_a_way_is_kept_for_a_life_of_a_node(
    peers: Peers, links: StubLinks, registry: MemoryRegistry
) -> None:
    peers.ask(b"", "ada")
    peers.ask(b"", "ada")
    assert len(links.made) == 2
    registry.drop("n2")
    registry.register(instance("n2", "2"))
    assert links.made["n2", "1"].closed
    peers.ask(b"", "ada")
    assert set(links.made) == {("n2", "1"), ("n3", "1"), ("n2", "2")}


def test_who_vanished_from_the_registry_is_asked_while_its_grace_lasts(
    peers: Peers, registry: MemoryRegistry
) -> None:
    registry.drop("n3")
    assert [other.node_id for other in peers.others] == ["n2", "n3"]


def test_changes_are_told(registry: MemoryRegistry) -> None:
    told: list[tuple[int, int, bool]] = []

    def changed(before: Topology, after: Topology) -> None:
        told.append((len(before.members), len(after.members), after.reachable))

    with closing(Peers(StubLinks())) as peers:
        peers.follow(registry, instance("n1"), changed)
        registry.register(instance("n4"))
        registry.go_unreachable()
    assert told[-2:] == [(3, 4, True), (4, 4, False)]


def test_alone_there_is_nobody_to_ask() -> None:
    with closing(Peers(StubLinks())) as peers:
        assert peers.ask(b"", "ada") == {}


def test_after_its_end_nobody_is_asked_and_no_thread_is_left(
    registry: MemoryRegistry, links: StubLinks
) -> None:
    peers = Peers(links)
    peers.follow(registry, instance("n1"))
    peers.ask(b"", "ada")
    peers.close()
    peers.close()
    assert peers.ask(b"", "ada") == {}
    assert all(link.closed for link in links.made.values())
    assert not [t for t in threading.enumerate() if t.name.startswith("flightkeeper-peers")]
    assert isinstance(links.made["n2", "1"], StubLink)
