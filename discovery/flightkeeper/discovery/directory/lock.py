"""A lock in a directory: a line of files, each alive exactly as long as who stands there.

Each contender's file has its number as its name, and its permit as its content once it holds the
lock. The number is the token: it is given out one at a time, and the last one stays in a file.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from flightkeeper.discovery.contention import Claim, Place, claim_of, held_in, turn
from flightkeeper.discovery.directory.record_files import (
    RecordFile,
    read_living,
    registrants_turn,
)
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import LastingHold, LockPlace

_RETRY_S = 0.01
_RETRY_MAX_S = 0.05
_PATIENCE = 1.02
"""Who has waited for seconds may wait for a little longer."""
_LAST = ".token"
_TOKEN_BYTES_MAX = 20


def take(
    folder: Path, name: str, claim: Claim, remaining_s: Callable[[], float]
) -> LastingHold | None:
    """Take the lock whose line is in a folder; None if others had it all the time.

    Args:
        remaining_s: for how long to wait from now on; what it raises ends the wait.

    Raises:
        OSError: the directory cannot be used; it is not held.
        RegistryUnavailable: the line cannot be joined; it is not held.
    """
    folder.mkdir(parents=True, exist_ok=True)
    standing = _Standing(folder, claim)
    pause_s = _RETRY_S
    try:
        while (permit := standing.permit()) is None:
            left_s = remaining_s()
            if left_s <= 0:
                standing.leave()
                return None
            time.sleep(min(left_s, pause_s))
            pause_s = min(pause_s * _PATIENCE, _RETRY_MAX_S)
    except BaseException:
        standing.leave()
        raise
    return LastingHold(name, standing.token, standing.leave, claim=claim, permit=permit)


def sweep(folder: Path) -> int:
    """Take away the places of the dead in all lines of a folder; how many were found.

    A line keeps its last token for ever.
    """
    dead = [
        place
        for place in folder.glob("*/[0-9]*-*")
        if place.is_file() and read_living(place) is None
    ]
    for place in dead:
        place.unlink(missing_ok=True)
    return len(dead)


def places(folder: Path) -> tuple[LockPlace, ...]:
    """Who stands in the lines of a folder, by name and position; nobody knows who they are.

    Raises:
        OSError: the directory cannot be used.
    """
    found: list[LockPlace] = []
    for line in sorted(folder.glob("*/")):
        living = list(_living(line))
        held = held_in([place for _, place in living])
        found += [
            LockPlace(line.name, number, token, place.claim, held[number], "")
            for number, (token, place) in enumerate(living)
        ]
    return tuple(found)


def _living(line: Path) -> Iterator[tuple[int, Place]]:
    """Tokens and places of those who stand in a line, in their order."""
    parts = [(place.name.partition("-"), place) for place in line.glob("[0-9]*-*")]
    for (number, _, code), place in sorted(parts, key=lambda part: int(part[0][0])):
        if (content := read_living(place)) is not None:
            yield int(number), Place(place.name, claim_of(code), _permit(content.data))


class _Standing:
    """A place in line, until it is left or the process dies."""

    def __init__(self, folder: Path, claim: Claim) -> None:
        self._folder = folder
        self._claim = claim
        self._waits_for: tuple[Place, ...] = ()
        # In one turn, or one with a greater number could look before this one is in line.
        with registrants_turn(folder):
            self.token = _next_token(folder / _LAST)
            self._place = folder / f"{self.token}-{claim.code}"
            self._file = RecordFile(self._place, b"")

    def permit(self) -> int | None:
        """The permit that it holds the lock under from now on; None = it has to wait."""
        while not (self._waits_for and self._are_as_they_were()):
            found = turn(self._claim, self._before())
            if isinstance(found, int):
                self._take(found)
                return found
            self._waits_for = found
        return None

    def _are_as_they_were(self) -> bool:
        """Whether all it waits for live, and hold what they held. Takes the dead away."""
        unchanged = True
        for place in self._waits_for:
            content = read_living(self._folder / place.name)
            if content is None:
                (self._folder / place.name).unlink(missing_ok=True)
                unchanged = False
            elif self._claim.permits > 1:
                unchanged &= _permit(content.data) == place.permit
        return unchanged

    def leave(self) -> None:
        """Leave the line. Never raises."""
        with suppress(OSError):
            self._file.remove()
        self._file.abandon()

    def _take(self, permit: int) -> None:
        if self._claim.permits > 1:
            # In the place of the other one, which is let go when nobody finds it any more.
            old, self._file = self._file, RecordFile(self._place, b"%d" % permit)
            old.abandon()

    def _before(self) -> list[Place]:
        """Who stands before this one, dead ones too."""
        parts = [place.name.partition("-") for place in self._folder.iterdir()]
        line = sorted(
            (int(number), f"{number}-{code}", claim_of(code))
            for number, _, code in parts
            if number.isdecimal() and int(number) < self.token
        )
        known = self._claim.permits > 1 and len(line) <= self._claim.permits
        return [
            Place(name, claim, self._permit_of(name) if known else None) for _, name, claim in line
        ]

    def _permit_of(self, name: str) -> int | None:
        try:
            written = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        return _permit(written)


def _permit(written: bytes) -> int | None:
    return int(written) if written.isdigit() else None


def _next_token(place: Path) -> int:
    """One more than the last; it is on the disk before anybody acts on it. Needs the turn."""
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        last = os.pread(descriptor, _TOKEN_BYTES_MAX, 0) or b"0"
        if not last.isdigit():
            raise RegistryUnavailable(f"{place} holds no token: it was not written by a lock")
        token = int(last) + 1
        os.pwrite(descriptor, b"%d" % token, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return token
