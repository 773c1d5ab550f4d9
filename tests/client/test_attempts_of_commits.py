"""A COMMIT's way over the nodes: the one that holds the transaction, then those that can tell."""

from dataclasses import replace

import pytest

from flightkeeper.client.attempts import Attempt, Statement
from flightkeeper.client.errors import OutcomeUnknown
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.discovery.topology import Listed
from tests.client.test_attempts import NODES, Fixture


@pytest.mark.parametrize("told", [True, False])
def test_others_are_asked_of_a_lost_commit_if_they_can_tell(*, told: bool) -> None:
    fixture = Fixture()
    shared = [replace(node, lake="one" if node.node_id != "b" else "other") for node in NODES]
    fixture.router._on_membership(Listed(tuple(shared), 1.0))
    asked: list[tuple[str, bool]] = []
    losses: list[str] = []

    def operation(attempt: Attempt) -> str:
        asked.append((attempt.lease.instance.node_id, attempt.sent_before))
        if len(asked) == 3:
            return "told"
        attempt.settings(runs=True)
        raise CallFailed(Failure(Kind.BROKEN, "gone"))

    statement = Statement(
        *("id", StatementKind.COMMIT),
        pinned=shared[0],
        told=told,
        on_loss=lambda: losses.append("lost"),
    )
    if told:
        assert fixture.attempts.run(statement, operation) == "told"
        assert asked[0] == ("a", False)
        assert {before for _, before in asked[1:]} == {True}
        assert not {"a", "b"} & {node_id for node_id, _ in asked[1:]}
        assert len(losses) == 2
    else:
        with pytest.raises(OutcomeUnknown):
            fixture.attempts.run(statement, operation)
        assert (asked, losses) == ([("a", False)], ["lost"])


def test_whoever_was_sent_a_commit_can_tell_as_well() -> None:
    fixture = Fixture()
    only = replace(NODES[0], lake="one")
    fixture.router._on_membership(Listed((only,), 1.0))
    asked: list[bool] = []

    def operation(attempt: Attempt) -> str:
        asked.append(attempt.sent_before)
        if attempt.sent_before:
            return "told"
        attempt.settings(runs=True)
        raise CallFailed(Failure(Kind.BROKEN, "the way there is gone"))

    statement = Statement("id", StatementKind.COMMIT, pinned=only)
    assert fixture.attempts.run(statement, operation) == "told"
    assert asked == [False, True]
