"""What all nodes are asked reaches the one that it is about."""

from collections.abc import Sequence

import pytest

from flightkeeper.client.errors import NoNodeAvailable
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.gateway import everywhere
from flightkeeper.client.gateway.channel import NodeChannel
from flightkeeper.client.gateway.everywhere import ask_all, together
from flightkeeper.client.gateway.stoppers import Stoppers
from flightkeeper.client.loads import Loads
from flightkeeper.client.pool import Pool
from tests.client.channels import IdleChannel
from tests.client.instances import instance


def test_the_fullest_answer_is_that_of_who_knew() -> None:
    assert together({"a": [], "b": [b"done"], "c": Kind.REFUSED, "d": Kind.NOT_SENT}) == [b"done"]
    assert together({"a": [], "b": Kind.UNAUTHENTICATED}) == []


@pytest.mark.parametrize("kinds", [(), (Kind.REFUSED,), (Kind.TIMED_OUT, Kind.NOT_SENT)])
def test_nobody_has_done_it(kinds: Sequence[Kind]) -> None:
    assert together({f"n{place}": kind for place, kind in enumerate(kinds)}) is None


def test_a_node_that_does_not_answer_may_go_on() -> None:
    with pytest.raises(NoNodeAvailable, match="of 3 nodes b, c did not answer; what runs there"):
        together({"a": [], "c": Kind.BROKEN, "b": Kind.TIMED_OUT})


def test_every_node_is_asked_and_gets_its_connection_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everywhere, "ALL_TIMEOUT_S", 20)
    loads = Loads(lambda: 0.0)
    pool = Pool(lambda _instance: IdleChannel(), loads, lambda: 0.0)
    stoppers = Stoppers()
    asked: list[object] = []

    def ask(channel: NodeChannel) -> list[bytes]:
        asked.append(channel)
        if len(asked) == 1:
            raise CallFailed(Failure(Kind.REFUSED, "no"))
        return [b"done"]

    try:
        assert ask_all([instance("a"), instance("b")], pool, stoppers, ask) == [b"done"]
    finally:
        stoppers.close()
    assert len(set(map(id, asked))) == 2
    assert not any(slot.leases for slots in pool._slots.values() for slot in slots)
    assert ask_all([instance("a")], pool, stoppers, ask) is None
