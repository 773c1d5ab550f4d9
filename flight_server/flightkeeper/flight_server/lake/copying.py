"""Which copies of a lake's tables are right at which version, and which tables are worth one. Pure.

Theory. A version says which tables it changed. So a copy that was right at one version is right at
a later one if nothing between them has changed its table, and if its name still means that table,
which is asked: a table that is renamed is told of like one that is made. At versions before the
last one that it is known to be right at nobody knows. A copy that is wrong is good for nothing.

Copying costs as much as a few reads. So a table is copied when it was read some times, and when its
copies hardly serve before it changes, or has to make room for others, after more reads each time.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from flightkeeper.flight_server.lake.told import SAME_ROWS, kinds

Path = tuple[str, str]
"""Schema and name of a table, lower case."""

READS_MIN: Final = 2
"""So often is a table read before it is copied the first time."""
_READS_MAX: Final = 1 << 16
BEHIND_MAX: Final = 1_000
"""So many versions are looked through for a copy that was not read meanwhile."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a table.

    Attributes:
        table: the number of the table, which no other ever has.
        since: the version that was copied.
        until: the last version that it is known to be right at.
        size: bytes of the files that it was made of.
    """

    path: Path
    table: int
    since: int
    until: int
    size: int

    @property
    def name(self) -> str:
        """What it is called, and no other."""
        return f"{self.table}_{self.since}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to a lake between two versions.

    Attributes:
        told: what each version says it has changed, by its number.
        meant: the tables, by number, that a schema and name mean at the end.
    """

    told: Mapping[int, str]
    meant: AbstractSet[tuple[Path, int]]


def at(copy: Copy, version: int, changes: Changes) -> Copy | None:
    """The copy, known to be right at a version; None if it is not known to be."""
    if (copy.path, copy.table) not in changes.meant:
        return None
    for number in range(copy.until + 1, version + 1):
        told = changes.told.get(number)
        if told is None or _changes(told, copy.table):
            return None
    return replace(copy, until=max(copy.until, version))


def _changes(told: str, table: int) -> bool:
    """Whether a version may have changed the rows or columns of a table."""
    found = kinds(told, table)
    return found is None or bool(found - SAME_ROWS)


@dataclass(frozen=True, slots=True)
class Interest:
    """How much a table is read.

    Attributes:
        reads: that could be over a copy, since it was last copied, or its copy was given up.
        wanted: so many make it worth a copy.
    """

    reads: int = 0
    wanted: int = READS_MIN

    def read(self) -> "Interest":
        """After one more read."""
        return replace(self, reads=self.reads + 1)

    @property
    def worth_it(self) -> bool:
        """Whether a copy is worth what it costs."""
        return self.reads >= self.wanted

    def copied(self) -> "Interest":
        """After it was copied."""
        return replace(self, reads=0)

    def given_up(self) -> "Interest":
        """After its copy was given up, which has served so many reads."""
        if self.worth_it:
            return Interest(0, max(self.wanted // 2, READS_MIN))
        return self.refused()

    def refused(self) -> "Interest":
        """After it could not be copied."""
        return Interest(0, min(self.wanted * 2, _READS_MAX))


def to_give_up(used: Sequence[Copy], size: int, size_max: int) -> Sequence[Copy] | None:
    """The copies that make room for another one; None if it is too big.

    Args:
        used: those there are, the one whose last use is longest ago first.
        size: of the other one, in bytes.
    """
    if size > size_max:
        return None
    left, given = sum(copy.size for copy in used), []
    for copy in used:
        if left + size <= size_max:
            break
        left -= copy.size
        given.append(copy)
    return given
