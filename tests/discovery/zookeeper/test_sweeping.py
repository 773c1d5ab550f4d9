"""What is left of locks is taken away, and nothing else."""

from collections.abc import Callable
from itertools import repeat

import pytest

from flightkeeper.discovery.errors import RegistryDenied, RegistryError, RegistryUnavailable
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.sweeping import sweep
from flightkeeper.discovery.zookeeper.znodes import AnswerLost, NodeExists
from tests.discovery.zookeeper.fake_znodes import FakeZnodes

PATHS = Paths("/c")


@pytest.fixture
def znodes() -> FakeZnodes:
    made = FakeZnodes()
    for path in ("/c/locks/old", "/c/locks/used", "/c/leaders/old", "/c/settings/cluster"):
        made.create_path(path)
    made.create_sequential("/c/locks/used/x-1-", b"")
    return made


def swept(znodes: FakeZnodes, remaining_s: Callable[[], float] = lambda: 1.0) -> int:
    return sweep(lambda _: znodes, PATHS, remaining_s)


def test_folders_that_nobody_is_in_go(znodes: FakeZnodes) -> None:
    assert swept(znodes) == 2
    assert znodes.at("/c/locks/used") is not None
    assert znodes.at("/c/settings/cluster") is not None
    assert znodes.at("/c/locks/old") is znodes.at("/c/leaders/old") is None
    assert swept(znodes) == 0


def test_a_cluster_without_locks_has_nothing_to_sweep() -> None:
    assert swept(FakeZnodes()) == 0


@pytest.mark.parametrize(
    ("error", "found"),
    [(NodeExists("somebody came"), 1), (RegistryDenied("not ours"), 1), (AnswerLost("done?"), 2)],
)
def test_what_cannot_be_taken_away_stays(
    znodes: FakeZnodes, error: RegistryError, found: int
) -> None:
    znodes.before["delete"] = [error]
    assert swept(znodes) == found
    assert znodes.at("/c/locks/old") is not None


def test_it_ends_in_time(znodes: FakeZnodes) -> None:
    times = iter([1.0, *repeat(0.0, 9)])
    assert swept(znodes, lambda: next(times)) == 0
    with pytest.raises(RegistryUnavailable, match="not swept"):
        sweep(lambda _: None, PATHS, lambda: 1.0)
