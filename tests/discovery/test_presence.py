"""What is known of a registration."""

import threading

import pytest

from flightkeeper.discovery.errors import DuplicateNode
from flightkeeper.discovery.presence import Presence


def test_nothing_is_claimed_at_first() -> None:
    presence = Presence()
    assert not presence.active
    assert not presence.wait(0)


def test_a_waiter_is_woken() -> None:
    presence = Presence()
    outcome: list[bool] = []
    waiter = threading.Thread(target=lambda: outcome.append(presence.wait(10)))
    waiter.start()
    presence.confirm()
    waiter.join(10)
    assert outcome == [True]


def test_doubt_takes_the_claim_back() -> None:
    presence = Presence()
    presence.confirm()
    presence.doubt()
    assert not presence.active
    assert not presence.wait(0)


def test_a_refusal_is_raised_until_it_is_overcome() -> None:
    presence = Presence()
    presence.refuse(DuplicateNode("taken"))
    with pytest.raises(DuplicateNode, match="taken"):
        presence.wait(0)
    presence.confirm()
    assert presence.wait(0)


def test_withdrawn_is_final() -> None:
    presence = Presence()
    assert not presence.wait_withdrawn(0)
    presence.finish()
    presence.confirm()
    assert presence.withdrawn
    assert not presence.active
    assert not presence.wait(0)
    assert presence.wait_withdrawn(0)
