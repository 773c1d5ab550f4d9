"""The locks of the registry in memory that tests use."""

import threading
from collections.abc import Callable
from functools import partial

from flightkeeper.discovery.contention import EXCLUSIVE, Claim, Place, held_in, turn
from flightkeeper.discovery.locks import LastingHold, LockPlace

_LOOK_S = 0.01


class MemoryLocks:
    """All locks of a store. Thread-safe."""

    def __init__(self) -> None:
        self._left = threading.Condition()  # guards the two below
        self._lines: dict[str, list[Place]] = {}
        self._token = 0

    def take(
        self, key: str, remaining_s: Callable[[], float], claim: Claim = EXCLUSIVE
    ) -> LastingHold | None:
        """Take a lock; None if others had it for so long.

        Args:
            remaining_s: for how long to wait from now on; what it raises ends the wait.
        """
        with self._left:
            self._token += 1
            token, line = self._token, self._lines.setdefault(key, [])
            line.append(Place(str(token), claim))
            try:
                while not isinstance(permit := self._turn(line, token, claim), int):
                    left_s = remaining_s()
                    if left_s <= 0:
                        self._leave(line, token)
                        return None
                    self._left.wait(min(left_s, _LOOK_S))
            except BaseException:
                self._leave(line, token)
                raise
            line[_index(line, token)] = Place(str(token), claim, permit)
            self._left.notify_all()
        name = key.partition("/")[2]
        leave = partial(self._let_go, line, token)
        return LastingHold(name, token, leave, claim=claim, permit=permit)

    def places(self, kind: str) -> tuple[LockPlace, ...]:
        """Who stands in line for the locks of a kind."""
        with self._left:
            lines = {key: list(line) for key, line in sorted(self._lines.items())}
        return tuple(
            LockPlace(key.partition("/")[2], n, int(each.name), each.claim, held, "")
            for key, line in lines.items()
            if key.startswith(f"{kind}/")
            for n, (each, held) in enumerate(zip(line, held_in(line), strict=True))
        )

    def _turn(self, line: list[Place], token: int, claim: Claim) -> int | tuple[Place, ...]:
        return turn(claim, line[: _index(line, token)])

    def _let_go(self, line: list[Place], token: int) -> None:
        with self._left:
            self._leave(line, token)

    def _leave(self, line: list[Place], token: int) -> None:
        """Hold the condition when calling this."""
        del line[_index(line, token)]
        self._left.notify_all()


def _index(line: list[Place], token: int) -> int:
    return [place.name for place in line].index(str(token))
