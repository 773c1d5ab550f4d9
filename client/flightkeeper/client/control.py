"""Control: one statement as other threads see it, and how they stop it.

Owns what is known of a statement while it runs (its id, node, attempts, rows) and the way to stop
what it waits for: a call that a node works on, or a result that is being read. Knows nothing of
Flight: how something is stopped is a function it is given.
"""

import threading
import time
from collections.abc import Callable

CANCEL_WITHIN_S = 5.0
"""How long `cancel` goes on telling a node that does not end the call."""
CANCEL_AGAIN_S = 0.05
"""A node may hear of the wish before it hears of the statement."""


class Control:
    """Hand one to a statement; look at it, or cancel it, from any thread. For one statement.

    Attributes:
        statement_id: under which nodes log the statement; "" before it was sent.
        node: id of the node that was asked last, or None.
        attempts: how many nodes were asked so far.
        rows: delivered to the caller so far, or sent by an ingest.
        nbytes: of these, in memory.
    """

    def __init__(self) -> None:
        self.statement_id = ""
        self.node: str | None = None
        self.attempts = 0
        self.rows = 0
        self.nbytes = 0
        # Guards the three below; notified when a call has ended. No call is made under it.
        self._changed = threading.Condition()
        self._cancelled = False
        self._stop_call: Callable[[], object] | None = None
        self._stop_result: Callable[[], object] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether somebody wanted its end."""
        return self._cancelled

    def cancel(self) -> None:
        """Stop the statement: its caller gets `StatementCancelled`. Idempotent.

        Returns when the node has ended its call, or when it would not hear of it for
        `CANCEL_WITHIN_S`. What was not sent yet is not sent any more.
        """
        deadline_s = time.monotonic() + CANCEL_WITHIN_S
        with self._changed:
            self._cancelled = True
        while time.monotonic() < deadline_s:
            with self._changed:
                stop_call, stop_result = self._stop_call, self._stop_result
            if stop_result is not None:
                stop_result()
            if stop_call is None:
                return
            stop_call()
            with self._changed:
                ended = self._changed.wait_for(lambda: self._stop_call is None, CANCEL_AGAIN_S)
            if ended and self._stop_result is None:
                return

    def asks(self, node: str, stop: Callable[[], object]) -> None:
        """A node is asked now; `stop` tells it to end that call."""
        with self._changed:
            self.node = node
            self.attempts += 1
            self._stop_call = stop

    def answered(self) -> None:
        """The call has ended."""
        with self._changed:
            self._stop_call = None
            self._changed.notify_all()

    def delivers(self, stop: Callable[[], object]) -> None:
        """A result is being read now; stopped at once if that was wanted before."""
        with self._changed:
            self._stop_result = stop
            wanted = self._cancelled
        if wanted:
            stop()

    def counts(self, rows: int, nbytes: int) -> None:
        """So much more has passed; by the thread that moves it."""
        self.rows += rows
        self.nbytes += nbytes
