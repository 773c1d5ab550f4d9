"""The registry as the rest of the project sees it: Protocols, its URL, and `open_registry`.

Two backends implement `Registry` and pass one conformance suite: `zookeeper/` (`zk://`), and
`directory/` (`dir://`) for the nodes of one machine. Neither is imported before its URL is opened.
"""

from collections.abc import Callable
from typing import Protocol

from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Event

Listener = Callable[[Event], None]
"""Called from one thread of the backend, in order; must return quickly and never raise."""


class Registration(Protocol):
    """A node's presence in the registry, kept up until it is withdrawn."""

    @property
    def active(self) -> bool:
        """Whether the record is known to be in the registry under this incarnation."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until the record is in the registry; False when time ran out.

        Raises:
            DuplicateNode: another living node holds this node id.
        """

    def update(self, instance: Instance) -> None:
        """Replace the record (same node id and incarnation); returns when asked, not when done."""

    def withdraw(self, timeout_s: float = 2.0) -> None:
        """Take the record out and stop keeping it up. Idempotent, bounded, never raises."""


class Watch(Protocol):
    """A listener's subscription."""

    def close(self) -> None:
        """Stop calling the listener: no call runs or follows after this returned. Idempotent."""


class Registry(Protocol):
    """Membership and agreement for the nodes of a cluster. Thread-safe."""

    def register(self, instance: Instance) -> Registration:
        """Put a node's record in and keep it there through outages, expiry and restarts.

        Returns at once; `Registration.wait` tells when it is done.
        """

    def watch(self, service: str, listener: Listener) -> Watch:
        """Tell a listener of every complete read (`Listed`) and every loss of the registry.

        The first `Listed` follows as soon as the registry answers.
        """

    def agree(self, name: str, proposal: bytes, timeout_s: float = 10.0) -> bytes:
        """The document all nodes hold under this name: the first proposal ever made, for good.

        Readable by nodes only, as far as the backend can enforce it.

        Raises:
            RegistryUnavailable: no answer in time.
        """

    def close(self) -> None:
        """Withdraw what is registered here, end all watches and threads. Idempotent, bounded."""
