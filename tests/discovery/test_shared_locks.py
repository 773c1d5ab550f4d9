"""Locks that several hold at a time: what every registry must do with them, the fake included."""

import threading
import time
from contextlib import suppress

import pytest

from flightkeeper.discovery.contention import EXCLUSIVE, SHARED, Claim
from flightkeeper.discovery.locks import Hold, LockTimeout
from flightkeeper.discovery.registry import Registry
from tests.discovery.backends import Backend
from tests.discovery.process import Process
from tests.discovery.recorder import eventually

TWO = Claim(permits=2)


def to_be_had(registry: Registry, claim: Claim, timeout_s: float = 0.3) -> bool:
    with suppress(LockTimeout), registry.lock("etl", timeout_s, claim=claim):
        return True
    return False


def test_readers_share_and_a_writer_is_alone(backend: Backend) -> None:
    one, two = backend.open(), backend.open()
    readers = [one.lock("etl", 5, claim=SHARED), two.lock("etl", 5, claim=SHARED)]
    assert not any(reader.lost for reader in readers)
    assert not to_be_had(two, EXCLUSIVE)
    readers.pop().release()
    assert not to_be_had(two, EXCLUSIVE)
    last = readers.pop()
    last.release()
    with two.lock("etl", 5) as writer:
        assert writer.token > last.token
        assert not to_be_had(one, SHARED)
    assert one.lock("etl", 5, claim=SHARED).token > writer.token


def test_readers_do_not_pass_a_writer_that_waits(backend: Backend) -> None:
    holder, writer, late = backend.open(), backend.open(), backend.open()
    reader = holder.lock("etl", 5, claim=SHARED)
    order: list[tuple[str, int]] = []

    def take(who: str, registry: Registry, claim: Claim) -> None:
        with registry.lock("etl", 30, claim=claim) as hold:
            order.append((who, hold.token))

    threads = [threading.Thread(target=take, args=("writer", writer, EXCLUSIVE))]
    threads[0].start()
    eventually(lambda: not to_be_had(late, SHARED), 20)
    threads.append(threading.Thread(target=take, args=("reader", late, SHARED)))
    threads[1].start()
    assert order == []
    reader.release()
    for thread in threads:
        thread.join(30)
    assert [who for who, _ in order] == ["writer", "reader"]
    assert order[0][1] < order[1][1]


def test_a_semaphore_has_so_many_holders(backend: Backend) -> None:
    registries = [backend.open() for _ in range(3)]
    first, second = (each.lock("etl", 5, claim=TWO) for each in registries[:2])
    assert (first.permit, second.permit) == (0, 1)
    assert not to_be_had(registries[2], TWO)
    first.release()
    third = registries[2].lock("etl", 5, claim=TWO)
    assert third.permit == first.permit
    assert third.token > second.token > first.token
    assert not to_be_had(registries[0], TWO)


def test_who_thinks_of_other_permits_waits_for_all_of_them(backend: Backend) -> None:
    one, two = backend.open(), backend.open()
    hold = one.lock("etl", 5, claim=TWO)
    for other in (Claim(permits=3), EXCLUSIVE, SHARED):
        assert not to_be_had(two, other)
    hold.release()
    assert to_be_had(two, Claim(permits=3), 5)


def test_who_waits_for_a_permit_gets_one(backend: Backend) -> None:
    inside: set[int] = set()
    most, tokens = [0], dict[int, list[int]]()
    guard = threading.Lock()

    def work(registry: Registry) -> None:
        for _ in range(4):
            with registry.lock("etl", 60, claim=TWO) as hold:
                enter(hold)
                with guard:
                    inside.discard(hold.permit)

    def enter(hold: Hold) -> None:
        with guard:
            assert hold.permit not in inside
            inside.add(hold.permit)
            most[0] = max(most[0], len(inside))
            tokens.setdefault(hold.permit, []).append(hold.token)

    threads = [threading.Thread(target=work, args=(backend.open(),)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most[0] <= 2
    assert sum(map(len, tokens.values())) == 20
    assert all(each == sorted(set(each)) for each in tokens.values())


def test_the_permit_of_a_killed_process_comes_free(shared_backend: Backend) -> None:
    registry = shared_backend.open()
    process = Process("lock", shared_backend.url, "etl", TWO.code)
    try:
        token = int(process.line())
        mine = registry.lock("etl", 5, claim=TWO)
        assert not to_be_had(registry, TWO)
    finally:
        process.kill()
    began_s = time.monotonic()
    with registry.lock("etl", 20, claim=TWO) as hold:
        assert hold.token > token
        assert hold.permit != mine.permit
    assert time.monotonic() - began_s < shared_backend.ghost_s + 10
    assert not mine.lost


def test_what_is_left_of_locks_is_swept(backend: Backend) -> None:
    one, two = backend.open(), backend.open()
    with one.lock("old", 5):
        assert two.sweep() == 0
    token = one.lock("kept", 5).token
    two.sweep()
    assert two.sweep() == 0
    with one.lock("old", 5) as again:
        assert again.token > 0
        with pytest.raises(LockTimeout):
            two.lock("kept", 0.2)
        two.sweep()
        with pytest.raises(LockTimeout):
            two.lock("old", 0.2)
    assert two.lock("old", 5).token > again.token
    assert token > 0


def test_the_place_of_a_killed_process_is_swept(shared_backend: Backend) -> None:
    registry = shared_backend.open()
    process = Process("lock", shared_backend.url, "old")
    assert int(process.line()) > 0
    assert registry.sweep() == 0
    process.kill()
    eventually(lambda: registry.sweep() == 1, 20)
    assert registry.sweep() == 0
