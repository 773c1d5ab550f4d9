"""One statement's way over the nodes, with operations that fail on order."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from flightkeeper.client.attempts import Attempt, Attempts, Statement
from flightkeeper.client.control import Control
from flightkeeper.client.errors import (
    AuthenticationFailed,
    NoNodeAvailable,
    OutcomeUnknown,
    SessionLost,
    StatementCancelled,
    StatementFailed,
    StatementTimeout,
)
from flightkeeper.client.failover import OVERLOADED_ATTEMPTS_MAX, StatementKind
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.pool import Pool
from flightkeeper.client.router import Router
from flightkeeper.discovery.topology import Listed
from tests.client.channels import IdleChannel
from tests.client.instances import instance

NODES = [instance(name) for name in "abcde"]


class Fixture:
    """Attempts over five nodes; every call of an operation takes the next outcome."""

    def __init__(self, login: Login | None = None) -> None:
        self.asked: list[tuple[str, StatementKind]] = []
        self.pauses: list[float] = []
        self.channel = IdleChannel()
        self.loads = Loads(lambda: 0.0)
        pool = Pool(lambda _instance: self.channel, self.loads, lambda: 0.0)
        self.login = login or Login(None, None)
        self.router = Router(
            "s", pool, self.loads, lambda *_: None, clock_s=lambda: 0.0, rng=Random(1)
        )
        self.router._on_membership(Listed(tuple(NODES), 0.0))
        self.attempts = Attempts(self.router, pool, self.login, Random(2), self.pauses.append)

    def run(
        self, *outcomes: Kind | str, kind: StatementKind = StatementKind.READ, sent: bool = True
    ) -> str:
        remaining = list(outcomes)

        def operation(attempt: Attempt) -> str:
            self.asked.append((attempt.lease.instance.node_id, attempt.kind))
            attempt.settings(runs=sent)
            outcome = remaining.pop(0)
            if isinstance(outcome, Kind):
                raise CallFailed(Failure(outcome, outcome.name.lower()))
            return outcome

        result = self.attempts.run(Statement("id", kind), operation)
        assert not remaining
        return result

    def nodes(self) -> list[str]:
        return [node_id for node_id, _ in self.asked]


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_the_first_success_is_the_result(fixture: Fixture) -> None:
    assert fixture.run("done") == "done"
    assert len(fixture.asked) == 1


def test_a_read_may_try_every_node_once(fixture: Fixture) -> None:
    assert fixture.run(*[Kind.BROKEN] * 4, "done") == "done"
    assert sorted(fixture.nodes()) == ["a", "b", "c", "d", "e"]


def test_when_all_fail_each_says_why(fixture: Fixture) -> None:
    with pytest.raises(NoNodeAvailable) as caught:
        fixture.run(*[Kind.BROKEN, Kind.NOT_SENT, Kind.DRAINING, Kind.BROKEN, Kind.NOT_SENT])
    assert sorted(caught.value.reasons) == ["a", "b", "c", "d", "e"]
    assert set(caught.value.reasons.values()) == {"broken", "not_sent", "draining"}
    assert (caught.value.attempts, caught.value.statement_id) == (5, "id")
    assert isinstance(caught.value.__cause__, CallFailed)


def test_overload_is_tried_three_times_with_growing_pauses(fixture: Fixture) -> None:
    with pytest.raises(NoNodeAvailable):
        fixture.run(*[Kind.OVERLOADED] * OVERLOADED_ATTEMPTS_MAX)
    assert len(set(fixture.nodes())) == OVERLOADED_ATTEMPTS_MAX
    assert [pause <= limit for pause, limit in zip(fixture.pauses, [0.1, 0.2], strict=True)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("again", [True, False])
def test_a_lost_write_is_looked_up_where_its_rows_can_be_sent(
    fixture: Fixture, *, again: bool
) -> None:
    shared = [replace(node, lake="one") for node in NODES]
    fixture.router._on_membership(Listed(tuple(shared), 1.0))
    asked: list[bool] = []

    def operation(attempt: Attempt) -> str:
        asked.append(attempt.sent_before)
        if attempt.sent_before:
            return "looked up"
        attempt.sent, attempt.again = True, again
        raise CallFailed(Failure(Kind.BROKEN, "gone"))

    statement = Statement("id", StatementKind.WRITE)
    if again:
        assert fixture.attempts.run(statement, operation) == "looked up"
        assert asked == [False, True]
    else:
        with pytest.raises(OutcomeUnknown):
            fixture.attempts.run(statement, operation)
        assert asked == [False]


def test_what_costs_nothing_does_not_pause(fixture: Fixture) -> None:
    fixture.run(Kind.NOT_SENT, Kind.DRAINING, Kind.BROKEN, "done")
    assert fixture.pauses == []


def test_a_life_that_is_over_is_not_gone_back_to(fixture: Fixture) -> None:
    seen: list[tuple[str, StatementKind]] = []

    def operation(attempt: Attempt) -> str:
        seen.append((attempt.lease.instance.incarnation, attempt.kind))
        if len(seen) > 1:
            return "done"
        restarted = tuple(instance(node.node_id, "two") for node in NODES)
        fixture.router._on_membership(Listed(restarted, 0.0))
        raise CallFailed(Failure(Kind.NOT_READ_ONLY, ""))

    assert fixture.attempts.run(Statement("id", StatementKind.READ), operation) == "done"
    assert seen == [("one", StatementKind.READ), ("two", StatementKind.WRITE)]


def test_what_is_not_a_read_is_run_by_the_same_node_as_a_write(fixture: Fixture) -> None:
    with pytest.raises(OutcomeUnknown):
        fixture.run(Kind.NOT_READ_ONLY, Kind.BROKEN)
    (first, as_read), (second, as_write) = fixture.asked
    assert first == second
    assert (as_read, as_write) == (StatementKind.READ, StatementKind.WRITE)


def test_a_write_moves_on_only_when_it_was_surely_not_run(fixture: Fixture) -> None:
    assert fixture.run(Kind.NOT_SENT, "done", kind=StatementKind.WRITE) == "done"
    assert fixture.run(Kind.BROKEN, "done", kind=StatementKind.WRITE, sent=False) == "done"
    with pytest.raises(OutcomeUnknown):
        fixture.run(Kind.BROKEN, kind=StatementKind.WRITE)


def test_the_nodes_answer_ends_it(fixture: Fixture) -> None:
    with pytest.raises(StatementFailed, match="refused"):
        fixture.run(Kind.REFUSED)
    assert len(fixture.asked) == 1


def test_every_lease_is_given_back(fixture: Fixture) -> None:
    fixture.run(Kind.BROKEN, Kind.NOT_SENT, "done")
    with pytest.raises(StatementFailed):
        fixture.run(Kind.REFUSED)
    assert not any(fixture.loads.in_flight(node.node_id) for node in NODES)


def test_a_kept_lease_is_the_results(fixture: Fixture) -> None:
    statement = Statement("id", StatementKind.READ)
    lease = fixture.attempts.run(statement, lambda attempt: attempt.lease, keep=True)
    assert fixture.loads.in_flight(lease.instance.node_id) == 1
    lease.release()


def test_a_defect_gives_the_lease_back(fixture: Fixture) -> None:
    def defect(_attempt: Attempt) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fixture.attempts.run(Statement("id", StatementKind.READ), defect, keep=True)
    assert not any(fixture.loads.in_flight(node.node_id) for node in NODES)


def test_failures_reach_the_nodes_health(fixture: Fixture) -> None:
    fixture.run(Kind.NOT_SENT, "done")
    states = {status.instance.node_id: status.health for status in fixture.router.nodes()}
    assert [node_id for node_id, state in states.items() if state == "open"] == fixture.nodes()[:1]


def test_a_pinned_statement_has_one_node(fixture: Fixture) -> None:
    statement = Statement("id", StatementKind.TRANSACTION, pinned=NODES[2])
    with pytest.raises(SessionLost) as caught:
        fixture.attempts.run(statement, failing(Kind.BROKEN))
    assert caught.value.node == "c"


def test_a_deadline_in_the_past_asks_nobody(fixture: Fixture) -> None:
    statement = Statement("id", StatementKind.READ, deadline_s=0.0)
    with pytest.raises(StatementTimeout, match="no time was left"):
        fixture.attempts.run(statement, lambda attempt: attempt.settings())
    assert fixture.channel.calls == []


def test_no_node_at_all() -> None:
    fixture = Fixture()
    fixture.router._on_membership(Listed((), 0.0))
    for node in NODES:
        fixture.router.report(node, Failure(Kind.NOT_SENT, ""))
    fixture.router._routes = type(fixture.router.routes)()
    with pytest.raises(NoNodeAvailable, match="nothing was run"):
        fixture.run("done")


def test_a_token_that_ended_is_renewed_once_on_the_same_node() -> None:
    fixture = Fixture(Login("me", "pw"))
    fixture.login.header(fixture.channel)
    assert fixture.run(Kind.UNAUTHENTICATED, "done") == "done"
    assert len(set(fixture.nodes())) == 1
    assert [call[0] for call in fixture.channel.calls] == ["login", "login"]
    with pytest.raises(AuthenticationFailed):
        fixture.run(Kind.UNAUTHENTICATED, Kind.UNAUTHENTICATED)


def test_a_wrong_password_is_sent_once() -> None:
    fixture = Fixture(Login("me", "pw"))
    fixture.channel.outcomes = [Failure(Kind.UNAUTHENTICATED, "wrong password")]
    with pytest.raises(AuthenticationFailed, match="wrong password"):
        fixture.run("done")
    assert len(fixture.channel.calls) == 1


def test_a_login_that_found_no_node_tries_the_next() -> None:
    fixture = Fixture(Login("me", "pw"))
    fixture.channel.outcomes = [Failure(Kind.BROKEN, "gone")]
    assert fixture.run("done", kind=StatementKind.WRITE) == "done"
    assert len(set(fixture.nodes())) == 2


def test_the_retry_budget_ends_repetition(fixture: Fixture) -> None:
    while fixture.router.may_retry():
        pass
    with pytest.raises(NoNodeAvailable):
        fixture.run(Kind.BROKEN)
    assert fixture.run(Kind.NOT_SENT, Kind.DRAINING, "done") == "done"


def failing(kind: Kind) -> Callable[[Attempt], None]:
    def operation(attempt: Attempt) -> None:
        attempt.settings(runs=True)
        raise CallFailed(Failure(kind, "words"))

    return operation


def asking(fixture: Fixture, statement: Statement, *outcomes: Kind | str) -> str:
    """Run a statement; every call takes the next outcome."""
    remaining = list(outcomes)

    def operation(attempt: Attempt) -> str:
        fixture.asked.append((attempt.lease.instance.node_id, attempt.kind))
        attempt.settings(runs=True)
        outcome = remaining.pop(0)
        if isinstance(outcome, Kind):
            raise CallFailed(Failure(outcome, outcome.name.lower()))
        return outcome

    return fixture.attempts.run(statement, operation)


def test_a_preferred_node_is_asked_first_and_only_once(fixture: Fixture) -> None:
    statement = Statement("id", StatementKind.READ, preferred=instance("d"))
    assert asking(fixture, statement, *[Kind.NOT_SENT] * 4, "done") == "done"
    assert fixture.nodes()[0] == "d"
    assert sorted(fixture.nodes()) == ["a", "b", "c", "d", "e"]


def test_what_must_be_a_read_is_not_run_as_a_write(fixture: Fixture) -> None:
    statement = Statement("id", StatementKind.READ, read_only=True)
    with pytest.raises(StatementFailed, match="not_read_only"):
        asking(fixture, statement, Kind.NOT_READ_ONLY)
    assert len(fixture.asked) == 1


def test_cancelled_between_two_nodes_no_other_is_asked(fixture: Fixture) -> None:
    statement = Statement("id", StatementKind.READ)

    def operation(attempt: Attempt) -> str:
        attempt.statement.control._cancelled = True
        raise CallFailed(Failure(Kind.BROKEN, "gone"))

    with pytest.raises(StatementCancelled, match="cancelled by its caller") as caught:
        fixture.attempts.run(statement, operation)
    assert (caught.value.attempts, caught.value.statement_id) == (1, "id")
    assert statement.control.attempts == 1


def test_cancelled_just_before_a_node_is_asked_it_is_not_asked(fixture: Fixture) -> None:
    class CancelledMeanwhile(Control):
        def asks(self, node: str, stop: Callable[[], object]) -> None:
            # There is no call yet that this could stop.
            self.cancel()
            super().asks(node, stop)

    with pytest.raises(StatementCancelled, match="nothing was run"):
        asking(fixture, Statement("id", StatementKind.WRITE, control=CancelledMeanwhile()))
    assert fixture.asked == []
    assert not any(fixture.loads.in_flight(node.node_id) for node in NODES)


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        (StatementKind.READ, Kind.CANCELLED, StatementCancelled),
        (StatementKind.READ, Kind.REFUSED, StatementCancelled),
        (StatementKind.WRITE, Kind.CANCELLED, OutcomeUnknown),
        (StatementKind.WRITE, Kind.REFUSED, StatementFailed),
    ],
)
def test_what_a_node_says_of_the_end_of_a_cancelled_statement(
    fixture: Fixture, kind: StatementKind, said: Kind, expected: type[Exception]
) -> None:
    statement = Statement("id", kind)

    def operation(attempt: Attempt) -> str:
        attempt.settings(runs=True)
        attempt.statement.control._cancelled = True
        raise CallFailed(Failure(said, "the node's words"))

    with pytest.raises(expected) as caught:
        fixture.attempts.run(statement, operation)
    assert type(caught.value) is expected
