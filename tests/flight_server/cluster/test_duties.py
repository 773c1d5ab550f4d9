"""Duties of a cluster, one leader each."""

import json
import threading
from collections.abc import Callable

import pytest

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.leading import Work
from flightkeeper.discovery.locks import Hold, LastingHold
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.discovery.testing_store import MemoryStore
from flightkeeper.flight_server.cluster.duties import Duties, every, paced
from tests.flight_server.wire_client import eventually


class Working:
    """Who works on what now, and who did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now: dict[str, list[str]] = {"a": [], "b": []}
        self.most = 0

    def table(self, who: str) -> dict[str, Work]:
        return {duty: self._work(duty, who) for duty in self.now}

    def _work(self, duty: str, who: str) -> Callable[[Hold], None]:
        def work(hold: Hold) -> None:
            with self._lock:
                self.now[duty].append(who)
                self.most = max(self.most, len(self.now[duty]))
            hold.wait_lost(60)
            with self._lock:
                self.now[duty].remove(who)

        return work


def leader(registry: MemoryRegistry, duty: str) -> dict[str, object]:
    found = registry.read_document(f"duties/{duty}")
    assert found is not None
    told: dict[str, object] = json.loads(found.data)
    return told


def test_of_three_nodes_one_does_each_duty_and_another_follows() -> None:
    store, working = MemoryStore(), Working()
    watching = MemoryRegistry(store)
    nodes = {}
    for name in ("n1", "n2", "n3"):
        nodes[name] = Duties(MemoryRegistry(store), working.table(name), lambda: 1.5)
        nodes[name].stand(name)
    tokens: list[object] = []
    while nodes:
        eventually(lambda: all(map(len, working.now.values())), 10)
        told = leader(watching, "a")
        assert working.now["a"] == [told["node"]]
        assert told["since_ms"] == 1500
        tokens.append(told["token"])
        for gone in {names[0] for names in working.now.values()}:
            nodes.pop(gone).close()
    assert working.most == 1
    assert tokens == sorted(set(tokens), key=str)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lead-")]


def test_all_duties_are_told_to_stop_before_one_is_waited_for() -> None:
    both, begun = threading.Barrier(2), []

    def work(hold: Hold) -> None:
        begun.append(hold.name)
        hold.wait_lost(60)
        both.wait(5)

    duties = Duties(MemoryRegistry(), {"a": work, "b": work}, lambda: 0)
    duties.close()
    duties.stand("n1")
    eventually(lambda: len(begun) == 2, 10)
    duties.close()
    duties.close()
    assert not both.broken


def test_a_document_that_others_write_keeps_nobody_from_working() -> None:
    class Contended(MemoryRegistry):
        """Somebody is faster each time."""

        def read_document(self, name: str, timeout_s: float = 10.0) -> Document | None:
            found = super().read_document(name, timeout_s)
            self.store.write(name, b"theirs", None if found is None else found.version)
            return found

    worked = threading.Event()
    registry = Contended()
    duties = Duties(registry, {"a": lambda _: worked.set()}, lambda: 0)
    duties.stand("n1")
    assert worked.wait(10)
    duties.close()


def test_steps_go_on_until_it_is_lost() -> None:
    steps: list[int] = []
    hold = LastingHold("a", 1, lambda: None)

    def step(given: Hold) -> None:
        assert given is hold
        steps.append(1)
        if len(steps) == 1:
            raise RegistryUnavailable("away")
        if len(steps) == 3:
            hold.stop()

    every(0.001, step)(hold)
    assert len(steps) == 3
    every(60, step)(hold)
    assert len(steps) == 3


def test_a_defect_of_a_step_is_not_hidden() -> None:
    def step(_hold: Hold) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        every(1, step)(LastingHold("a", 1, lambda: None))


def test_a_pace_may_change_while_it_is_led(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flightkeeper.flight_server.cluster.duties._LOOK_S", 0.001)
    hold = LastingHold("a", 1, lambda: None)
    # The time, and the pace that holds then.
    moments = iter([(0, 0), (5, 10), (14, 10), (15, 10), (16, 0), (17, 1), (17, 9)])
    now, done = [(0, 0)], []

    def every_s() -> float:
        now[0] = next(moments, (99, 0))
        if now[0][0] == 99:
            hold.stop()
        return now[0][1]

    def step(_hold: Hold) -> None:
        done.append(now[0][0])
        if len(done) == 2:
            raise RegistryUnavailable("it is tried again soon")

    paced(every_s, step, lambda: now[0][0])(hold)
    assert done == [5, 15, 17]
