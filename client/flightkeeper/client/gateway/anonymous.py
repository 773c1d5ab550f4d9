"""Callers who do not log in: each connection to the gateway gets a session of its own.

Nodes tell such callers apart by their connections, and all that a gateway passes on come over its
own. So it logs in for each, under the name that nodes give them; a node that knows users refuses
that, and then the call goes on as it came, to be refused in the node's words. Thread-safe, bounded.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

PRINCIPAL = "anonymous"
REMEMBERED_MAX = 16_384


class Anonymous:
    """Tokens by the connection they were got for; the oldest are forgotten."""

    def __init__(self) -> None:
        # Guards `_tokens`; nobody logs in under it.
        self._lock = threading.Lock()
        self._tokens: OrderedDict[str, str] = OrderedDict()

    def token(self, peer: str, log_in: Callable[[], str]) -> str:
        """The value of the authorization header for a connection.

        Args:
            log_in: gets one, or "" where it is refused.
        """
        with self._lock:
            known = self._tokens.get(peer, "")
        if known:
            return known
        made = log_in()
        if made:
            self.note(peer, made)
        return made

    def note(self, peer: str, token: str) -> None:
        """A node has answered with a newer token."""
        with self._lock:
            self._tokens[peer] = token
            self._tokens.move_to_end(peer)
            while len(self._tokens) > REMEMBERED_MAX:
                self._tokens.popitem(last=False)
