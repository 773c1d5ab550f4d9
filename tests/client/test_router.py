"""The router: fed by a registry, probing by a function, its clock in the test's hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from flightkeeper.client.errors import NoNodeAvailable
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.pool import HEARTBEAT_S
from flightkeeper.client.router import ABSENT_PROBE_S, ASK_S, REGISTRY_PATIENCE_S
from flightkeeper.client.saved_topology import SavedTopology
from flightkeeper.client.transport import Channel
from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.topology import Listed, Unreachable
from tests.client.channels import IdleChannel
from tests.client.instances import instance
from tests.client.still_router import StillRouter

A, B, C = instance("a"), instance("b"), instance("c")
LOST = Failure(Kind.NOT_SENT, "refused")


@pytest.fixture
def fixture() -> StillRouter:
    return StillRouter()


def test_the_registry_feeds_the_plan(fixture: StillRouter) -> None:
    fixture.start(A, B)
    assert fixture.planned() == {"a", "b"}
    fixture.registry.listener(Unreachable(fixture.now_s))
    assert fixture.planned() == {"a", "b"}
    fixture.registry.listener(Listed((A, B, C), fixture.now_s))
    assert fixture.planned() == {"a", "b", "c"}


def test_waiting_ends_when_the_first_node_is_known(fixture: StillRouter) -> None:
    fixture.start(A)
    fixture.router.wait_for_nodes(0.0)


def test_waiting_in_vain_says_why(fixture: StillRouter) -> None:
    fixture.start()
    with pytest.raises(NoNodeAvailable, match="registry did not answer within 0 s"):
        fixture.router.wait_for_nodes(0.0)
    fixture.registry.listener(Listed((), fixture.now_s))
    with pytest.raises(NoNodeAvailable, match="no node of service 'flights' is registered"):
        fixture.router.wait_for_nodes(0.0)


def test_reports_change_health_and_order(fixture: StillRouter) -> None:
    fixture.start(A, B, C)
    fixture.router.report(A, None)
    fixture.router.report(A, Failure(Kind.TIMED_OUT, ""))
    assert fixture.health()["a"] == "closed"
    fixture.router.report(A, LOST)
    assert fixture.health() == {"a": "open", "b": "closed", "c": "closed"}
    assert [node.node_id for node in fixture.router.plan()][-1] == "a"
    fixture.router.report(A, None)
    assert fixture.health()["a"] == "closed"


def test_a_half_open_node_is_probed_once_and_closed(fixture: StillRouter) -> None:
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
def test_a_silent_probe_opens_again(fixture: StillRouter, kind: Kind) -> None:
    fixture.start(A, B, C)
    fixture.silent["a"] = Failure(kind, "")
    fixture.router.report(A, LOST)
    fixture.tick(1.2)
    assert fixture.probed == [("a", False)]
    assert fixture.health()["a"] == "open"


def test_a_refused_probe_is_an_answer(fixture: StillRouter) -> None:
    fixture.start(A, B, C)
    fixture.silent["a"] = Failure(Kind.UNAUTHENTICATED, "who?")
    fixture.router.report(A, LOST)
    fixture.tick(1.2)
    assert fixture.health()["a"] == "closed"


def test_a_probe_settled_meanwhile_does_no_harm(fixture: StillRouter) -> None:
    fixture.start(A, B, C)
    fixture.router.report(A, LOST)
    fixture.router.report(B, LOST)

    def settle(instance: Instance, _channel: object) -> Failure | None:
        fixture.probed.append((instance.node_id, False))
        fixture.router.report(A, None)
        fixture.router.report(B, None)
        return None

    fixture.router._probe = settle
    fixture.tick(1.2)
    assert fixture.health() == {"a": "closed", "b": "closed", "c": "closed"}


def test_an_absent_node_is_routed_until_a_probe_fails(fixture: StillRouter) -> None:
    fixture.start(A, B, C)
    fixture.registry.listener(Listed((A, B), fixture.now_s))
    fixture.tick()
    assert fixture.planned() == {"a", "b", "c"}
    assert [status.absent for status in fixture.router.nodes()] == [False, False, True]
    fixture.silent["c"] = LOST
    fixture.tick()
    assert ("c", False) in fixture.probed
    fixture.tick(1.1 * ABSENT_PROBE_S)
    assert fixture.planned() == {"a", "b"}


def test_a_new_incarnation_is_used_at_once(fixture: StillRouter) -> None:
    fixture.start(A, B, C)
    fixture.router.report(A, LOST)
    back = instance("a", "two")
    fixture.registry.listener(Listed((back, B, C), fixture.now_s))
    assert fixture.health()["a"] == "closed"
    fixture.router.report(A, LOST)
    assert fixture.health()["a"] == "closed"


def test_heartbeats_go_over_the_channel_in_use(fixture: StillRouter) -> None:
    fixture.start(A, B)
    lease = fixture.pool.lease(A)
    fixture.tick(HEARTBEAT_S)
    assert fixture.probed == [("a", True)]
    lease.release()
    fixture.tick(HEARTBEAT_S)
    assert fixture.probed == [("a", True)]


def test_channels_of_nodes_that_left_are_closed(fixture: StillRouter) -> None:
    fixture.start(A, B)
    lease = fixture.pool.lease(A)
    lease.release()
    channel = lease.channel
    assert isinstance(channel, IdleChannel)
    fixture.registry.listener(Listed((instance("a", "two"), B), fixture.now_s))
    fixture.tick()
    assert channel.closed == 1


def test_nodes_show_load(fixture: StillRouter) -> None:
    fixture.start(A, B)
    fixture.pool.lease(A)
    fixture.loads.report("b", 3)
    first, second = fixture.router.nodes()
    assert (first.in_flight, first.reported_load) == (1, None)
    assert (second.in_flight, second.reported_load) == (0, 3)
    fixture.tick(60.0)
    assert fixture.router.nodes()[1].reported_load is None


def test_the_budget_is_shared_and_refilled(fixture: StillRouter) -> None:
    fixture.start(A)
    assert [fixture.router.may_retry() for _ in range(101)] == [True] * 100 + [False]
    fixture.now_s += 1.0
    assert fixture.router.may_retry()


def test_the_list_is_saved_and_a_new_client_starts_from_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved = SavedTopology(tmp_path, "url")
    first = StillRouter(saved)
    first.start(A, B)
    first.tick()
    loaded = saved.load()
    assert loaded is not None
    assert loaded.instances == (A, B)

    second = StillRouter(saved)
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
    fixture = StillRouter(saved)
    fixture.start()
    fixture.registry.listener(Listed((), fixture.now_s))
    fixture.tick(REGISTRY_PATIENCE_S)
    assert fixture.planned() == set()


def test_an_empty_list_is_not_saved(tmp_path: Path) -> None:
    saved = SavedTopology(tmp_path, "url")
    fixture = StillRouter(saved)
    fixture.start(A)
    fixture.tick()
    fixture.registry.listener(Listed((), fixture.now_s))
    fixture.tick(60.0)
    loaded = saved.load()
    assert loaded is not None
    assert loaded.instances == (A,)


def test_nothing_saved_is_no_start(tmp_path: Path) -> None:
    fixture = StillRouter(SavedTopology(tmp_path, "url"))
    fixture.start()
    fixture.tick(REGISTRY_PATIENCE_S)
    assert fixture.planned() == set()


def test_close_ends_watch_registry_and_thread_in_order(fixture: StillRouter) -> None:
    fixture.router.start((), fixture.registry)
    assert fixture.router._thread.is_alive()
    fixture.router.close()
    fixture.router.close()
    assert not fixture.router._thread.is_alive()
    assert fixture.registry.closed[:2] == ["watch", "registry"]


def test_a_defect_does_not_stop_the_clock(
    fixture: StillRouter, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect() -> None:
        fixture.router._closing.set()
        raise ZeroDivisionError

    monkeypatch.setattr("flightkeeper.client.router.TICK_S", 0.0)
    monkeypatch.setattr(fixture.router, "tick", defect)
    fixture.router._run()
    assert "met a defect" in caplog.text


def test_a_plan_does_not_name_who_left_while_it_was_followed(fixture: StillRouter) -> None:
    router = fixture.start(A, B, C)
    plan = router.plan()
    first = next(plan)
    gone = next(node for node in (A, B, C) if node != first)
    draining = replace(gone, state=NodeState.DRAINING)
    rest = tuple(node for node in (A, B, C) if node != gone)
    fixture.registry.listener(Listed((*rest, draining), fixture.now_s))
    fixture.registry.listener(Listed(rest, fixture.now_s))
    assert {node.node_id for node in plan} == {"a", "b", "c"} - {first.node_id, gone.node_id}


def test_a_plan_names_who_came_while_it_was_followed(fixture: StillRouter) -> None:
    router = fixture.start(A)
    plan = router.plan()
    assert next(plan) == A
    fixture.registry.listener(Listed((A, B), fixture.now_s))
    assert list(plan) == [B]


def test_a_life_that_is_over_is_not_known(fixture: StillRouter) -> None:
    router = fixture.start(A)
    assert router.knows(A)
    assert not router.knows(B)
    fixture.registry.listener(Listed((instance("a", "two"),), fixture.now_s))
    assert not router.knows(A)


def test_why_this_node_costs_no_budget(fixture: StillRouter) -> None:
    router = fixture.start(A, B)
    fixture.loads.entered("a")
    before = router._budget
    assert router.explain().lines()[0] == "1. b: the less loaded of two; load 0; a has 1"
    assert router._budget is before


def test_a_node_that_is_asked_for_its_load_and_is_gone_is_ejected(fixture: StillRouter) -> None:
    router = fixture.start(A, B, C)
    fixture.silent = dict.fromkeys("abc", LOST)
    router.plan()
    fixture.tick(ASK_S)
    assert sorted(fixture.health().values()) == ["closed", "closed", "open"]
    assert [in_use for _, in_use in fixture.probed] == [True]
    assert not fixture.loads.in_flight(fixture.probed[0][0])


def test_a_client_that_sends_nothing_asks_nothing(fixture: StillRouter) -> None:
    fixture.start(A, B)
    for _ in range(20):
        fixture.tick()
    assert fixture.probed == []


def test_silent_nodes_do_not_hold_up_the_clock(fixture: StillRouter) -> None:
    nodes = [instance(f"n{number}") for number in range(9)]
    fixture.start(*nodes)
    for node in nodes[:6]:
        fixture.router.report(node, LOST)
    asked: list[str] = []

    def slow(node: Instance, _channel: object) -> Failure:
        asked.append(node.node_id)
        fixture.now_s += 1.0
        return Failure(Kind.TIMED_OUT, "silent")

    fixture.router._probe = slow
    fixture.tick(2.0)
    assert len(asked) == 3
    fixture.tick(0.0)
    assert sorted(asked) == [f"n{number}" for number in range(6)]


def test_all_nodes_are_asked_when_somebody_wants_to_know_now(fixture: StillRouter) -> None:
    router = fixture.start(A, B, C)
    fixture.silent["b"] = Failure(Kind.NOT_SENT, "refused")
    router.check()
    assert sorted(fixture.probed) == [("a", False), ("b", False), ("c", False)]
    assert fixture.health() == {"a": "closed", "b": "open", "c": "closed"}


def test_a_probe_that_meets_a_defect_is_made_again(
    fixture: StillRouter, caplog: pytest.LogCaptureFixture
) -> None:
    fixture.start(A, B, C)
    fixture.router.report(A, LOST)
    fixture.router.report(B, LOST)
    asked: list[str] = []

    def defect(node: Instance, _channel: object) -> Failure | None:
        asked.append(node.node_id)
        raise ValueError(node.location)

    fixture.router._probe = defect
    fixture.tick(2.0)
    assert sorted(asked) == ["a", "b"]
    assert fixture.health() == {"a": "open", "b": "open", "c": "closed"}
    assert "node a for a sign of life met a defect (ValueError)" in caplog.text
    fixture.router._probe = fixture.probe
    fixture.tick(10.0)
    assert fixture.health() == {"a": "closed", "b": "closed", "c": "closed"}


def test_a_heartbeat_that_meets_a_defect_does_not_hold_up_probes(fixture: StillRouter) -> None:
    fixture.start(A, B, C)
    lease = fixture.pool.lease(A)
    fixture.router.report(B, LOST)

    def defect(node: Instance, channel: Channel | None) -> Failure | None:
        if channel is not None:
            raise ZeroDivisionError
        return fixture.probe(node, channel)

    fixture.router._probe = defect
    fixture.tick(HEARTBEAT_S)
    assert fixture.health()["b"] == "closed"
    lease.release()
