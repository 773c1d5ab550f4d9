"""What a node is as a member of a cluster: the parts that follow it and change it, put together.

The node's composition root makes one if it has a registry. Owns their order: the engine has what
the cluster agreed on before the node is found by anybody.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from flightkeeper.discovery.leading import Work
from flightkeeper.discovery.reference_tables import ReferenceTables
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.account_changes import AccountChanges
from flightkeeper.flight_server.cluster.catalog.part import CatalogPart
from flightkeeper.flight_server.cluster.commands import Commands
from flightkeeper.flight_server.cluster.duties import Duties
from flightkeeper.flight_server.cluster.home import home
from flightkeeper.flight_server.cluster.principals import LivePrincipals
from flightkeeper.flight_server.cluster.reference_changes import ReferenceChanges
from flightkeeper.flight_server.cluster.reference_following import FollowedTables
from flightkeeper.flight_server.cluster.session_locks import SessionLocks
from flightkeeper.flight_server.cluster.upkeep.reports import Note
from flightkeeper.flight_server.cluster.upkeep.table import Around, duties
from flightkeeper.flight_server.config import IN_MEMORY, NodeSettings
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.engine.database import Database

Tell = Callable[..., None]
"""Told what the node's record is to say of a part, as `OwnRecord.tell`."""


def _keeps_it(settings: NodeSettings) -> bool:
    """Whether the database in which names are looked up is the node's own, and in memory."""
    return settings.database == IN_MEMORY and settings.lake is None


class Member:
    """A node's part in its cluster. `start` once, `serve` when it is found, then `close`.

    Attributes:
        objects: what the engine has of the cluster's catalog.
        commands: what statements may ask of the cluster.
    """

    def __init__(
        self,
        registry: Registry,
        database: Database,
        clocks: Clocks,
        tell: Tell,
        locks: SessionLocks,
        settings: Callable[[], NodeSettings],
        note: Note,
        principals: LivePrincipals | None = None,
        *,
        more: Mapping[str, Work] = MappingProxyType({}),
    ) -> None:
        """Make the parts.

        Args:
            locks: those of the node's sessions.
            settings: the node's that hold now; as it was started, until it is.
            note: takes down what happens, as `Events.record`.
            principals: the accounts, where they are the registry's; who makes them starts them.
            more: further duties, by their names.
        """
        started = settings()
        with database.lent() as connection:
            place = home(connection, in_memory=_keeps_it(started))
        tables = ReferenceTables(registry)
        self._tables = FollowedTables(
            tables, database, place, lambda problem: tell("reference tables", problem)
        )
        changes = ReferenceChanges(tables, self._tables, clocks)
        self.objects = ClusterObjects(database, place.catalog)
        self._catalog = CatalogPart(registry, self.objects, started.service, clocks.wall_s, tell)
        around = Around(
            *(registry, self.objects, clocks, settings, lambda: self._catalog.definitions, note)
        )
        self._duties = Duties(registry, {**duties(around), **more}, clocks.wall_s)
        handlers = {**changes.handlers(), **locks.handlers(), **self._catalog.handlers()}
        if principals is not None:
            handlers |= AccountChanges(registry, principals, clocks).handlers()
        self.commands = Commands(handlers, [changes, self._catalog.owner])

    def start(self, timeout_s: float) -> bool:
        """Begin; whether the engine has all that the registry says. False: no answer yet."""
        followed = self._tables.start(timeout_s)
        return self._catalog.start(timeout_s) and followed

    def serve(self, node_id: str) -> None:
        """Stand for the duties of the cluster as this node."""
        self._duties.stand(node_id)

    def close(self) -> None:
        """Give duties up, and follow no more. Idempotent, bounded."""
        self._duties.close()
        self._catalog.close()
        self._tables.close()
