"""What to do about a node's znode, given what was found there: decisions only, no I/O.

Theory. An ephemeral belongs to a session, a record to an incarnation, and the two part company:
after a kill and a quick restart the znode of the dead predecessor is still there, and would
vanish under us if we adopted it. So only a znode of our own session is kept; one of ours from an
earlier session, or of a dead node, is replaced in one transaction; and one of a living other
node is left alone. Who was displaced while registered yields: else two nodes with one id would
throw each other out for ever.
"""

from dataclasses import dataclass
from enum import Enum, auto

from flightkeeper.discovery.errors import MalformedRecord
from flightkeeper.discovery.records import Instance, decode
from flightkeeper.discovery.zookeeper.znodes import Znode


class Claim(Enum):
    """What to do about the znode."""

    CREATE = auto()
    KEEP = auto()
    WRITE = auto()
    REPLACE = auto()
    PROBE = auto()
    YIELD = auto()


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who wants the znode.

    Attributes:
        data: the record as it should be.
        session_id: the session that would hold it.
        held_before: whether this incarnation was registered already.
    """

    instance: Instance
    data: bytes
    session_id: int
    held_before: bool


def decide(claimant: Claimant, found: Znode | None, *, alive: bool | None = None) -> Claim:
    """What to do about the znode.

    Args:
        claimant: who wants it.
        found: what is there now.
        alive: what a probe of the other node said; None before it was probed.
    """
    if found is None:
        return Claim.CREATE
    other = _read(found.data)
    if other is None:
        return Claim.REPLACE
    if other.incarnation == claimant.instance.incarnation:
        if found.owner != claimant.session_id:
            return Claim.REPLACE
        return Claim.KEEP if found.data == claimant.data else Claim.WRITE
    if found.owner == claimant.session_id:
        return Claim.REPLACE
    return _contend(claimant, other, alive=alive)


def holder(found: Znode | None) -> Instance | None:
    """The node whose record is there; None when there is none that can be read."""
    return None if found is None else _read(found.data)


def _contend(claimant: Claimant, other: Instance, *, alive: bool | None) -> Claim:
    """What to do about the record of another incarnation in another session."""
    if other.location == claimant.instance.location:
        # A port has one owner: who starts here succeeds, who was here before was succeeded.
        return Claim.YIELD if claimant.held_before else Claim.REPLACE
    if alive is None:
        return Claim.PROBE
    return Claim.YIELD if alive else Claim.REPLACE


def _read(data: bytes) -> Instance | None:
    try:
        return decode(data)
    except MalformedRecord:
        return None
