"""Own and reported load."""

import pytest

from flightkeeper.client.loads import FADING_S, SHOWN_S, Loads

ALL = {"a", "b", "c"}


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loads(clock: Clock) -> Loads:
    return Loads(clock)


def test_own_statements_count_at_once(loads: Loads) -> None:
    loads.entered("a")
    loads.entered("a")
    assert (loads.of("a"), loads.of("b")) == (2, 0)
    assert (loads.in_flight("a"), loads.in_flight("b")) == (2, 0)


def test_a_report_counts_what_is_not_our_own(loads: Loads) -> None:
    loads.entered("a")
    loads.entered("a")
    loads.report("a", 5)
    assert loads.of("a") == 5
    loads.left("a")
    assert loads.of("a") == 4
    assert loads.reported("a") == 5


def test_a_report_that_is_less_than_our_own_says_nothing_of_others(loads: Loads) -> None:
    loads.entered("a")
    loads.entered("a")
    loads.report("a", 1)
    assert loads.of("a") == 2


def test_what_has_left_counts_no_more(loads: Loads) -> None:
    loads.entered("a")
    loads.entered("a")
    loads.left("a")
    assert loads.of("a") == 1
    loads.left("a")
    assert loads.of("a") == 0
    with pytest.raises(KeyError):
        loads.left("a")


def test_old_reports_fade_into_the_average(loads: Loads, clock: Clock) -> None:
    loads.report("a", 9)
    loads.report("b", 3)
    clock.now_s += FADING_S
    loads.fade(ALL)
    assert loads.of("a") == pytest.approx(6.0 + 3.0 * 0.3679, abs=0.001)
    assert loads.of("b") == pytest.approx(6.0 - 3.0 * 0.3679, abs=0.001)
    clock.now_s += 20 * FADING_S
    loads.fade(ALL)
    assert loads.of("a") == pytest.approx(6.0)


def test_who_never_reported_is_average(loads: Loads) -> None:
    loads.report("a", 9)
    loads.report("b", 3)
    loads.fade(ALL)
    assert loads.of("c") == 6.0


def test_nodes_that_are_gone_are_forgotten(loads: Loads) -> None:
    loads.report("a", 9)
    loads.report("b", 3)
    loads.fade({"b"})
    assert loads.reported("a") is None
    assert loads.of("c") == 3.0
    loads.fade(())
    assert loads.of("c") == 0.0


def test_the_oldest_report_is_of_who_never_reported_or_long_ago(loads: Loads, clock: Clock) -> None:
    loads.report("a", 1)
    clock.now_s += 1.0
    loads.report("b", 1)
    assert loads.oldest(["a", "b"]) == "a"
    assert loads.oldest(["a", "b", "c"]) == "c"


def test_a_report_is_shown_for_a_while(loads: Loads, clock: Clock) -> None:
    loads.report("a", 1)
    clock.now_s += SHOWN_S
    assert loads.reported("a") == 1
    clock.now_s += 0.1
    assert loads.reported("a") is None
    assert loads.reported("b") is None
