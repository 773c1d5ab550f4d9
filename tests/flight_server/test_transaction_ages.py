"""How long transactions have been open."""

from dataclasses import dataclass

from flightkeeper.flight_server.transaction_ages import TransactionAges


@dataclass
class Connection:
    in_transaction: bool = True
    transactions: int = 1


def test_one_that_is_open_for_too_long_is_overdue() -> None:
    ages, old, young = TransactionAges(), Connection(), Connection()
    assert not ages.overdue([old], 100.0, max_s=10)
    assert not ages.overdue([old, young], 110.0, max_s=10)
    assert ages.overdue([old, young], 110.5, max_s=10) == {id(old)}


def test_the_next_one_begins_anew() -> None:
    ages, connection = TransactionAges(), Connection()
    ages.overdue([connection], 100.0, max_s=10)
    connection.transactions += 1
    assert not ages.overdue([connection], 111.0, max_s=10)
    connection.in_transaction = False
    assert not ages.overdue([connection], 130.0, max_s=10)
    connection.in_transaction = True
    assert not ages.overdue([connection], 131.0, max_s=10)


def test_without_a_limit_none_is_overdue() -> None:
    ages, connection = TransactionAges(), Connection()
    ages.overdue([connection], 0.0, max_s=0)
    assert not ages.overdue([connection], 1e9, max_s=0)
