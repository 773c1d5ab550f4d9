"""Agreement against scripted znodes."""

from collections.abc import Callable
from itertools import chain, repeat

import pytest

from flightkeeper.discovery.documents import Document, DocumentChanged
from flightkeeper.discovery.errors import OutcomeUnknown, RegistryDenied, RegistryUnavailable
from flightkeeper.discovery.locks import LockLost
from flightkeeper.discovery.zookeeper.documents import Write, agree, read, write
from flightkeeper.discovery.zookeeper.lock import ZooKeeperHold
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
    assert znodes.at("/keys") is not None


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


def put(znodes: Znodes | None, version: int | None, looks: int = 5) -> Document:
    change = Write(b"mine", version, own=True)
    return write(lambda _: znodes, "/settings/cluster", change, ticks(looks))


@pytest.mark.parametrize("version", [None, 0])
def test_a_lost_answer_to_a_write_is_cleared_up_by_reading_back(version: int | None) -> None:
    znodes = FakeZnodes()
    if version is not None:
        znodes.put("/settings/cluster", b"before")
    operation = "create" if version is None else "write"
    znodes.lose_answer[operation] = [AnswerLost("lost")]
    written = put(znodes, version)
    assert written == Document(b"mine", 0 if version is None else 1)
    assert znodes.done.count(operation) == 1


def test_who_comes_second_is_told_what_is_there() -> None:
    znodes = FakeZnodes()
    znodes.before["create"] = [lambda: znodes.put("/settings/cluster", b"theirs")]
    with pytest.raises(DocumentChanged) as refused:
        put(znodes, None)
    assert refused.value.found == Document(b"theirs", 0)
    znodes.before["write"] = [lambda: znodes.write("/settings/cluster", b"again", 0)]
    with pytest.raises(DocumentChanged, match="version 1"):
        put(znodes, 0)


def test_without_an_answer_it_is_said_whether_it_may_have_been_written() -> None:
    with pytest.raises(RegistryUnavailable, match="nothing was written"):
        put(None, None)
    znodes = FakeZnodes()
    znodes.before["create"] = [AnswerLost("lost")] * 9
    with pytest.raises(OutcomeUnknown, match="may have been written: read it"):
        put(znodes, None)


def test_reading_asks_again_until_it_is_answered() -> None:
    znodes = FakeZnodes()
    znodes.put("/settings/cluster", b"a")
    znodes.before["read"] = [AnswerLost("lost")] * 2
    assert read(lambda _: znodes, "/settings/cluster", ticks(5)) == Document(b"a", 0)
    for nobody in (None, znodes):
        znodes.before["read"] = [AnswerLost("lost")] * 9
        with pytest.raises(RegistryUnavailable, match="did not answer in time"):
            read(lambda _, nobody=nobody: nobody, "/settings/cluster", ticks(3))  # type: ignore[misc]


def test_a_guarded_write_needs_its_hold() -> None:
    znodes, hold = FakeZnodes(), ZooKeeperHold("etl", leave=lambda: None, clock=lambda: 0)
    znodes.put("/locks/etl/x-0", b"")
    hold.confirm("/locks/etl/x-0", 1, 0, 10.0)

    def put_guarded(version: int | None) -> Document:
        change = Write(b"mine", version, hold, own=True)
        return write(lambda _: znodes, "/tables/t", change, ticks(5))

    assert put_guarded(None) == Document(b"mine", 0)
    znodes.lose_answer["write_guarded"] = [AnswerLost("lost")]
    assert put_guarded(0) == Document(b"mine", 1)
    with pytest.raises(DocumentChanged):
        put_guarded(0)
    znodes.remove("/locks/etl/x-0")
    with pytest.raises(LockLost, match="etl was lost; /tables/t was not written"):
        put_guarded(1)
    hold.end()
    with pytest.raises(LockLost, match="no longer held"):
        put_guarded(1)
    stored = znodes.at("/tables/t")
    assert stored is not None
    assert stored.version == 1
