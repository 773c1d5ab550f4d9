"""What the fake does beyond the conformance suite: its faults."""

import threading

import pytest

from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.discovery.testing_store import MemoryStore
from flightkeeper.discovery.topology import Event, Listed, Unreachable
from tests.discovery.backends import instance
from tests.discovery.recorder import Recorder


def test_everything_was_heard_when_a_call_returns() -> None:
    heard = Recorder()
    before = threading.active_count()
    registry = MemoryRegistry(clock=lambda: 7.0)
    registry.watch("analytics", heard)
    registration = registry.register(instance("i1"))
    registration.withdraw()
    one = (instance("i1"),)
    assert [e for _, e in heard.heard] == [Listed((), 7.0), Listed(one, 7.0), Listed((), 7.0)]
    assert threading.active_count() == before


def test_drop_is_a_death() -> None:
    heard = Recorder()
    registry = MemoryRegistry()
    registry.watch("analytics", heard)
    registration = registry.register(instance("i1"))
    registry.register(instance("i2", "n2"))
    registry.drop("n1")
    assert heard.incarnations == ["i2"]
    assert not registration.active


def test_away_and_back() -> None:
    store = MemoryStore()
    registry, other = MemoryRegistry(store), MemoryRegistry(store)
    heard, others = Recorder(), Recorder()
    registry.watch("analytics", heard)
    other.watch("analytics", others)
    first = registry.register(instance("i1"))

    registry.go_unreachable()
    assert heard.unreachable
    assert first.active
    second = registry.register(instance("i2", "n2"))
    assert not second.wait(0)
    assert others.incarnations == ["i1"]
    with pytest.raises(RegistryUnavailable):
        registry.agree("secret", b"x")

    registry.come_back()
    assert second.active
    assert heard.incarnations == others.incarnations == ["i1", "i2"]


def test_a_loss_before_the_first_list_is_not_told() -> None:
    heard = Recorder()
    registry = MemoryRegistry()
    registry.go_unreachable()
    registry.watch("analytics", heard)
    registry.go_unreachable()
    assert heard.heard == []
    registry.come_back()
    registry.go_unreachable()
    registry.go_unreachable()
    assert [type(e) for _, e in heard.heard] == [Listed, Unreachable]


def test_a_listener_may_use_the_registry() -> None:
    registry = MemoryRegistry()
    order: list[Event] = []

    def listen(event: Event) -> None:
        if not order:
            registry.register(instance("i1"))
        order.append(event)

    registry.watch("analytics", listen)
    assert [len(e.instances) for e in order if isinstance(e, Listed)] == [0, 1]
