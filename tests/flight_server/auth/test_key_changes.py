"""Rotations and revocations, written by several at once and waited for."""

import threading
from dataclasses import replace

import pytest

from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.auth import key_changes, key_ring, revocations
from flightkeeper.flight_server.auth.key_changes import NotSeenByAll
from flightkeeper.flight_server.auth.key_following import REVOKED, RING
from flightkeeper.flight_server.auth.key_ring import MalformedRing, RingRefused
from tests.discovery.backends import instance
from tests.flight_server.wire_client import eventually


def test_a_rotation_takes_over_what_was_agreed_on() -> None:
    registry = MemoryRegistry()
    agreed = key_changes.read_ring(registry)
    assert key_changes.read_ring(registry) == agreed
    published = key_changes.publish(registry, 5.0)
    assert published.current == agreed.current
    assert key_changes.publish(registry, 6.0) == published, "what is published is gone on with"
    assert published.next is not None
    kid = published.next.keys.kid
    ring = key_changes.promote(registry, kid, 7.0, 100.0)
    assert ring.current.keys.kid == kid
    assert key_changes.promote(registry, kid, 8.0, 100.0) == ring
    with pytest.raises(RingRefused, match="taken away meanwhile"):
        key_changes.promote(registry, "other", 8.0, 100.0)


def test_many_at_once_lose_nothing() -> None:
    registry = MemoryRegistry()
    threads = [
        threading.Thread(target=key_changes.revoke_login, args=(registry, f"s{number}", 5.0))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    found = registry.read_document(REVOKED)
    assert found is not None
    assert len(revocations.decode(found.data).logins) == 8
    key_changes.revoke_user(registry, "ada", 4.0, 5.0)
    found = registry.read_document(REVOKED)
    assert found is not None
    assert revocations.decode(found.data).cover("ada", "x", 3.0)


def test_what_is_no_ring_is_not_written_over() -> None:
    registry = MemoryRegistry()
    registry.write_document(RING, b"nonsense", None)
    with pytest.raises(MalformedRing):
        key_changes.publish(registry, 5.0)
    found = registry.read_document(RING)
    assert found is not None
    assert found.data == b"nonsense"


def test_every_living_node_is_waited_for() -> None:
    registry = MemoryRegistry()
    one = registry.register(replace(instance("i1", "n1"), keys=3))
    late = registry.register(instance("i2", "n2"))
    said: list[list[str]] = []
    with pytest.raises(NotSeenByAll, match=r"^service empty \(no node of it is known\), n2$"):
        key_changes.wait_seen(registry, ["analytics", "empty"], 3, 0.0, said.append)
    waiting = threading.Thread(
        target=key_changes.wait_seen, args=(registry, ["analytics"], 3, 30.0, said.append)
    )
    waiting.start()
    eventually(lambda: said == [["n2"]] * len(said) and bool(said))
    late.update(replace(instance("i2", "n2"), keys=3))
    waiting.join(10)
    assert not waiting.is_alive()
    assert one.active


def test_a_registry_that_does_not_answer_is_not_taken_for_an_empty_one() -> None:
    registry = MemoryRegistry()
    registry.go_unreachable()
    with pytest.raises(NotSeenByAll, match="service analytics"):
        key_changes.wait_seen(registry, ["analytics"], 1, 0.0)


def test_the_ring_is_pruned() -> None:
    registry = MemoryRegistry()
    published = key_changes.publish(registry, 5.0)
    assert published.next is not None
    key_changes.promote(registry, published.next.keys.kid, 6.0, 10.0)
    pruned = key_changes.change_ring(registry, lambda ring: key_ring.prune(ring, 16.0))
    assert len(pruned.generations) == 1
    assert key_changes.read_ring(registry) == pruned
