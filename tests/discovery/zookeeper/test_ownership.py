"""Whose znode it is."""

import pytest

from flightkeeper.discovery.records import Instance, encode
from flightkeeper.discovery.zookeeper.ownership import Claim, Claimant, decide, holder
from flightkeeper.discovery.zookeeper.znodes import Znode
from tests.discovery.backends import instance

ME = instance("me")
MINE, OTHERS = 5, 6


def found(other: Instance, session_id: int) -> Znode:
    return Znode(encode(other), 0, 1, session_id)


GARBAGE = Znode(b"garbage", 0, 1, OTHERS)
EARLIER_STATE = found(instance("me", location="grpc://old:1"), MINE)
ELSEWHERE = found(instance("other", location="grpc://other:1"), OTHERS)
SAME_PLACE = found(instance("other"), OTHERS)


@pytest.mark.parametrize(
    ("what", "held_before", "alive", "claim"),
    [
        (None, False, None, Claim.CREATE),
        (None, True, None, Claim.CREATE),
        (found(ME, MINE), False, None, Claim.KEEP),
        (EARLIER_STATE, True, None, Claim.WRITE),
        (found(ME, OTHERS), True, None, Claim.REPLACE),
        (found(ME, 0), True, None, Claim.REPLACE),
        (GARBAGE, False, None, Claim.REPLACE),
        (found(instance("before"), MINE), False, None, Claim.REPLACE),
        (SAME_PLACE, False, None, Claim.REPLACE),
        (SAME_PLACE, True, None, Claim.YIELD),
        (ELSEWHERE, False, None, Claim.PROBE),
        (ELSEWHERE, True, None, Claim.PROBE),
        (ELSEWHERE, False, True, Claim.YIELD),
        (ELSEWHERE, False, False, Claim.REPLACE),
        (ELSEWHERE, True, False, Claim.REPLACE),
    ],
)
def test_decide(what: Znode | None, held_before: bool, alive: bool | None, claim: Claim) -> None:  # noqa: FBT001
    claimant = Claimant(ME, encode(ME), MINE, held_before)
    assert decide(claimant, what, alive=alive) is claim


def test_holder() -> None:
    assert holder(None) is None
    assert holder(GARBAGE) is None
    assert holder(found(ME, MINE)) == ME
