"""Leadership: of all who stand for a duty one does it at a time, and stops before another begins.

Owns one thread for each duty. That there is one leader is the promise of the lock beneath; that
its work stops in time is the work's: it asks its hold.
"""

import logging
import threading
from collections.abc import Callable

from flightkeeper.discovery.locks import Hold, LockKind, LockTimeout
from flightkeeper.discovery.registry import Registry

_STAND_S = 60.0
_PAUSE_S = 1.0
_END_S = 10.0

_log = logging.getLogger(__name__)

Work = Callable[[Hold], None]
"""What the leader does. It asks `hold.check()` before each step, or waits in `hold.wait_lost`,
and returns when that says so; when it returns before, the duty is taken up again."""


class _Closed(Exception):
    """Whoever stands in line does so no more."""


class Leading:
    """Stands for a duty until it is closed, and does its work while it leads."""

    def __init__(self, registry: Registry, duty: str, work: Work) -> None:
        """Stand for a duty from now on."""
        self._registry = registry
        self._duty = duty
        self._work = work
        self._lock = threading.Lock()  # guards the hold, and that none is kept after the end
        self._hold: Hold | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lead-{duty}", daemon=True)
        self._thread.start()

    @property
    def token(self) -> int | None:
        """The hold's token while it leads; None otherwise."""
        hold = self._hold
        return None if hold is None or hold.lost else hold.token

    def stop(self) -> None:
        """Stand no more, and tell the work to end; `close` waits for that. Idempotent."""
        self._closed.set()
        with self._lock:
            # Not let go before its work has returned: another one would begin beside it.
            if self._hold is not None:
                self._hold.stop()

    def close(self) -> None:
        """Stand no more; returns when the work has ended, or takes too long. Idempotent."""
        self.stop()
        if threading.current_thread() is not self._thread:
            self._thread.join(_END_S)
            if self._thread.is_alive():
                _log.warning("the work of the duty %s does not return", self._duty)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                hold = self._registry.lock(
                    self._duty, _STAND_S, kind=LockKind.LEADER, check=self._check_open
                )
            except (LockTimeout, _Closed):
                continue
            except Exception as exc:  # noqa: BLE001 - whatever it is, it may be over some time
                _log.info("cannot stand for the duty %s: %s", self._duty, exc)
                self._closed.wait(_PAUSE_S)
                continue
            self._lead(hold)

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise _Closed

    def _lead(self, hold: Hold) -> None:
        with self._lock:
            self._hold = hold
        with hold:
            if self._closed.is_set():
                return
            try:
                self._work(hold)
            except BaseException as exc:  # noqa: BLE001 - foreign work must not end the standing
                if not hold.lost:
                    _log.error("the work of the duty %s failed", self._duty, exc_info=exc)
        self._closed.wait(_PAUSE_S)
