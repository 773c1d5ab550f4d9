"""Rules for tests: some callers are superusers, and nobody else may do anything."""

from dataclasses import dataclass

from flightkeeper.discovery.principals.model import Access
from flightkeeper.flight_server.cluster.authorization import Rules
from flightkeeper.flight_server.system.rights import Rights


@dataclass(frozen=True)
class Granting(Rules):
    """Grants in which these are superusers."""

    superusers: frozenset[str]

    def access(self, principal: str) -> Access:
        """What a user may do."""
        return Access(principal in self.superusers)


def rights(*superusers: str) -> Rights:
    """Rights under such rules."""
    return Rights(Granting(frozenset(superusers)))
