"""What was bound to prepared statements, for clients that go on with the handle they had.

Binding answers with a new handle, which carries the parameters to any node. Clients older than that
rule (arrow-go and Arrow C++ before 2024, flightsql-dbapi) do not look at the answer; for them this
node remembers what was bound last. Bounded: the oldest give way, and their statement says that it
has no parameters.
"""

import threading
from collections import OrderedDict

_KEPT_MAX = 4096
_KEPT_BYTES_MAX = 64 * 1024 * 1024


class Bindings:
    """Parameters by the id of a preparation. Thread-safe; one per node."""

    def __init__(self, kept_max: int = _KEPT_MAX, bytes_max: int = _KEPT_BYTES_MAX) -> None:
        """Keep so many bindings, and so many bytes of them."""
        self._kept_max = kept_max
        self._bytes_max = bytes_max
        # Guards the table and the count of its bytes.
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def remember(self, preparation_id: str, parameters: bytes) -> None:
        """These were bound last."""
        with self._lock:
            self._drop(preparation_id)
            self._kept[preparation_id] = parameters
            self._bytes += len(parameters)
            while len(self._kept) > self._kept_max or self._bytes > self._bytes_max:
                self._drop(next(iter(self._kept)))

    def recall(self, preparation_id: str) -> bytes:
        """What was bound last; empty if nothing was, or it was too long ago."""
        with self._lock:
            if preparation_id in self._kept:
                self._kept.move_to_end(preparation_id)
            return self._kept.get(preparation_id, b"")

    def forget(self, preparation_id: str) -> None:
        """Nobody will ask for this: the statement is closed, or its client knows better."""
        with self._lock:
            self._drop(preparation_id)

    def _drop(self, preparation_id: str) -> None:
        """Hold the lock when calling this."""
        self._bytes -= len(self._kept.pop(preparation_id, b""))
