"""How long a statement may run."""

import pytest

from flightkeeper.flight_server.errors import Cancelled, TimedOut
from flightkeeper.flight_server.time_limit import Limit
from tests.flight_server.wire_client import Clock


def test_what_is_stopped_at_its_limit_is_told_so() -> None:
    clock = Clock()
    limit = Limit(1500, clock)
    assert limit.over is not None
    with pytest.raises(Cancelled), limit:
        raise Cancelled("by its caller")
    clock.now_s += 1.5
    assert limit.over()
    with pytest.raises(TimedOut, match="at its time limit of 1500 ms"), limit:
        raise Cancelled("by the watcher")
    with pytest.raises(KeyError), limit:
        raise KeyError


def test_without_a_limit_it_runs_for_ever() -> None:
    limit = Limit(0, Clock())
    assert limit.over is None
    with pytest.raises(Cancelled), limit:
        raise Cancelled("by its caller")
