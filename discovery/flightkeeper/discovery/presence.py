"""What is known of one registration, shared between the backend's thread and the node's.

Owns one condition; knows nothing of how a backend puts a record in.
"""

import threading
from enum import Enum, auto

from flightkeeper.discovery.errors import RegistryError


class _Phase(Enum):
    PENDING = auto()
    ACTIVE = auto()
    REFUSED = auto()
    WITHDRAWN = auto()


class Presence:
    """Pending, active, refused or withdrawn; the last is final.

    A refused registration may become active after all, once the node that holds the id is gone.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()  # guards the two below
        self._phase = _Phase.PENDING
        self._refusal: RegistryError | None = None

    @property
    def active(self) -> bool:
        """Whether the record is known to be in the registry."""
        return self._phase is _Phase.ACTIVE

    @property
    def withdrawn(self) -> bool:
        """Whether the record was taken out for good."""
        return self._phase is _Phase.WITHDRAWN

    def confirm(self) -> None:
        """The record was seen in the registry."""
        self._enter(_Phase.ACTIVE)

    def doubt(self) -> None:
        """The record may have gone; nothing is claimed until it was seen again."""
        self._enter(_Phase.PENDING)

    def refuse(self, error: RegistryError) -> None:
        """The record cannot go in for now; waiters are told why."""
        self._enter(_Phase.REFUSED, error)

    def finish(self) -> None:
        """The record was withdrawn."""
        self._enter(_Phase.WITHDRAWN)

    def wait(self, timeout_s: float) -> bool:
        """Wait until active; False when time ran out or it was withdrawn.

        Raises:
            RegistryError: it was refused.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._phase is not _Phase.PENDING, timeout_s)
            refusal = self._refusal
        if refusal is not None:
            raise refusal
        return self.active

    def wait_withdrawn(self, timeout_s: float) -> bool:
        """Wait until withdrawn; False when time ran out."""
        with self._condition:
            return self._condition.wait_for(lambda: self.withdrawn, timeout_s)

    def _enter(self, phase: _Phase, refusal: RegistryError | None = None) -> None:
        with self._condition:
            if self._phase is _Phase.WITHDRAWN:
                return
            self._phase, self._refusal = phase, refusal
            self._condition.notify_all()
