"""A read that was planned, and whose result is gone when it is fetched."""

import pytest

from flightkeeper.client.attempts import Attempt, Statement
from flightkeeper.client.errors import StatementFailed
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import CallFailed, Failure, Kind
from tests.client.test_attempts import Fixture


def test_a_read_whose_result_is_gone_is_planned_once_more_by_the_same_node() -> None:
    fixture = Fixture()
    assert fetching(fixture, Kind.GONE, "done") == "done"
    assert len(set(fixture.nodes())) == 1
    with pytest.raises(StatementFailed, match="gone"):
        fetching(fixture, Kind.GONE, Kind.GONE)
    # What is gone before that was never planned.
    with pytest.raises(StatementFailed, match="gone"):
        fixture.run(Kind.GONE)
    assert len(fixture.asked) == 5


def fetching(fixture: Fixture, *outcomes: Kind | str) -> str:
    """Run a read whose plan is there each time, and whose fetches take the outcomes."""
    remaining = list(outcomes)

    def operation(attempt: Attempt) -> str:
        fixture.asked.append((attempt.lease.instance.node_id, attempt.kind))
        attempt.settings(runs=True)
        attempt.ran = True
        outcome = remaining.pop(0)
        if isinstance(outcome, Kind):
            raise CallFailed(Failure(outcome, outcome.name.lower()))
        return outcome

    result = fixture.attempts.run(Statement("id", StatementKind.READ), operation)
    assert not remaining
    return result
