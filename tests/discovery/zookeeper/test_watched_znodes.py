"""What is known is true, whatever happens to the znodes, the connection and the session."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from flightkeeper.discovery.zookeeper.watched_znodes import WatchedZnodes
from flightkeeper.discovery.zookeeper.znodes import AnswerLost
from tests.discovery.zookeeper.fake_znodes import FakeZnodes

PATHS = [f"/f/{name}" for name in "abcd"]
LOST = AnswerLost("lost")


class Watching(RuleBasedStateMachine):
    """Writers, a registry's thread that comes late to its notes, and a bad network."""

    def __init__(self) -> None:
        super().__init__()
        self.znodes = FakeZnodes()
        self.znodes.put("/f", b"")
        self.notes: list[Callable[[], None]] = []
        self.watched = WatchedZnodes(wake=lambda: None, note=self.notes.append)
        self.number = 0

    @rule(path=st.sampled_from(PATHS))
    def written(self, path: str) -> None:
        self.number += 1
        data = b"%d" % self.number
        if self.znodes.at(path) is None:
            self.znodes.put(path, data)
        else:
            self.znodes.write(path, data, -1)

    @rule(path=st.sampled_from(PATHS))
    def removed(self, path: str) -> None:
        self.znodes.remove(path)

    @rule()
    def connection_lost(self) -> None:
        self.znodes.disconnect()

    @rule()
    def session_lost(self) -> None:
        self.znodes.expire()

    @rule(
        operation=st.sampled_from(["watch_all", "read_all"]), when=st.sampled_from(["before", "in"])
    )
    def call_fails_or_others_come_between(self, operation: str, when: str) -> None:
        happens = LOST if when == "before" else self.znodes.disconnect
        self.znodes.before.setdefault(operation, []).append(happens)

    @rule(path=st.sampled_from(PATHS))
    def written_during_a_call(self, path: str) -> None:
        self.znodes.before.setdefault("read_all", []).append(lambda: self.written(path))

    @rule()
    def noted(self) -> None:
        notes, self.notes[:] = list(self.notes), []
        for note in notes:
            note()

    @rule()
    def run(self) -> None:
        try:
            self.watched.begin(self.znodes)
            found = self.watched.read(self.znodes, PATHS)
        except AnswerLost:
            return
        self.watched.keep(found)

    def teardown(self) -> None:
        """In the end everything is known as it is: what is noted is enough to find it."""
        self.znodes.before.clear()
        while True:
            self.noted()
            self.watched.begin(self.znodes)
            found = self.watched.read(self.znodes, PATHS)
            if not self.notes:
                break
        truth = {path: znode for path in PATHS if (znode := self.znodes.at(path)) is not None}
        assert found == truth


Watching.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestWatching = Watching.TestCase


def test_nothing_is_read_twice_that_did_not_change() -> None:
    znodes, notes = FakeZnodes(), list[Callable[[], None]]()
    watched = WatchedZnodes(wake=lambda: None, note=notes.append)
    for path in PATHS:
        znodes.put(path, b"x")
    for _ in range(3):
        watched.begin(znodes)
        watched.read(znodes, PATHS)
        znodes.disconnect()
    assert znodes.done == ["read_all 4", "watch_all 4", "watch_all 4"]
    assert not notes


def test_in_another_session_nothing_is_taken_for_granted() -> None:
    znodes = FakeZnodes()
    watched = WatchedZnodes(wake=lambda: None, note=lambda note: note())
    znodes.put(PATHS[0], b"x")
    for _ in range(2):
        watched.begin(znodes)
        watched.read(znodes, PATHS)
        znodes.expire()
    assert znodes.done == ["read_all 4", "read_all 4"]


def test_a_connection_lost_while_watches_are_set_leaves_them_to_be_set() -> None:
    znodes = FakeZnodes()
    watched = WatchedZnodes(wake=lambda: None, note=lambda note: note())
    znodes.put(PATHS[0], b"x")
    watched.begin(znodes)
    watched.read(znodes, PATHS[:1])
    znodes.disconnect()
    znodes.before["watch_all"] = [LOST]
    with pytest.raises(AnswerLost):
        watched.begin(znodes)
    znodes.put(PATHS[0], b"y")
    watched.begin(znodes)
    assert watched.read(znodes, PATHS[:1])[PATHS[0]].data == b"y"
