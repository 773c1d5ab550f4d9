"""A node's ephemeral znode, kept up through lost answers, lost sessions and quick restarts."""

import logging
import threading
from collections.abc import Callable

from flightkeeper.discovery.errors import DuplicateNode, RegistryDenied, RegistryError
from flightkeeper.discovery.presence import Presence
from flightkeeper.discovery.records import Instance, encode
from flightkeeper.discovery.zookeeper.ownership import Claim, Claimant, decide, holder
from flightkeeper.discovery.zookeeper.paths import Paths, parent
from flightkeeper.discovery.zookeeper.znodes import (
    AnswerLost,
    NodeExists,
    NoNode,
    VersionChanged,
    Znode,
    Znodes,
)

_CHECK_S = 30.0
"""The znode is looked at this often even when no watch fired."""

SPREAD_S = 6.0
"""Nodes that lost their session together put their records back over so many seconds."""

_YIELD_CHECK_S = 2.0
"""How often a refused node looks whether the other one has gone."""

_ROUNDS_MAX = 8
"""Others may change the znode between our look and our deed, but not for ever."""

_log = logging.getLogger(__name__)


class ZooKeeperRegistration:
    """One node's registration. Its duty runs on the registry's thread, the rest anywhere."""

    def __init__(
        self,
        paths: Paths,
        instance: Instance,
        *,
        probe: Callable[[str], bool],
        wake: Callable[[], None],
        clock: Callable[[], float],
        spread: Callable[[], float],
    ) -> None:
        """Make a registration.

        Args:
            paths: where it goes.
            instance: what goes there.
            probe: whether something accepts connections at a location; bounded.
            wake: has the duty run soon.
            clock: monotonic seconds.
            spread: how many seconds to wait before a record that was lost is put back; another
                number each time.
        """
        self.path = paths.node(instance.service, instance.node_id)
        self._lock = threading.Lock()  # guards the instance
        self._instance = instance
        self._probe = probe
        self._wake = wake
        self._presence = Presence()
        self._withdrawing = False
        self._held_before = False
        self._clock = clock
        self._spread = spread
        self._not_before_s: float | None = None

    @property
    def active(self) -> bool:
        """Whether the record is known to be in the registry under this incarnation."""
        return self._presence.active

    @property
    def over(self) -> bool:
        """Whether it was withdrawn, or is about to be."""
        return self._withdrawing

    def wait(self, timeout_s: float) -> bool:
        """Wait until the record is in the registry; False when time ran out."""
        return self._presence.wait(timeout_s)

    def update(self, instance: Instance) -> None:
        """Replace the record; returns when asked, not when done."""
        with self._lock:
            self._instance = instance.succeeding(self._instance)
        self._wake()

    def withdraw(self, timeout_s: float = 2.0) -> None:
        """Take the record out; goes on in the background when time runs out. Idempotent."""
        self._withdrawing = True
        self._wake()
        self._presence.wait_withdrawn(timeout_s)

    def refuse(self, error: RegistryError) -> None:
        """Tell those who wait that the record will not be put in at all."""
        self._presence.refuse(error)
        self._wake = self._presence.finish

    def ended(self) -> None:
        """The session was closed, and the record went with it."""
        self._withdrawing = True
        self._presence.finish()

    def run(self, znodes: Znodes) -> float | None:
        """Make the znode what it should be."""
        for _ in range(_ROUNDS_MAX):
            try:
                if self._withdrawing:
                    self._retire(znodes)
                    return None
                rest_s = self._claim(znodes)
            except (NoNode, NodeExists, VersionChanged):
                continue  # it changed since we looked: look again
            if rest_s is not None:
                return rest_s
        raise AnswerLost(f"{self.path} keeps changing; trying again later")

    def failed(self, error: RegistryError) -> None:
        """Tell those who wait when waiting longer will not help."""
        if isinstance(error, RegistryDenied):
            self._presence.refuse(error)

    def suspended(self) -> None:
        """The session and its ephemeral stand for now."""

    def lost(self) -> None:
        """Claim nothing until the znode was seen again."""
        self._presence.doubt()
        if self._held_before and self._not_before_s is None:
            self._not_before_s = self._clock() + self._spread()

    def _claim(self, znodes: Znodes) -> float | None:
        """One look and one deed; seconds to rest when all is well, None to look again."""
        with self._lock:
            instance = self._instance
        found = znodes.read(self.path, self._fired)
        claimant = Claimant(instance, encode(instance), znodes.session_id, self._held_before)
        claim = decide(claimant, found)
        if claim is Claim.PROBE:
            claim = decide(claimant, found, alive=self._alive(found))
        match claim:
            case Claim.KEEP:
                self._held_before = True
                self._not_before_s = None
                self._presence.confirm()
                return _CHECK_S
            case Claim.YIELD:
                self._yield_to(found, instance)
                return _YIELD_CHECK_S
            case _ if (rest_s := self._held_back_s()) > 0:
                return rest_s
            case _:
                self._act(znodes, claim, claimant.data, found)
                return None

    def _held_back_s(self) -> float:
        """How long not to write yet: after a loss that others may have had as well."""
        return 0.0 if self._not_before_s is None else self._not_before_s - self._clock()

    def _act(self, znodes: Znodes, claim: Claim, data: bytes, found: Znode | None) -> None:
        if found is None:
            # Plain parents: Curator's containers vanish with their last child, watches and all.
            znodes.create_path(parent(self.path))
            znodes.create(self.path, data, ephemeral=True)
        elif claim is Claim.WRITE:
            znodes.write(self.path, data, found.version)
        else:
            _log.info("replacing the record an earlier session or a dead node left: %s", self.path)
            znodes.replace(self.path, data, found.version)

    def _retire(self, znodes: Znodes) -> None:
        found = znodes.read(self.path)
        current = holder(found)
        if found and current and current.incarnation == self._instance.incarnation:
            znodes.delete(self.path, found.version)
        self._presence.finish()

    def _alive(self, found: Znode | None) -> bool:
        other = holder(found)
        return other is not None and self._probe(other.location)

    def _yield_to(self, found: Znode | None, instance: Instance) -> None:
        other = holder(found)
        where = other.location if other else "unknown"
        text = (
            f"node {instance.node_id!r} of service {instance.service!r} is registered by another"
            f" living node at {where}; this one was not registered: give it another node id"
        )
        self._presence.refuse(DuplicateNode(text))

    def _fired(self, _path: str) -> None:
        self._wake()
