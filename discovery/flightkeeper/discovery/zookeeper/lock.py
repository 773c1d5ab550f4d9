"""A lock in ZooKeeper: a line of znodes, and a znode's birth is its owner's token.

Each contender is an ephemeral with a number that ZooKeeper gave it, and in front of that its claim
and a name of its own, by which a contender whose answer was lost is found again. Its data are the
permit under which it holds the lock. A contender watches those it waits for only. The token is the
transaction that made the znode (czxid): it grows over all znodes and survives the lock's folder,
where numbers begin again.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self
from uuid import uuid4

from flightkeeper.discovery.contention import EXCLUSIVE, Claim, Place, claim_of, turn
from flightkeeper.discovery.errors import RegistryDenied, RegistryError
from flightkeeper.discovery.locks import LockLost
from flightkeeper.discovery.zookeeper.znodes import NoNode, Znode, Znodes

_HELD_SHARE = 2 / 3
"""Of a session's time: past it another one may be about to get the lock."""
_LOOKS_PER_SESSION = 6
_RELEASE_S = 2.0
_ASK_AGAIN_S = 0.05
"""How often who waits is asked whether it still wants to."""
_ROUNDS_MAX = 8
"""Others come and go between our look and our deed, but not for ever."""

_ANY_VERSION = -1
_AGAIN = 0.0

_Clock = Callable[[], float]

_log = logging.getLogger(__name__)


class _State(Enum):
    WAITING = auto()
    HELD = auto()
    OVER = auto()


class ZooKeeperHold:
    """A place in line, which becomes a hold, which comes to an end. Thread-safe.

    Attributes:
        place: path of the znode that is there as long as the lock is held.
        refusal: why it can never be had.
    """

    def __init__(
        self, name: str, claim: Claim = EXCLUSIVE, *, leave: Callable[[], None], clock: _Clock
    ) -> None:
        """Wait in line.

        Args:
            leave: has the place given up soon.
            clock: monotonic seconds.
        """
        self.name = name
        self.claim = claim
        self.token = 0
        self.permit = 0
        self.place = ""
        self._leave = leave
        self._clock = clock
        # Guards the four below, the token and the permit.
        self._news = threading.Condition()
        self._stopped = False
        self._state = _State.WAITING
        self._ends_s = 0.0
        self._gone = False
        self.refusal: RegistryDenied | None = None

    def wait_held(self, timeout_s: float, check: Callable[[], None] = lambda: None) -> bool:
        """Wait until the lock is held, or so long; whether it is.

        Args:
            check: asked meanwhile; what it raises ends the wait.
        """
        deadline_s = self._clock() + timeout_s
        while (left_s := deadline_s - self._clock()) > 0 and self._state is _State.WAITING:
            check()
            with self._news:
                self._news.wait_for(
                    lambda: self._state is not _State.WAITING, min(left_s, _ASK_AGAIN_S)
                )
        return self._state is _State.HELD

    @property
    def lost(self) -> bool:
        """Whether it is over: work under it has to stop."""
        with self._news:
            return self._remaining_s() <= 0

    def check(self) -> None:
        """Ask before each step that only a holder may take."""
        if self.lost:
            raise LockLost(
                f"the lock {self.name} is no longer held for sure; stop, and take it again"
            )

    def wait_lost(self, timeout_s: float) -> bool:
        """Wait until it is over, or so long; whether it is."""
        deadline_s = self._clock() + timeout_s
        with self._news:
            while (held_s := self._remaining_s()) > 0:
                left_s = deadline_s - self._clock()
                if left_s <= 0:
                    return False
                self._news.wait(min(held_s, left_s))
        return True

    def stop(self) -> None:
        """Tell who works under it that it is over; its place in line stays."""
        with self._news:
            self._stopped = True
            self._news.notify_all()

    def release(self) -> None:
        """Let it go; without the registry, the session's end lets it go."""
        self.end()
        self._leave()
        with self._news:
            self._news.wait_for(lambda: self._gone, _RELEASE_S)

    def __enter__(self) -> Self:
        """It itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Let it go."""
        self.release()

    def refuse(self, refusal: RegistryDenied) -> None:
        """It cannot be had with these credentials."""
        self.refusal = refusal
        self.end()

    @property
    def gone(self) -> bool:
        """Whether its place in line is given up as well."""
        return self._gone

    @property
    def state(self) -> "_State":
        """Whether it waits, is held, or is over."""
        return self._state

    def confirm(self, place: str, token: int, permit: int, ends_s: float) -> None:
        """It is held, and nobody who is excluded by it holds the lock before then."""
        with self._news:
            if self._state is _State.WAITING:
                self._state, self.place = _State.HELD, place
                self.token, self.permit = token, permit
            elif self._ends_s <= self._clock():
                # Whoever asked meanwhile was told that it is over.
                self._state = _State.OVER
            self._ends_s = ends_s
            self._news.notify_all()

    def end(self, *, gone: bool = False) -> None:
        """It is over; `gone` = its place in line as well. Idempotent."""
        with self._news:
            self._state = _State.OVER
            self._gone |= gone
            self._news.notify_all()

    def _remaining_s(self) -> float:
        """How long work may go on. Hold the condition when calling this."""
        if self._stopped or self._state is not _State.HELD:
            return 0.0
        return self._ends_s - self._clock()


class Contender:
    """Keeps a place in line for a hold. All calls but the watch's come from one thread."""

    def __init__(
        self,
        hold: ZooKeeperHold,
        folder: str,
        *,
        wake: Callable[[], None],
        clock: _Clock,
    ) -> None:
        """Stand in line once it is run.

        Args:
            folder: where the lock's contenders are.
            wake: has the duty run soon.
            clock: monotonic seconds.
        """
        self._hold = hold
        self._folder = folder
        self._claim = hold.claim
        self._mark = f"{uuid4().hex}-{hold.claim.code}-"
        self._wake = wake
        self._clock = clock
        self._unsure = False

    def run(self, znodes: Znodes) -> float | None:
        """Stand in line, or see that it is held; None once that is over."""
        if self._unsure:
            # What an answer was lost of may be done, and not be seen yet by this server.
            znodes.sync(self._folder)
            self._unsure = False
        for _ in range(_ROUNDS_MAX):
            rest_s = self._step(znodes)
            if rest_s != _AGAIN:
                return rest_s
        return _AGAIN

    def _step(self, znodes: Znodes) -> float | None:
        asked_s = self._clock()
        line = self._line(znodes)
        own = self._own(znodes, line)
        if self._hold.state is _State.OVER or (own is None and self._hold.state is _State.HELD):
            if own is not None:
                self._delete(znodes, own.name)
            self._hold.end(gone=True)
            return None
        if own is None:
            znodes.create_sequential(f"{self._folder}/{self._mark}", b"")
            return _AGAIN
        permit = own.permit
        if permit is None:
            found = turn(self._claim, self._before(znodes, line[: line.index(own.name)]))
            if not isinstance(found, int):
                rest_s = znodes.session_timeout_s / _LOOKS_PER_SESSION
                return rest_s if self._hears_of(znodes, found) else _AGAIN
            permit = found
        self._confirm(znodes, own, permit, asked_s)
        return znodes.session_timeout_s / _LOOKS_PER_SESSION

    def _confirm(self, znodes: Znodes, own: "_Own", permit: int, asked_s: float) -> None:
        place = f"{self._folder}/{own.name}"
        # A write, which the leader answers: a server that was cut off still answers reads while the
        # others have ended the session already.
        znodes.write(place, b"%d" % permit, _ANY_VERSION)
        ends_s = asked_s + znodes.session_timeout_s * _HELD_SHARE
        self._hold.confirm(place, own.znode.czxid, permit, ends_s)

    def _before(self, znodes: Znodes, names: list[str]) -> list[Place]:
        """Places of others, with the permits that count."""
        known: Mapping[str, Znode] = {}
        if 1 < self._claim.permits >= len(names):
            known = znodes.read_all([f"{self._folder}/{name}" for name in names])
        return [
            Place(name, claim_of(_code(name)), _permit(known.get(f"{self._folder}/{name}")))
            for name in names
        ]

    def _hears_of(self, znodes: Znodes, places: tuple[Place, ...]) -> bool:
        """Watch those it waits for; False if they are not as they were any more."""
        if len(places) > 1:
            # One watch for all of them. Only the first of those who wait for a permit has it.
            return {place.name for place in places} <= {
                *znodes.children(self._folder, self._changed)
            }
        (place,) = places
        found = znodes.read(f"{self._folder}/{place.name}", self._changed)
        return found is not None and (self._claim.permits == 1 or _permit(found) == place.permit)

    def failed(self, error: RegistryError) -> None:
        """It is looked at again; meanwhile the hold's time runs."""
        self._unsure = True
        if isinstance(error, RegistryDenied):
            self._hold.refuse(error)
        _log.debug("the lock %s: %s", self._hold.name, error)

    def suspended(self) -> None:
        """The hold's time runs."""

    def lost(self) -> None:
        """Whoever holds the lock now, it is not for sure this one. Who waits goes on waiting."""
        if self._hold.state is _State.HELD:
            self._hold.end()

    def _line(self, znodes: Znodes) -> list[str]:
        """Who stands in line, the first one first."""
        try:
            names = znodes.children(self._folder)
        except NoNode:
            znodes.create_path(self._folder)
            return []
        return in_line(names)

    def _own(self, znodes: Znodes, line: list[str]) -> "_Own | None":
        """The first place of this contender; others, also of earlier sessions, are given up."""
        found = None
        for name in [name for name in line if name.startswith(self._mark)]:
            znode = znodes.read(f"{self._folder}/{name}")
            mine = znode is not None and znode.owner == znodes.session_id
            if mine and znode is not None and found is None:
                found = _Own(name, znode)
                continue
            line.remove(name)
            self._delete(znodes, name)
        return found

    def _delete(self, znodes: Znodes, name: str) -> None:
        with suppress(NoNode):
            znodes.delete(f"{self._folder}/{name}", _ANY_VERSION)

    def _changed(self, _path: str) -> None:
        self._wake()


def in_line(names: Iterable[str]) -> list[str]:
    """The contenders of a lock by their names, the first one first."""
    return sorted(names, key=lambda name: name.rpartition("-")[2])


def place_of(name: str, znode: Znode) -> Place:
    """A contender's place, with the permit that it holds the lock under."""
    return Place(name, claim_of(_code(name)), _permit(znode))


@dataclass(frozen=True, slots=True)
class _Own:
    """The place in line that is this contender's."""

    name: str
    znode: Znode

    @property
    def permit(self) -> int | None:
        """Under which it holds the lock; None = it has none yet."""
        return _permit(self.znode)


def _code(name: str) -> str:
    return name.rpartition("-")[0].rpartition("-")[2]


def _permit(znode: Znode | None) -> int | None:
    return int(znode.data) if znode is not None and znode.data.isdigit() else None
