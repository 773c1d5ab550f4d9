"""The router: fed by a registry, probing by a function, its clock in the test's hand."""

import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from flightkeeper.client.errors import NoNodeAvailable
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.loads import Loads
from flightkeeper.client.pool import HEARTBEAT_S, Pool
from flightkeeper.client.router import REGISTRY_PATIENCE_S, Router
from flightkeeper.client.saved_topology import SavedTopology
from flightkeeper.client.transport import Channel
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Listener, Watch
from flightkeeper.discovery.topology import Listed, Unreachable
from tests.client.channels import IdleChannel
from tests.client.instances import instance

A, B, C = instance("a"), instance("b"), instance("c")
LOST = Failure(Kind.NOT_SENT, "refused")


class SilentRegistry:
    """A registry that says only what the test says."""

    def __init__(self) -> None:
        self.listener: Listener = lambda _event: None
        self.closed: list[str] = []

    def watch(self, service: str, listener: Listener) -> Watch:
        assert service == "flights"
        self.listener = listener
        return _Watch(lambda: self.closed.append("watch"))

    def close(self) -> None:
        self.closed.append("registry")


class _Watch:
    def __init__(self, on_close: Callable[[], None]) -> None:
        self._on_close = on_close

    def close(self) -> None:
        self._on_close()


class Fixture:
    """A router whose thread never runs: the test calls `tick`."""

    def __init__(self, saved: SavedTopology | None = None) -> None:
        self.now_s = 1000.0
        self.probed: list[tuple[str, bool]] = []
        self.silent: dict[str, Failure | None] = {}
        self.registry = SilentRegistry()
        self.loads = Loads(self.clock)
        self.pool = Pool(lambda _instance: IdleChannel(), self.loads, self.clock)
        self.router = Router(
            "flights",
            self.pool,
            self.loads,
            self.probe,
            saved=saved,
            clock_s=self.clock,
            rng=Random(7),
        )

    def clock(self) -> float:
        return self.now_s

    def probe(self, instance: Instance, channel: Channel | None) -> Failure | None:
        self.probed.append((instance.node_id, channel is not None))
        return self.silent.get(instance.node_id)

    def start(self, *nodes: Instance) -> Router:
        self.router._thread = threading.Thread(target=bool, name="no-clock")
        self.router.start((), self.registry)
        if nodes:
            self.registry.listener(Listed(nodes, self.now_s))
        return self.router

    def tick(self, after_s: float = 0.5) -> None:
        self.now_s += after_s
        self.router.tick()

    def planned(self) -> set[str]:
        return {node.node_id for node in self.router.plan()}

    def health(self) -> dict[str, str]:
        return {status.instance.node_id: status.health for status in self.router.nodes()}


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_the_registry_feeds_the_plan(fixture: Fixture) -> None:
    fixture.start(A, B)
    assert fixture.planned() == {"a", "b"}
    fixture.registry.listener(Unreachable(fixture.now_s))
    assert fixture.planned() == {"a", "b"}
    fixture.registry.listener(Listed((A, B, C), fixture.now_s))
    assert fixture.planned() == {"a", "b", "c"}


def test_waiting_ends_when_the_first_node_is_known(fixture: Fixture) -> None:
    fixture.start(A)
    fixture.router.wait_for_nodes(0.0)


def test_waiting_in_vain_says_why(fixture: Fixture) -> None:
    fixture.start()
    with pytest.raises(NoNodeAvailable, match="registry did not answer within 0 s"):
        fixture.router.wait_for_nodes(0.0)
    fixture.registry.listener(Listed((), fixture.now_s))
    with pytest.raises(NoNodeAvailable, match="no node of service 'flights' is registered"):
        fixture.router.wait_for_nodes(0.0)


def test_reports_change_health_and_order(fixture: Fixture) -> None:
    fixture.start(A, B, C)
    fixture.router.report(A, None)
    fixture.router.report(A, Failure(Kind.TIMED_OUT, ""))
    assert fixture.health()["a"] == "closed"
    fixture.router.report(A, LOST)
    assert fixture.health() == {"a": "open", "b": "closed", "c": "closed"}
    assert [node.node_id for node in fixture.router.plan()][-1] == "a"
    fixture.router.report(A, None)
    assert fixture.health()["a"] == "closed"


def test_a_half_open_node_is_probed_once_and_closed(fixture: Fixture) -> None:
    fixture.start(A, B, C)
    fixture.router.report(A, LOST)
    fixture.tick(0.5)
    assert fixture.probed == []
    fixture.tick(1.0)
    assert fixture.probed == [("a", False)]
    assert fixture.health()["a"] == "closed"
    fixture.tick()
    assert fixture.probed == [("a", False)]


@pytest.mark.parametrize("kind", [Kind.NOT_SENT, Kind.BROKEN, Kind.TIMED_OUT, Kind.INTERNAL])
def test_a_silent_probe_opens_again(fixture: Fixture, kind: Kind) -> None:
    fixture.start(A, B, C)
    fixture.silent["a"] = Failure(kind, "")
    fixture.router.report(A, LOST)
    fixture.tick(1.2)
    assert fixture.probed == [("a", False)]
    assert fixture.health()["a"] == "open"


def test_a_refused_probe_is_an_answer(fixture: Fixture) -> None:
    fixture.start(A, B, C)
    fixture.silent["a"] = Failure(Kind.UNAUTHENTICATED, "who?")
    fixture.router.report(A, LOST)
    fixture.tick(1.2)
    assert fixture.health()["a"] == "closed"


def test_a_probe_settled_meanwhile_does_no_harm(fixture: Fixture) -> None:
    fixture.start(A, B, C)
    fixture.router.report(A, LOST)
    fixture.router.report(B, LOST)

    def settle(instance: Instance, _channel: Channel | None) -> Failure | None:
        fixture.probed.append((instance.node_id, False))
        fixture.router.report(A, None)
        fixture.router.report(B, None)
        return None

    fixture.router._probe = settle
    fixture.tick(1.2)
    assert fixture.health() == {"a": "closed", "b": "closed", "c": "closed"}


def test_an_absent_node_is_routed_until_a_probe_fails(fixture: Fixture) -> None:
    fixture.start(A, B, C)
    fixture.registry.listener(Listed((A, B), fixture.now_s))
    fixture.tick()
    assert fixture.planned() == {"a", "b", "c"}
    assert [status.absent for status in fixture.router.nodes()] == [False, False, True]
    fixture.silent["c"] = LOST
    fixture.tick()
    assert fixture.planned() == {"a", "b"}


def test_a_new_incarnation_is_used_at_once(fixture: Fixture) -> None:
    fixture.start(A, B, C)
    fixture.router.report(A, LOST)
    back = instance("a", "two")
    fixture.registry.listener(Listed((back, B, C), fixture.now_s))
    assert fixture.health()["a"] == "closed"
    fixture.router.report(A, LOST)
    assert fixture.health()["a"] == "closed"


def test_heartbeats_go_over_the_channel_in_use(fixture: Fixture) -> None:
    fixture.start(A, B)
    lease = fixture.pool.lease(A)
    fixture.tick(HEARTBEAT_S)
    assert fixture.probed == [("a", True)]
    lease.release()
    fixture.tick(HEARTBEAT_S)
    assert fixture.probed == [("a", True)]


def test_channels_of_nodes_that_left_are_closed(fixture: Fixture) -> None:
    fixture.start(A, B)
    lease = fixture.pool.lease(A)
    lease.release()
    channel = lease.channel
    assert isinstance(channel, IdleChannel)
    fixture.registry.listener(Listed((instance("a", "two"), B), fixture.now_s))
    fixture.tick()
    assert channel.closed == 1


def test_nodes_show_load(fixture: Fixture) -> None:
    fixture.start(A, B)
    fixture.pool.lease(A)
    fixture.loads.report("b", 3)
    first, second = fixture.router.nodes()
    assert (first.in_flight, first.reported_load) == (1, None)
    assert (second.in_flight, second.reported_load) == (0, 3)
    fixture.tick(10.0)
    assert fixture.router.nodes()[1].reported_load is None


def test_the_budget_is_shared_and_refilled(fixture: Fixture) -> None:
    fixture.start(A)
    assert [fixture.router.may_retry() for _ in range(101)] == [True] * 100 + [False]
    fixture.now_s += 1.0
    assert fixture.router.may_retry()


def test_the_list_is_saved_and_a_new_client_starts_from_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved = SavedTopology(tmp_path, "url")
    first = Fixture(saved)
    first.start(A, B)
    first.tick()
    loaded = saved.load()
    assert loaded is not None
    assert loaded.instances == (A, B)

    second = Fixture(saved)
    second.start()
    second.tick(REGISTRY_PATIENCE_S - 0.1)
    assert second.planned() == set()
    second.tick(0.2)
    assert second.planned() == {"a", "b"}
    assert "starting from a list 0 s old" in caplog.text
    assert not second.router.routes.topology.reachable
    # The registry's first answer replaces the list; who is not in it is absent.
    second.registry.listener(Listed((A, C), second.now_s))
    assert [status.absent for status in second.router.nodes()] == [False, True, False]


def test_an_answer_without_nodes_is_believed_more_than_the_saved_list(tmp_path: Path) -> None:
    saved = SavedTopology(tmp_path, "url")
    saved.save([A], 0.0)
    fixture = Fixture(saved)
    fixture.start()
    fixture.registry.listener(Listed((), fixture.now_s))
    fixture.tick(REGISTRY_PATIENCE_S)
    assert fixture.planned() == set()


def test_an_empty_list_is_not_saved(tmp_path: Path) -> None:
    saved = SavedTopology(tmp_path, "url")
    fixture = Fixture(saved)
    fixture.start(A)
    fixture.tick()
    fixture.registry.listener(Listed((), fixture.now_s))
    fixture.tick(60.0)
    loaded = saved.load()
    assert loaded is not None
    assert loaded.instances == (A,)


def test_nothing_saved_is_no_start(tmp_path: Path) -> None:
    fixture = Fixture(SavedTopology(tmp_path, "url"))
    fixture.start()
    fixture.tick(REGISTRY_PATIENCE_S)
    assert fixture.planned() == set()


def test_close_ends_watch_registry_and_thread_in_order(fixture: Fixture) -> None:
    fixture.router.start((), fixture.registry)
    assert fixture.router._thread.is_alive()
    fixture.router.close()
    fixture.router.close()
    assert not fixture.router._thread.is_alive()
    assert fixture.registry.closed[:2] == ["watch", "registry"]


def test_a_defect_does_not_stop_the_clock(
    fixture: Fixture, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect() -> None:
        fixture.router._closing.set()
        raise ZeroDivisionError

    monkeypatch.setattr("flightkeeper.client.router.TICK_S", 0.0)
    monkeypatch.setattr(fixture.router, "tick", defect)
    fixture.router._run()
    assert "met a defect" in caplog.text
