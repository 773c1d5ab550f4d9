"""The retry budget."""

from flightkeeper.client.budget import TOKENS_MAX, Budget


def spend(budget: Budget, now_s: float) -> tuple[Budget, int]:
    spent = 0
    while (left := budget.withdraw(now_s)) is not None:
        budget, spent = left, spent + 1
    return budget, spent


def test_a_full_budget_is_ten_seconds_worth() -> None:
    assert spend(Budget(), 0.0)[1] == TOKENS_MAX == 100


def test_ten_flow_in_each_second() -> None:
    empty, _ = spend(Budget(), 0.0)
    assert spend(empty, 2.0)[1] == 20


def test_five_statements_pay_for_one_retry() -> None:
    budget, _ = spend(Budget(), 0.0)
    for _ in range(4):
        budget = budget.deposit()
    assert budget.withdraw(0.0) is None
    assert budget.deposit().withdraw(0.0) is not None


def test_it_never_holds_more_than_its_limit() -> None:
    assert Budget().deposit() == Budget()
    assert spend(Budget(), 1000.0)[1] == TOKENS_MAX


def test_a_clock_that_stands_still_gives_nothing() -> None:
    empty, _ = spend(Budget(at_s=5.0), 5.0)
    assert empty.withdraw(4.0) is None
