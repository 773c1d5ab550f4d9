"""Who calls this node: a bounded memory of sessions, with or without state, and of ended ones.

A login is good on every node, and most sessions hold nothing anywhere; so what a node knows of
them is who called, and when. Owns that a session that was ended by `KILL` is not served here.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.errors import Unauthenticated

VISITORS_MAX = 10_000
_FORGOTTEN_AT_ONCE = VISITORS_MAX // 10


@dataclass(slots=True)
class Visitor:
    """A session that called. Counters are written without a lock: a call may go uncounted.

    Attributes:
        since_s: Unix time in seconds of its first call, `used_s` of its last one.
    """

    session_id: str
    principal: str
    owner: str
    peer: str
    user_agent: str
    since_s: float
    used_s: float
    calls: int = 0


class Visitors:
    """The sessions that called a node. Thread-safe."""

    def __init__(self, now_s: Callable[[], float], ended_for_s: float) -> None:
        """Know nobody yet.

        Args:
            now_s: Unix time in seconds.
            ended_for_s: how long a login lives, and so for how long an ended one is refused.
        """
        self._now_s = now_s
        self._ended_for_s = ended_for_s
        # Guards changes of both tables; looking one session up needs none.
        self._lock = threading.Lock()
        self._known: dict[str, Visitor] = {}
        self._ended: dict[str, tuple[str, float]] = {}

    def heard(self, call: Call) -> None:
        """A session calls.

        Raises:
            Unauthenticated: it was ended.
        """
        key, now_s = call.session_key, self._now_s()
        if self._ended and key in self._ended:
            self._refuse(key, now_s)
        visitor = self._known.get(key)
        if visitor is None:
            visitor = self._welcome(call, key, now_s)
        visitor.used_s = now_s
        visitor.calls += 1

    def all(self) -> tuple[Visitor, ...]:
        """Those who are known, in the order they came."""
        with self._lock:
            return tuple(self._known.values())

    def find(self, session_id: str) -> Visitor | None:
        """A session, if it is known."""
        return self._known.get(session_id)

    def forget(self, session_id: str) -> None:
        """A session said that it is over. Idempotent."""
        with self._lock:
            self._known.pop(session_id, None)

    def end(self, session_id: str, by: str) -> bool:
        """Serve a session no more; whether it was known here."""
        with self._lock:
            while len(self._ended) >= VISITORS_MAX:
                del self._ended[next(iter(self._ended))]
            self._ended[session_id] = (by, self._now_s())
            return self._known.pop(session_id, None) is not None

    def expire(self, idle_s: float) -> None:
        """Forget who has not called for so long, and ended ones whose login has expired."""
        now_s = self._now_s()
        with self._lock:
            for key in [k for k, v in self._known.items() if now_s - v.used_s > idle_s]:
                del self._known[key]
            for key in [k for k, (_, at) in self._ended.items() if now_s - at > self._ended_for_s]:
                del self._ended[key]

    def _refuse(self, key: str, now_s: float) -> None:
        with self._lock:
            by, _ = self._ended.get(key, ("an administrator", 0.0))
            # Its login was renewed by this very call.
            self._ended[key] = (by, now_s)
        raise Unauthenticated(f"this session was ended by {by}; connect again")

    def _welcome(self, call: Call, key: str, now_s: float) -> Visitor:
        identity = call.identity
        peer = call.context.peer()
        who = identity.principal, call.owner
        visitor = Visitor(key, *who, _text(peer), call.user_agent, now_s, now_s)
        with self._lock:
            if len(self._known) >= VISITORS_MAX:
                oldest = sorted(self._known.values(), key=lambda known: known.used_s)
                for known in oldest[:_FORGOTTEN_AT_ONCE]:
                    del self._known[known.session_id]
            return self._known.setdefault(key, visitor)


def _text(peer: object) -> str:
    return peer.decode(errors="replace") if isinstance(peer, bytes) else str(peer)
