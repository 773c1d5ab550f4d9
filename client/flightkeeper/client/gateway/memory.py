"""What a gateway remembers of what passed it: a few hints of where state was left.

A transaction that a driver opened is found by its id, but what drivers send without the id (bulk
ingest, metadata) belongs to it as well; and parameters that were bound to a handle are kept by one
node for clients that go on with the old handle. Everything here can be forgotten: the node that is
asked instead says so where it matters. Thread-safe, bounded.
"""

import threading
from collections import OrderedDict

REMEMBERED_MAX = 65_536


class Memory:
    """Incarnations by what was left with them; the oldest are forgotten."""

    def __init__(self) -> None:
        # Guards `_places`; nothing is called under it.
        self._lock = threading.Lock()
        self._places: OrderedDict[str, str] = OrderedDict()

    def note(self, key: str, incarnation: str) -> None:
        """Something was left there under this name; "" is nobody's."""
        if not key:
            return
        with self._lock:
            self._places.pop(key, None)
            self._places[key] = incarnation
            while len(self._places) > REMEMBERED_MAX:
                self._places.popitem(last=False)

    def forget(self, key: str) -> None:
        """It is gone."""
        with self._lock:
            self._places.pop(key, None)

    def place(self, key: str) -> str:
        """The incarnation that has it, or ""."""
        with self._lock:
            return self._places.get(key, "") if key else ""
