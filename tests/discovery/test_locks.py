"""Locks: what every registry must do with them, the fake included."""

import threading
import time

import pytest

from flightkeeper.discovery.contention import Claim
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import InvalidName, RegistryUnavailable
from flightkeeper.discovery.locks import LockKind, LockLost, LockTimeout
from flightkeeper.discovery.registry import Registry
from tests.discovery.backends import Backend
from tests.discovery.process import Process


def test_one_has_it_at_a_time(backend: Backend) -> None:
    one, two = backend.open(), backend.open()
    first = one.lock("etl")
    assert not first.lost
    first.check()
    for other in (one, two):
        with pytest.raises(LockTimeout, match=r"etl was not to be had .*it is not held"):
            other.lock("etl", 0.3)
    first.release()
    first.release()
    assert first.lost
    with pytest.raises(LockLost, match="take it again"):
        first.check()
    with two.lock("etl", 5) as second:
        assert second.token > first.token
    assert second.lost


def test_names_and_kinds_do_not_meet(backend: Backend) -> None:
    registry = backend.open()
    holds = [
        registry.lock("a", 5),
        registry.lock("b", 5),
        registry.lock("a", 5, kind=LockKind.LEADER),
    ]
    assert not any(hold.lost for hold in holds)
    for name in ("", ".", "a/b", "../a", "x" * 201):
        with pytest.raises(InvalidName):
            registry.lock(name, 0.1)


def test_tokens_only_grow(backend: Backend) -> None:
    registries = [backend.open() for _ in range(3)]
    tokens = []
    for turn in range(9):
        with registries[turn % 3].lock("etl", 5) as hold:
            tokens.append(hold.token)
    assert tokens == sorted(set(tokens))


def test_who_waits_gets_it(backend: Backend) -> None:
    inside, most, entered = [0], [0], []

    def work(registry: Registry) -> None:
        for _ in range(5):
            with registry.lock("etl", 60) as hold:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                entered.append(hold.token)
                inside[0] -= 1

    threads = [threading.Thread(target=work, args=(backend.open(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1]
    assert entered == sorted(set(entered))
    assert len(entered) == 20


def test_the_end_of_a_hold_can_be_waited_for(backend: Backend) -> None:
    hold = backend.open().lock("etl", 5)
    assert not hold.wait_lost(0.05)
    threading.Timer(0.2, hold.release).start()
    assert hold.wait_lost(10)


def test_who_is_told_to_stop_keeps_others_out_until_it_has(backend: Backend) -> None:
    registry = backend.open()
    hold = registry.lock("etl", 5)
    hold.stop()
    hold.stop()
    assert hold.lost
    assert hold.wait_lost(0)
    for other in (registry, backend.open()):
        with pytest.raises(LockTimeout):
            other.lock("etl", 0.5)
    hold.release()
    assert registry.lock("etl", 5).token > hold.token


def test_closing_a_registry_lets_go_of_all(backend: Backend) -> None:
    registry = backend.open()
    hold = registry.lock("etl", 5)
    registry.close()
    assert hold.lost
    assert not backend.open().lock("etl", 10).lost
    with pytest.raises((RegistryUnavailable, LockTimeout)):
        registry.lock("etl", 0.2)


def test_who_waits_hears_that_its_registry_was_closed(backend: Backend) -> None:
    holder, waiter = backend.open(), backend.open()
    hold = holder.lock("etl", 5)
    closing = threading.Timer(0.3, waiter.close)
    closing.start()
    began_s = time.monotonic()
    with pytest.raises(RegistryUnavailable, match=r"closed"):
        waiter.lock("etl", 60)
    assert time.monotonic() - began_s < 20
    closing.join()
    hold.release()
    assert not holder.lock("etl", 5).lost


def test_a_wait_that_is_broken_off_leaves_no_place(backend: Backend) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    registry = backend.open()
    hold = registry.lock("etl", 5)
    with pytest.raises(KeyboardInterrupt):
        registry.lock("etl", 5, check=interrupted)
    hold.release()
    assert not backend.open().lock("etl", 5).lost


def test_a_guarded_write_needs_its_hold(backend: Backend) -> None:
    registry = backend.open()
    hold = registry.lock("etl", 5)
    made = registry.write_document("tables/t", b"a", None, guard=hold)
    assert registry.write_document("tables/t", b"b", made.version, guard=hold) == Document(b"b", 1)
    hold.release()
    with pytest.raises(LockLost):
        registry.write_document("tables/t", b"c", 1, guard=hold)
    with pytest.raises(LockLost):
        registry.write_document("tables/other", b"c", None, guard=hold)
    assert registry.read_document("tables/t") == Document(b"b", 1)
    assert registry.read_document("tables/other") is None


def test_the_lock_of_a_killed_process_comes_free(shared_backend: Backend) -> None:
    process = Process("lock", shared_backend.url, "etl")
    try:
        token = int(process.line())
        with pytest.raises(LockTimeout):
            shared_backend.open().lock("etl", 0.3)
    finally:
        process.kill()
    began_s = time.monotonic()
    with shared_backend.open().lock("etl", 20) as hold:
        assert hold.token > token
    assert time.monotonic() - began_s < shared_backend.ghost_s + 10


def test_who_stands_in_line_is_listed_as_long_as_it_does(backend: Backend) -> None:
    registry, other = backend.open(), backend.open()
    assert registry.lock_places(LockKind.LOCK) == ()
    with registry.lock("b", 5) as b, registry.lock("a", 5) as a:
        found = other.lock_places(LockKind.LOCK)
        assert [(each.name, each.position, each.held) for each in found] == [
            ("a", 0, True),
            ("b", 0, True),
        ]
        assert [each.token for each in found] == [a.token, b.token]
        assert other.lock_places(LockKind.LEADER) == ()
        waiter = threading.Thread(target=lambda: other.lock("a", 30).release())
        waiter.start()
        while len(line := [p for p in registry.lock_places(LockKind.LOCK) if p.name == "a"]) < 2:
            pass
        assert [(each.position, each.held) for each in line] == [(0, True), (1, False)]
        a.release()
        waiter.join(30)
    assert registry.lock_places(LockKind.LOCK) == ()
    with registry.lock("duty", 5, kind=LockKind.LEADER):
        (leader,) = other.lock_places(LockKind.LEADER)
        assert leader.name == "duty"


def test_several_that_hold_it_are_listed_with_their_claims(backend: Backend) -> None:
    registry = backend.open()
    claim = Claim(permits=2)
    with registry.lock("s", 5, claim=claim), registry.lock("s", 5, claim=claim):
        found = registry.lock_places(LockKind.LOCK)
        assert [(each.claim, each.held) for each in found] == [(claim, True)] * 2


def test_who_stands_in_line_is_not_known_without_an_answer(backend: Backend) -> None:
    registry = backend.open()
    registry.close()
    with pytest.raises(RegistryUnavailable):
        registry.lock_places(LockKind.LOCK, 0.1)
