"""Admission: a limit, work that goes on, and places that are given back once."""

import threading

import pytest

from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.errors import Unavailable
from flightkeeper.flightsql.headers import Reason


def test_a_full_node_says_so_and_when_to_come_back() -> None:
    admission = Admission(2)
    first = admission.enter()
    admission.enter()
    with pytest.raises(Unavailable, match="runs 2 statements, which is its limit; nothing") as full:
        admission.enter()
    assert (full.value.reason, full.value.retry_after_ms) == (Reason.OVERLOADED, 200)
    first.release()
    admission.enter()
    assert admission.running == 2


def test_a_place_is_given_back_once() -> None:
    admission = Admission(2)
    slot = admission.enter()
    other = admission.enter()
    slot.release()
    slot.release()
    assert admission.running == 1
    other.release()
    assert admission.running == 0


def test_two_threads_giving_one_place_back_count_as_one() -> None:
    admission = Admission(100)
    for _ in range(50):
        slot = admission.enter()
        threads = [threading.Thread(target=slot.release) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert admission.running == 0


def test_a_closed_node_lets_only_old_work_go_on() -> None:
    admission = Admission(1)
    admission.enter()
    admission.close()
    admission.close()
    with pytest.raises(Unavailable, match="leaving; nothing was run, use another node") as leaving:
        admission.enter()
    assert (leaving.value.reason, leaving.value.retry_after_ms) == (Reason.DRAINING, None)
    admission.enter(continues=True)
    assert admission.running == 2


def test_the_end_is_told_from_a_drain() -> None:
    admission = Admission(1)
    admission.close()
    assert not admission.ended
    admission.end()
    assert admission.ended
    for continues in (False, True):
        with pytest.raises(Unavailable):
            admission.enter(continues=continues)


def test_who_waits_for_others_holds_no_place() -> None:
    admission = Admission(1)
    slot = admission.enter()
    with admission.aside() as check:
        check()
        assert admission.running == 1
        other = admission.enter()
        with pytest.raises(Unavailable, match="1 statements wait on this node"), admission.aside():
            pass
        other.release()
        admission.close()
        with pytest.raises(Unavailable, match="leaving"):
            check()
    assert admission.running == 1
    slot.release()
    assert admission.running == 0
