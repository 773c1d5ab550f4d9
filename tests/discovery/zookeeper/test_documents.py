"""Agreement against scripted znodes."""

from collections.abc import Callable
from itertools import chain, repeat

import pytest

from flightkeeper.discovery.errors import RegistryDenied, RegistryUnavailable
from flightkeeper.discovery.zookeeper.documents import agree
from flightkeeper.discovery.zookeeper.znodes import AnswerLost, Znodes
from tests.discovery.zookeeper.fake_znodes import FakeZnodes

PATH = "/keys/secret"


def ticks(count: int) -> Callable[[], float]:
    """A deadline that passes after so many looks at it."""
    left = chain(repeat(1.0, count), repeat(0.0))
    return lambda: next(left)


def ask(znodes: Znodes | None, looks: int = 5) -> bytes:
    return agree(lambda _: znodes, PATH, b"mine", ticks(looks))


def test_the_first_proposal_is_stored() -> None:
    znodes = FakeZnodes()
    assert ask(znodes) == b"mine"
    stored = znodes.at(PATH)
    assert stored is not None
    assert (stored.data, stored.owner) == (b"mine", 0)
    parents = znodes.at("/keys")
    assert parents is not None
    assert parents.data == b"PRIVATE"


def test_a_later_proposal_is_not() -> None:
    znodes = FakeZnodes()
    znodes.put(PATH, b"theirs")
    assert ask(znodes) == b"theirs"


def test_another_is_faster() -> None:
    znodes = FakeZnodes()
    znodes.before["create"] = [lambda: znodes.put(PATH, b"theirs")]
    assert ask(znodes) == b"theirs"


def test_a_lost_answer_is_cleared_up_by_reading_back() -> None:
    znodes = FakeZnodes()
    znodes.lose_answer["create"] = [AnswerLost("lost")]
    assert ask(znodes) == b"mine"
    assert znodes.done.count("create") == 1


def test_a_document_that_vanishes_is_proposed_again() -> None:
    znodes = FakeZnodes()
    znodes.before["read"] = [lambda: None, lambda: znodes.remove(PATH)]
    assert ask(znodes) == b"mine"


def test_no_connection_in_time() -> None:
    with pytest.raises(RegistryUnavailable, match="may have been stored"):
        ask(None)


def test_no_answer_in_time_says_why() -> None:
    znodes = FakeZnodes()
    znodes.before["read"] = [AnswerLost("the cable")] * 9
    with pytest.raises(RegistryUnavailable, match="the cable"):
        ask(znodes)


def test_a_refusal_is_not_tried_again() -> None:
    znodes = FakeZnodes()
    znodes.before["read"] = [RegistryDenied("NoAuth")]
    with pytest.raises(RegistryDenied):
        ask(znodes)
    assert znodes.done == ["read"]
