"""Whether a history of compare-and-set operations on one document can have happened one by one.

Theory. Versions count the writes, so they give the only order in which the writes can have taken
effect; the history is linearizable if that order contradicts neither time nor what was told. Reads
promise less: within one session they never go back, and they tell what was written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto


class Outcome(Enum):
    """What a writer was told."""

    WRITTEN = auto()
    REFUSED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Write:
    """One try to replace the document.

    Attributes:
        seen: the version it was to replace; -1 = that there was none.
        data: told apart from all others.
        began_s, ended_s: seconds of one clock for all processes.
    """

    process: int
    seen: int
    data: bytes
    outcome: Outcome
    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Read:
    """What was read; version -1 = nothing was there."""

    process: int
    version: int
    data: bytes
    ended_s: float


def violations(writes: Sequence[Write], reads: Sequence[Read]) -> list[str]:
    """What cannot have happened one by one; empty if all can."""
    done: dict[int, Write] = {}
    found = []
    for write in writes:
        if write.outcome is Outcome.WRITTEN:
            if other := done.get(write.seen + 1):
                found.append(f"version {write.seen + 1} was written twice: {other} and {write}")
            done[write.seen + 1] = write
    return [*found, *_against_time(done), *_refusals(writes), *_reads(done, writes, reads)]


def _against_time(done: Mapping[int, Write]) -> Iterator[str]:
    """A write that ended before another began has to come before it."""
    latest_s, latest = float("-inf"), 0
    for version in sorted(done):
        write = done[version]
        if write.ended_s < latest_s:
            yield f"version {version} ended before version {latest} began"
        if write.began_s > latest_s:
            latest_s, latest = write.began_s, version


def _refusals(writes: Sequence[Write]) -> Iterator[str]:
    """Who is refused has been overtaken, by a write that had begun."""
    begun_s: dict[int, float] = {}
    for write in writes:
        if write.outcome is not Outcome.REFUSED:
            known_s = begun_s.get(write.seen, float("inf"))
            begun_s[write.seen] = min(known_s, write.began_s)
    for write in writes:
        overtaken_s = begun_s.get(write.seen, float("inf"))
        if write.outcome is Outcome.REFUSED and overtaken_s > write.ended_s:
            yield f"refused, but nobody had overtaken it: {write}"


def _reads(
    done: Mapping[int, Write], writes: Sequence[Write], reads: Sequence[Read]
) -> Iterator[str]:
    tried = {(write.seen + 1, write.data) for write in writes}
    last: dict[int, int] = {}
    for read in reads:
        if read.version < last.get(read.process, -1):
            yield f"process {read.process} went back to version {read.version}"
        last[read.process] = read.version
        written = done.get(read.version)
        if written is not None and written.data != read.data:
            yield f"version {read.version} was {written.data!r} and was read as {read.data!r}"
        if read.version >= 0 and (read.version, read.data) not in tried:
            yield f"nobody wrote what was read: {read}"
        if written is not None and read.ended_s < written.began_s:
            yield f"version {read.version} was read before it was written"
