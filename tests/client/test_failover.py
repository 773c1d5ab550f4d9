"""The failover table, row by row; scenarios/failover.json is its specification."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from flightkeeper.client.errors import FlightkeeperError, OutcomeUnknown, TransactionUndone
from flightkeeper.client.failover import Progress, StatementKind, Step, decide
from flightkeeper.client.failures import Failure, Kind

SCENARIOS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "scenarios/failover.json").read_text()
)
MAY_HAVE_RUN = {Kind.BROKEN, Kind.INTERNAL, Kind.TIMED_OUT, Kind.CANCELLED}


def name(scenario: dict[str, Any]) -> str:
    return f"{scenario['row']}: {scenario['statement']} {scenario['failure']}"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name)
def test_the_table(scenario: dict[str, Any]) -> None:
    failure = Failure(Kind[scenario["failure"]], "words")
    progress = Progress(**scenario.get("progress", {}))
    decision = decide(failure, progress, StatementKind[scenario["statement"]])
    shown = decision.name if isinstance(decision, Step) else decision.__name__
    assert shown == scenario["outcome"]


@pytest.mark.parametrize("kind", Kind)
def test_every_combination_has_a_decision(kind: Kind) -> None:
    flags = [True, False]
    for statement, sent, ran, delivered, login, budget in product(
        StatementKind, flags, flags, flags, flags, flags
    ):
        progress = Progress(sent, ran, delivered, overloads=1, can_login=login, budget_left=budget)
        decision = decide(Failure(kind, ""), progress, statement)
        assert isinstance(decision, Step) or issubclass(decision, FlightkeeperError)


@pytest.mark.parametrize("kind", sorted(MAY_HAVE_RUN, key=str))
@pytest.mark.parametrize("statement", [StatementKind.WRITE, StatementKind.COMMIT])
def test_what_may_have_changed_something_is_never_repeated(
    kind: Kind, statement: StatementKind
) -> None:
    for login, budget in product([True, False], repeat=2):
        progress = Progress(sent=True, can_login=login, budget_left=budget)
        assert decide(Failure(kind, ""), progress, statement) is OutcomeUnknown


@pytest.mark.parametrize("kind", Kind)
def test_nothing_is_made_of_a_commit_whose_fate_nobody_told(kind: Kind) -> None:
    for sent, login, budget in product([True, False], repeat=3):
        progress = Progress(sent, can_login=login, budget_left=budget, told=True, sent_before=True)
        decision = decide(Failure(kind, ""), progress, StatementKind.COMMIT)
        known = kind is Kind.UNDONE
        assert isinstance(decision, Step) or decision in {OutcomeUnknown, TransactionUndone}
        assert (decision is TransactionUndone) is known


@pytest.mark.parametrize("kind", Kind)
def test_a_write_that_ran_is_never_repeated(kind: Kind) -> None:
    for delivered, login, budget in product([True, False], repeat=3):
        progress = Progress(ran=True, delivered=delivered, can_login=login, budget_left=budget)
        assert decide(Failure(kind, ""), progress, StatementKind.WRITE) is OutcomeUnknown
        decision = decide(Failure(kind, ""), progress, StatementKind.TRANSACTION)
        assert not isinstance(decision, Step)
