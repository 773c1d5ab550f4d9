"""The connection as the registry's thread sees it: one link, replaced when it cannot come back.

Owns the link and the candidate beside it. Everything but `wait_connected`, `close` and the notes
of the links' own threads happens on the registry's thread.
"""

import logging
import threading
from collections.abc import Callable

from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.session import Link, LinkState
from flightkeeper.discovery.zookeeper.supervision import Limits, Outlook, Step, judge
from flightkeeper.discovery.zookeeper.znodes import AnswerLost

_CANDIDATE_CLOSE_S = 1.0

_log = logging.getLogger(__name__)


class Connection:
    """A session, whichever client holds it."""

    def __init__(
        self,
        options: LinkOptions,
        limits: Limits,
        *,
        note: Callable[[Callable[[], None]], None],
        changed: Callable[[LinkState], None],
        clock: Callable[[], float],
    ) -> None:
        """Begin to connect.

        Args:
            options: how to reach ZooKeeper.
            limits: how long to wait before what.
            note: runs a call on the registry's thread.
            changed: told of every change, on that thread.
            clock: monotonic seconds.
        """
        self._options = options
        self._limits = limits
        self._note = note
        self._changed = changed
        self._clock = clock
        self._news = threading.Condition()  # guards `_closed`; told of every change
        self._closed = False
        self._session_id = 0
        self._disconnected_since_s: float | None = clock()
        self._declared_lost = False
        self._candidate: Link | None = None
        self._candidate_since_s: float | None = None
        self._candidate_not_before_s = 0.0
        self.link = self._started()

    @property
    def connected(self) -> bool:
        """Whether the link is connected and the duties were told so."""
        return self._disconnected_since_s is None and self.link.connected

    def wait_connected(self, timeout_s: float) -> Link | None:
        """The link, as soon as it is connected; None when time ran out. From any thread."""
        with self._news:
            self._news.wait_for(lambda: self.link.connected or self._closed, timeout_s)
            return self.link if self.link.connected else None

    def supervise(self) -> None:
        """Carry out what the rules say is to be done now."""
        now_s = self._clock()
        outlook = Outlook(
            disconnected_since_s=self._disconnected_since_s,
            declared_lost=self._declared_lost,
            given_up=self._disconnected_since_s is not None and self.link.given_up,
            has_candidate=self._candidate is not None,
            candidate_since_s=self._candidate_since_s,
            candidate_given_up=self._candidate is not None and self._candidate.given_up,
            candidate_not_before_s=self._candidate_not_before_s,
        )
        match judge(outlook, self._limits, now_s):
            case Step.DECLARE_LOST:
                self._declared_lost = True
                _log.warning("ZooKeeper is away for so long that the session may be over")
                self._changed(LinkState.LOST)
            case Step.START_CANDIDATE:
                _log.warning("ZooKeeper stays away; trying a fresh client beside the old one")
                self._candidate = self._started()
            case Step.ADOPT_CANDIDATE:
                self._adopt()
            case Step.DROP_CANDIDATE:
                self._drop(self._candidate)
            case Step.WAIT:
                return

    def close(self, timeout_s: float) -> None:
        """End the session. From any thread, after the registry's thread was told to stop."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        self.link.close(timeout_s)
        if self._candidate is not None:
            self._candidate.close(_CANDIDATE_CLOSE_S)

    def _started(self) -> Link:
        link = Link(self._options, lambda made, state: self._note(lambda: self._told(made, state)))
        link.start()
        return link

    def _told(self, link: Link, state: LinkState) -> None:
        if link is self.link:
            self._link_changed(state)
        elif link is self._candidate:
            connected = state is LinkState.CONNECTED
            self._candidate_since_s = self._clock() if connected else None

    def _link_changed(self, state: LinkState) -> None:
        if state is LinkState.CONNECTED:
            self._reconnected()
        elif self._disconnected_since_s is None:
            _log.warning("the connection to ZooKeeper is gone; what is known stays in use")
            self._disconnected_since_s = self._clock()
        self._declared_lost = state is LinkState.LOST or (
            self._declared_lost and state is LinkState.SUSPENDED
        )
        self._changed(state)
        with self._news:
            self._news.notify_all()

    def _reconnected(self) -> None:
        self._disconnected_since_s = None
        try:
            session_id = self.link.session_id
        except AnswerLost:
            return  # gone again; that news is on its way
        # Some servers hand out a new session without ever reporting that the old one expired.
        how = "the same" if session_id == self._session_id else "a new"
        _log.info("connected to ZooKeeper in %s session, %#x", how, session_id)
        self._session_id = session_id

    def _adopt(self) -> None:
        old, fresh = self.link, self._candidate
        if fresh is None:
            return
        _log.warning("only the fresh client reaches ZooKeeper; it takes over in a new session")
        self.link, self._candidate, self._candidate_since_s = fresh, None, None
        self._changed(LinkState.LOST)
        self._link_changed(LinkState.CONNECTED)
        old.close(_CANDIDATE_CLOSE_S)

    def _drop(self, candidate: Link | None) -> None:
        self._candidate, self._candidate_since_s = None, None
        self._candidate_not_before_s = self._clock() + self._limits.fresh_grace_s
        if candidate is not None:
            candidate.close(_CANDIDATE_CLOSE_S)
