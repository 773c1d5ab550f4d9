"""Locks over a cluster, with a token that only grows.

Theory. No lock with a time-out protects by itself: its holder may be frozen while the time runs
out and go on without knowing. So each hold has a token that is greater than all before it; whoever
keeps what is guarded refuses tokens smaller than one it has seen. And a holder asks `check` before
each step: it says no from two thirds of the session after the last word of the registry on, by the
holder's own clock, before anybody else can have the lock.

Owns these promises. How a lock is kept is the backend's business.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from flightkeeper.discovery.contention import EXCLUSIVE, Claim
from flightkeeper.discovery.errors import RegistryError


class LockKind(StrEnum):
    """Where a lock stands; the same name may be used in each."""

    LOCK = "locks"
    LEADER = "leaders"


class LockTimeout(RegistryError):
    """Others held the lock all the time. It is not held."""


class LockLost(RegistryError):
    """The lock is no longer held, or may not be. What was done under it before `check` stands."""


@dataclass(frozen=True, slots=True)
class LockPlace:
    """Somebody's place in line for a lock.

    Attributes:
        name: of the lock.
        position: in its line, from 0 on.
        token: of the hold, now or once it is one.
        claim: how it is to be held.
        held: whether it is, as far as the registry tells.
        holder: what the registry knows of who stands there; empty for nothing.
    """

    name: str
    position: int
    token: int
    claim: Claim
    held: bool
    holder: str


class Hold(Protocol):
    """A lock that is held, until it is released or lost. Thread-safe.

    Attributes:
        name: of the lock.
        claim: how it is held.
        token: greater than that of every hold before that excludes this one: of an exclusive one
            than all, of a shared one than all exclusive ones, of a permit than all of that permit.
        permit: which one of a semaphore's it is, from 0 on.
    """

    name: str
    claim: Claim
    token: int
    permit: int

    @property
    def lost(self) -> bool:
        """Whether it is over: work under it has to stop."""

    def check(self) -> None:
        """Ask before each step that only a holder may take.

        Raises:
            LockLost: it is over.
        """

    def wait_lost(self, timeout_s: float) -> bool:
        """Wait until it is over, or so long; whether it is."""

    def stop(self) -> None:
        """Tell who works under it that it is over. Nobody else has it before `release`."""

    def release(self) -> None:
        """Let it go. Idempotent, bounded, never raises."""

    def __enter__(self) -> Self:
        """It itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let it go."""


class LastingHold:
    """A hold that nothing ends but `stop` and `release`, while its process lives. Thread-safe."""

    def __init__(
        self,
        name: str,
        token: int,
        let_go: Callable[[], None],
        *,
        claim: Claim = EXCLUSIVE,
        permit: int = 0,
    ) -> None:
        """Hold a lock.

        Args:
            let_go: called once, when it is released.
        """
        self.name = name
        self.claim = claim
        self.token = token
        self.permit = permit
        self._let_go = let_go
        self._over = threading.Event()
        self._lock = threading.Lock()  # guards the one below
        self._released = False

    @property
    def lost(self) -> bool:
        """Whether it was stopped or released."""
        return self._over.is_set()

    @property
    def released(self) -> bool:
        """Whether it was let go."""
        return self._released

    def check(self) -> None:
        """Ask before each step that only a holder may take."""
        if self.lost:
            raise LockLost(f"the lock {self.name} was let go; take it again")

    def wait_lost(self, timeout_s: float) -> bool:
        """Wait until it is over, or so long; whether it is."""
        return self._over.wait(timeout_s)

    def stop(self) -> None:
        """Tell who works under it that it is over; it is not let go yet."""
        self._over.set()

    def release(self) -> None:
        """Let it go. Idempotent."""
        self._over.set()
        with self._lock:
            released, self._released = self._released, True
        if not released:
            self._let_go()

    def __enter__(self) -> Self:
        """It itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Let it go."""
        self.release()
