"""When a session counts as lost, and when a fresh client takes over: decisions only, no I/O.

Theory. kazoo never reports a loss while it is disconnected, so we declare it by time. And it can
retry for ever where a fresh client would connect at once: after the servers lost their data it
is refused for having seen the future, and some errors in a handshake end it for good. So after a
while a fresh client (the candidate) runs beside the old one. When both come back, the old one is
kept: it may still hold its session and with it the ephemerals. When only the candidate does, it
takes over.

Times are seconds of the caller's monotonic clock.
"""

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait.

    Attributes:
        lost_after_s: disconnected this long, the session may be over.
        fresh_after_s: disconnected this long, a candidate is started.
        fresh_grace_s: how long a connected candidate waits for the old client to come back too;
            also the pause after a candidate that was dropped.
    """

    lost_after_s: float
    fresh_after_s: float = 60.0
    fresh_grace_s: float = 5.0


class Step(Enum):
    """What is to be done now."""

    WAIT = auto()
    DECLARE_LOST = auto()
    START_CANDIDATE = auto()
    ADOPT_CANDIDATE = auto()
    DROP_CANDIDATE = auto()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of the clients.

    Attributes:
        disconnected_since_s: None while connected.
        declared_lost: whether the loss was declared already.
        given_up: the client will not try again.
        has_candidate: whether a fresh client runs beside it.
        candidate_since_s: since when that one is connected; None while it is not.
        candidate_given_up: that one will not try again.
        candidate_not_before_s: no other is started before this.
    """

    disconnected_since_s: float | None
    declared_lost: bool = False
    given_up: bool = False
    has_candidate: bool = False
    candidate_since_s: float | None = None
    candidate_given_up: bool = False
    candidate_not_before_s: float = 0.0


def judge(outlook: Outlook, limits: Limits, now_s: float) -> Step:
    """The one thing to do next; called again until it says WAIT."""
    since_s = outlook.disconnected_since_s
    if since_s is None:
        return Step.DROP_CANDIDATE if outlook.has_candidate else Step.WAIT
    away_s = now_s - since_s
    if not outlook.declared_lost and (away_s >= limits.lost_after_s or outlook.given_up):
        return Step.DECLARE_LOST
    if outlook.has_candidate:
        return _judge_candidate(outlook, limits, now_s)
    wanted = away_s >= limits.fresh_after_s or outlook.given_up
    return Step.START_CANDIDATE if wanted and now_s >= outlook.candidate_not_before_s else Step.WAIT


def _judge_candidate(outlook: Outlook, limits: Limits, now_s: float) -> Step:
    if outlook.candidate_given_up:
        return Step.DROP_CANDIDATE
    if outlook.candidate_since_s is None:
        return Step.WAIT
    waited = now_s - outlook.candidate_since_s >= limits.fresh_grace_s
    return Step.ADOPT_CANDIDATE if waited or outlook.given_up else Step.WAIT
