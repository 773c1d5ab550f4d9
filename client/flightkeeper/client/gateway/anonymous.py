"""Callers who do not log in: each connection to the gateway gets a session of its own.

Nodes tell such callers apart by their connections, and all that a gateway passes on come over its
own. So it logs in for each, under the name that nodes give them; a node that knows users refuses
that, and then the call goes on as it came, to be refused in the node's words. Thread-safe, bounded.

Nobody says when a connection has ended, and its address may be another one's later. So a login that
has left nothing on a node is forgotten soon after its last use, which nobody notices; one that has
is kept for as long as it is good, as nodes keep sessions.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from flightkeeper.client.gateway.destinations import login

PRINCIPAL = "anonymous"
REMEMBERED_MAX = 16_384
IDLE_S = 600.0
"""Longer than nodes keep an unused transaction, whose id is good with this login only."""


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    until_s: float


class Anonymous:
    """Tokens by the connection they were got for; the longest unused are forgotten."""

    def __init__(self, wall_s: Callable[[], float]) -> None:
        """`wall_s` is Unix time in seconds, by which nodes say how long a login is good."""
        self._wall_s = wall_s
        # Guards `_kept`, the longest unused first; nobody logs in under it.
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def token(self, peer: str, log_in: Callable[[], str]) -> str:
        """The value of the authorization header for a connection.

        Args:
            log_in: gets one, or "" where it is refused.
        """
        token = self._used(peer)
        # Of two calls that log in at once, both go on with one session.
        return token or self._used(peer, log_in())

    def note(self, peer: str, token: str) -> None:
        """A node has answered with this one."""
        with self._lock:
            self._keep(peer, token)

    def _used(self, peer: str, otherwise: str = "") -> str:
        """The token that is good still, or another one."""
        with self._lock:
            kept = self._kept.get(peer)
            good = kept is not None and self._wall_s() < kept.until_s
            token = kept.token if kept is not None and good else otherwise
            if token:
                self._keep(peer, token)
            return token

    def _keep(self, peer: str, token: str) -> None:
        """Keep it as the last one used. Hold the lock when calling this."""
        now_s = self._wall_s()
        self._kept[peer] = _Kept(token, _good_until_s(token, now_s))
        self._kept.move_to_end(peer)
        while self._kept and (len(self._kept) > REMEMBERED_MAX or self._oldest.until_s <= now_s):
            self._kept.popitem(last=False)

    def forget(self, peer: str) -> None:
        """It is not good any more. Idempotent."""
        with self._lock:
            self._kept.pop(peer, None)

    @property
    def _oldest(self) -> _Kept:
        """Hold the lock when reading this, and only while something is kept."""
        return next(iter(self._kept.values()))


def _good_until_s(token: str, now_s: float) -> float:
    who = login(token)
    if who.pin:
        return who.expires_s
    idle_s = now_s + IDLE_S
    return min(idle_s, who.expires_s) if who.expires_s else idle_s
