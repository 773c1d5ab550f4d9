"""Leadership on every registry: one leads at a time, and there is one as long as anybody stands."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from flightkeeper.discovery.leading import Leading
from flightkeeper.discovery.locks import Hold, LockKind, LockLost
from tests.discovery.backends import Backend
from tests.discovery.recorder import eventually


class Duty:
    """What is done by whom, and how many do it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.turns: list[tuple[str, int]] = []

    def by(self, who: str) -> Callable[[Hold], None]:
        def work(hold: Hold) -> None:
            with self._lock:
                self._now += 1
                self.most = max(self.most, self._now)
                self.turns.append((who, hold.token))
            hold.wait_lost(60)
            with self._lock:
                self._now -= 1

        return work


def test_one_leads_and_another_one_follows(backend: Backend) -> None:
    duty = Duty()
    standing = {who: Leading(backend.open(), "repair", duty.by(who)) for who in "abc"}
    left = dict(standing)
    while left:
        turn = 3 - len(left)
        eventually(lambda: len(duty.turns) > turn, 20)  # noqa: B023 - it is called at once
        who, token = duty.turns[-1]
        assert {name: leading.token for name, leading in left.items() if leading.token} == {
            who: token
        }
        left.pop(who).close()
    tokens = [token for _, token in duty.turns]
    assert (duty.most, tokens) == (1, sorted(set(tokens)))
    assert all(leading.token is None for leading in standing.values())


def test_work_that_ends_or_fails_is_taken_up_again(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    turns: list[int] = []

    def work(hold: Hold) -> None:
        turns.append(hold.token)
        if len(turns) == 1:
            raise ValueError("once")
        if len(turns) == 2:
            sys.exit("twice")

    with closing(Leading(backend.open(), "repair", work)):
        eventually(lambda: len(turns) > 3, 20)
    assert turns == sorted(set(turns))
    assert "the work of the duty repair failed" in caplog.text


def test_work_is_told_to_stop(backend: Backend) -> None:
    stopped = threading.Event()

    def work(hold: Hold) -> None:
        try:
            while True:
                hold.check()
                hold.wait_lost(0.01)
        except LockLost:
            stopped.set()
            raise

    registry = backend.open()
    leading = Leading(registry, "repair", work)
    eventually(lambda: leading.token is not None, 10)
    leading.close()
    leading.close()
    assert stopped.is_set()
    assert not any(thread.name == "lead-repair" for thread in threading.enumerate())


def test_who_only_stands_in_line_leaves_it_at_once(backend: Backend) -> None:
    duty = Duty()
    first = Leading(backend.open(), "repair", duty.by("a"))
    eventually(lambda: first.token is not None, 20)
    registry = backend.open()
    second = Leading(registry, "repair", duty.by("b"))
    began_s = time.monotonic()
    second.close()
    assert time.monotonic() - began_s < 3
    assert not any(thread is second._thread for thread in threading.enumerate())
    first.close()
    assert registry.lock("repair", 10, kind=LockKind.LEADER).token > duty.turns[-1][1]
