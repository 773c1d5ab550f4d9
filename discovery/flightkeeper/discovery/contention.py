"""Who of those who stand in line for a lock may hold it: decisions only, no I/O.

Theory. Everybody stands in one line, in the order of asking, and nobody overtakes: so a writer that
waits is not starved by readers that come later. A claim that differs from mine excludes me, like 3
permits of somebody who thinks that there are 5. Permits are taken in the order of the line, each
one by the first that has none yet; so those with a permit are the head of the line, what one of
them has chosen never changes, and two cannot choose the same one. The permit is a resource's handle
to refuse who comes late: of each permit the tokens only grow.

Whoever waits is told for whom, and has to look again only when one of these leaves, or takes a
permit. Places are in the order of the line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

PERMITS_MAX = 256

_SHARED = "s"


@dataclass(frozen=True, slots=True)
class Claim:
    """How a lock is to be held.

    Attributes:
        shared: together with others who say so.
        permits: by so many at a time, who all say the same number.
    """

    shared: bool = False
    permits: int = 1

    def __post_init__(self) -> None:
        """Refuse what nobody could hold."""
        if not 1 <= self.permits <= PERMITS_MAX:
            raise ValueError(f"{self.permits} can not hold a lock: 1 to {PERMITS_MAX} can")
        if self.shared and self.permits > 1:
            raise ValueError("a lock is shared by any number, or has permits, not both")

    @property
    def code(self) -> str:
        """It in a place's name."""
        return _SHARED if self.shared else str(self.permits)


EXCLUSIVE = Claim()
SHARED = Claim(shared=True)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in line, as everybody sees it.

    Attributes:
        permit: under which its owner holds the lock; None = it waits, or it was not looked at.
    """

    name: str
    claim: Claim = EXCLUSIVE
    permit: int | None = None


def claim_of(code: str) -> Claim:
    """The claim in a place's name; one that nobody here would write excludes everybody."""
    if code == _SHARED:
        return SHARED
    known = code.isdecimal() and 1 <= int(code) <= PERMITS_MAX
    return Claim(permits=int(code)) if known else EXCLUSIVE


def turn(claim: Claim, before: Sequence[Place]) -> int | tuple[Place, ...]:
    """The permit to hold the lock under; or for whom to wait.

    Args:
        before: who stands in line before this one. With more than one permit, their permits have
            to be known, but for those who stand behind as many others as there are permits.
    """
    if claim.shared:
        return tuple([place for place in before if not place.claim.shared][-1:]) or 0
    if not before:
        return 0
    last = before[-1]
    if claim.permits == 1 or last.claim != claim or last.permit is None:
        return (last,)
    taken = {place.permit for place in before}
    free = [permit for permit in range(claim.permits) if permit not in taken]
    return free[0] if free else tuple(before)


def held_in(line: Sequence[Place]) -> list[bool]:
    """Which places of a whole line hold the lock, or may take it now."""
    return [
        place.permit is not None or isinstance(turn(place.claim, line[:number]), int)
        for number, place in enumerate(line)
    ]
