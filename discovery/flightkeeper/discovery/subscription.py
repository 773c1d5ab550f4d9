"""A listener's subscription: calls it in order, and never again once it was closed.

Owns one condition, never held during a call. Knows nothing of where events come from.
"""

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")

_CLOSE_WAIT_S = 5.0
"""A listener must return quickly; close() does not wait for one that does not."""

_log = logging.getLogger(__name__)


class Subscription(Generic[_T]):
    """One listener and whether it may still be called."""

    def __init__(
        self, listener: Callable[[_T], None], forget: Callable[["Subscription[_T]"], None]
    ) -> None:
        """Keep a listener.

        Args:
            listener: called with each event.
            forget: called once when the subscription closes, so that its owner drops it.
        """
        self._listener = listener
        self._forget = forget
        self._condition = threading.Condition()  # guards the two below
        self._closed = False
        self._caller: int | None = None

    def deliver(self, event: _T) -> None:
        """Call the listener, unless closed. From one thread at a time."""
        with self._condition:
            if self._closed:
                return
            self._caller = threading.get_ident()
        try:
            self._listener(event)
        except Exception:  # noqa: BLE001 - a listener is foreign code
            _log.exception("a registry listener raised; the event is lost to it")
        finally:
            with self._condition:
                self._caller = None
                self._condition.notify_all()

    def close(self) -> None:
        """Stop calling: waits for a running call, unless called from within it. Idempotent."""
        with self._condition:
            first = not self._closed
            self._closed = True
            if self._caller != threading.get_ident():
                self._condition.wait_for(lambda: self._caller is None, _CLOSE_WAIT_S)
        if first:
            self._forget(self)
