"""The locks in memory keep their own books; what they promise is in test_locks."""

from flightkeeper.discovery.testing_locks import MemoryLocks


def now() -> float:
    return 0.0


def test_a_late_release_takes_nothing_from_the_next_holder() -> None:
    locks = MemoryLocks()
    first = locks.take("locks/a", now)
    assert first is not None
    assert (first.name, first.token) == ("a", 1)
    assert locks.take("locks/a", now) is None
    first.release()
    second = locks.take("locks/a", now)
    first.release()
    assert second is not None
    assert not second.lost
    assert locks.take("locks/a", now) is None
