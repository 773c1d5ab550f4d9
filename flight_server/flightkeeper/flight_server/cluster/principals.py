"""The users, roles and grants of the cluster, as this node knows them.

Owns the thread `flightkeeper-accounts`, the last complete reading, and how old it may be. While the
registry is away, what was read last holds for the stated time; then nobody is let in any more,
because nobody knows whose access was taken away.
"""

import threading
from collections.abc import Callable, Mapping

import structlog

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.principals.documents import FOLDER, document_name, read_all
from flightkeeper.discovery.principals.model import SUPERUSER, Access, Principals
from flightkeeper.discovery.registry import Registry, Watch
from flightkeeper.flight_server.errors import Unauthenticated, Unavailable

_HEARTBEAT_MAX_S = 5.0
_PARTS_OF_STALE = 4
"""How often the registry is asked within the time for which what was read may hold."""
_END_S = 5.0
_NEVER_S = float("-inf")

_log = structlog.get_logger(__name__)


class LivePrincipals:
    """Follows the accounts of a registry. `start` once, then `close`. Thread-safe."""

    def __init__(
        self, registry: Registry, stale_after_s: float, monotonic_s: Callable[[], float]
    ) -> None:
        """Know nobody yet.

        Args:
            stale_after_s: how long what was read last holds when the registry is silent.
        """
        self._registry = registry
        self._stale_after_s = stale_after_s
        self._now_s = monotonic_s
        self._known = Principals({})
        self._read = threading.Event()
        self._heard_s = _NEVER_S
        self._changed = threading.Condition()  # guards `_known` for those who wait for a change
        self._ended = threading.Event()
        self._watch: Watch | None = None
        self._thread = threading.Thread(
            target=self._listen, name="flightkeeper-accounts", daemon=True
        )

    def start(self, timeout_s: float) -> bool:
        """Begin; whether the accounts are known already. False: the registry did not answer yet."""
        self._watch = self._registry.watch_documents(FOLDER, self._hear)
        self._thread.start()
        return self._read.wait(timeout_s)

    def close(self) -> None:
        """Follow no more. Idempotent, bounded."""
        self._ended.set()
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def now(self) -> Principals:
        """All principals.

        Raises:
            Unavailable: what is known is too old to go by.
        """
        silent_s = self._now_s() - self._heard_s
        if silent_s > self._stale_after_s:
            known = self._heard_s != _NEVER_S
            since = f"for {silent_s:.0f} s" if known else "yet"
            raise Unavailable(
                f"the registry has not answered {since}, so nobody's grants are known for sure "
                "(accounts_stale_after_s); nothing was run: ask another node, or later"
            )
        return self._known

    def get(self, name: str) -> str | None:
        """The hash of a user's password; None if there is no such user.

        Raises:
            Unavailable: what is known is too old to go by.
        """
        user = self.now().user(name)
        return None if user is None else user.password_hash

    def account(self, name: str) -> str:
        """The id of a user's account, told from earlier ones of the name; empty if there is none.

        Raises:
            Unavailable: what is known is too old to go by.
        """
        user = self.now().user(name)
        return "" if user is None else user.id

    def access(self, name: str) -> Access:
        """What a user may do.

        Raises:
            Unauthenticated: there is no such user any more.
            Unavailable: what is known is too old to go by.
        """
        access = self.now().access(name)
        if access is None:
            raise Unauthenticated("this account does not exist any more; nothing was run")
        return access

    def wait(self, holds: Callable[[Principals], bool], timeout_s: float) -> bool:
        """Wait until something holds for what is known; False when time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(self._known), timeout_s)

    def _hear(self, documents: Mapping[str, Document]) -> None:
        try:
            known, problems = read_all(documents)
        except Exception:
            # Nobody knows any more what was changed: nobody is let in until somebody does.
            self._read.clear()
            self._heard_s = _NEVER_S
            raise
        for problem in problems:
            _log.error("an account cannot be read and may do nothing", problem=problem)
        with self._changed:
            self._known = known
            self._changed.notify_all()
        self._heard_s = self._now_s()
        self._read.set()

    def _listen(self) -> None:
        """Ask the registry for something again and again: that it tells nothing is no news."""
        every_s = min(self._stale_after_s / _PARTS_OF_STALE, _HEARTBEAT_MAX_S)
        while not self._ended.wait(every_s):
            asked_s = self._now_s()
            try:
                self._registry.read_document(document_name(SUPERUSER), every_s)
            except RegistryError as exc:
                _log.debug("the registry does not answer", problem=str(exc))
                continue
            if self._read.is_set():
                self._heard_s = max(self._heard_s, asked_s)
