"""Own and reported load."""

import pytest

from flightkeeper.client.loads import REPORT_TRUSTED_S, Loads


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_own_statements_and_reports_add_up() -> None:
    loads = Loads(Clock())
    loads.entered("a")
    loads.entered("a")
    loads.report("a", 5)
    loads.report("b", 2)
    assert (loads.of("a"), loads.of("b"), loads.of("c")) == (7, 2, 0)
    assert (loads.in_flight("a"), loads.reported("a")) == (2, 5)
    assert (loads.in_flight("b"), loads.reported("c")) == (0, None)


def test_what_has_left_counts_no_more() -> None:
    loads = Loads(Clock())
    loads.entered("a")
    loads.entered("a")
    loads.left("a")
    assert loads.of("a") == 1
    loads.left("a")
    assert loads.of("a") == 0
    with pytest.raises(KeyError):
        loads.left("a")


def test_old_reports_are_forgotten() -> None:
    clock = Clock()
    loads = Loads(clock)
    loads.report("a", 5)
    clock.now_s += REPORT_TRUSTED_S
    loads.report("b", 1)
    loads.expire()
    assert loads.of("a") == 5
    clock.now_s += 0.1
    loads.expire()
    assert (loads.of("a"), loads.of("b")) == (0, 1)
