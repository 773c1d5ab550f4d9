"""Looks for partitions of the tables that say so, as MSCK REPAIR TABLE … SYNC PARTITIONS does.

A table is looked at without its lock first; the lock is taken only where there is something new.
What is written is guarded by it, so a leader that was frozen meanwhile writes nothing late.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from flightkeeper.discovery.catalog import changing
from flightkeeper.discovery.catalog.changing import Author, CatalogRefused
from flightkeeper.discovery.catalog.definition import Definition, MalformedDefinition, Table
from flightkeeper.discovery.catalog.partitions import Partition
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.locks import Hold, LockTimeout
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.cluster.catalog import ddl, partitioning
from flightkeeper.flight_server.cluster.upkeep.reports import Note, Reports
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.system.events import What

BY = "partition discovery"
"""Who changes a table then, for its history."""

_Partitions = tuple[Partition, ...]


class AllGone(RegistryError):
    """Not one partition was found where there were some. Nothing was changed."""


_ONE_TABLES = (NodeError, AllGone, CatalogRefused, MalformedDefinition, LockTimeout)
"""What keeps one table from being looked at, and no other."""


def checked(there: Sequence[Partition], after: _Partitions | None) -> _Partitions | None:
    """The partitions after a look, if they can be believed.

    Args:
        there: those before.
        after: None = they are the same.

    Raises:
        AllGone: a storage that is not there looks like an empty one.
    """
    if after is not None and _below(there) and not _below(after):
        raise AllGone(
            "not one of its partitions is found any more; nothing was changed: if that is so, say "
            "MSCK REPAIR TABLE … SYNC PARTITIONS"
        )
    return after


def told(there: Sequence[Partition], after: Sequence[Partition]) -> str:
    """What a look has changed, for people."""
    before = {partition.values: partition for partition in there}
    now = {partition.values: partition for partition in after}
    changed = sum(1 for values in before.keys() & now.keys() if before[values] != now[values])
    counts = (len(now.keys() - before.keys()), changed, len(before.keys() - now.keys()))
    return "{} new, {} changed, {} gone".format(*counts)


def _below(partitions: Iterable[Partition]) -> bool:
    return any(not partition.elsewhere for partition in partitions)


class PartitionDiscovery:
    """The duty's step. One thread's."""

    def __init__(
        self,
        registry: Registry,
        objects: ClusterObjects,
        definitions: Callable[[], Iterable[Definition]],
        wall_s: Callable[[], float],
        note: Note,
    ) -> None:
        """Look after the tables of a catalog.

        Args:
            objects: can be asked about files.
            definitions: of the catalog as they are now.
            wall_s: Unix time.
        """
        self._registry = registry
        self._objects = objects
        self._definitions = definitions
        self._wall_s = wall_s
        self._note = note
        self._reports = Reports(What.DUTY_HINDERED, note)

    def step(self, hold: Hold) -> None:
        """Look at each table that says so.

        Raises:
            RegistryError: it was not finished.
        """
        problems: dict[str, str] = {}
        for definition in list(self._definitions()):
            if isinstance(definition.body, Table) and ddl.is_discovered(definition.body):
                hold.check()
                try:
                    self._discover(definition, hold)
                except _ONE_TABLES as exc:
                    problems[str(definition.name)] = str(exc).partition("\n")[0]
        self._reports.found(problems)

    def _discover(self, definition: Definition, hold: Hold) -> None:
        _, table, there = changing.read_table(self._registry, definition.name)
        if self._looked(hold, table, there) is None:
            return
        seen: list[str] = []
        author = Author(BY, round(self._wall_s() * 1000))
        change = partial(self._changed, hold, seen)
        changing.repartition(self._registry, definition.name, change, author)
        for text in seen:
            self._note(What.PARTITIONS_DISCOVERED, str(definition.name), text)

    def _changed(
        self, hold: Hold, seen: list[str], table: Table, there: _Partitions
    ) -> _Partitions | None:
        after = self._looked(hold, table, there)
        seen[:] = [] if after is None else [told(there, after)]
        return after

    def _looked(self, hold: Hold, table: Table, there: _Partitions) -> _Partitions | None:
        after = partitioning.repaired(self._objects, table, there, add=True, drop=True)
        hold.check()
        return checked(there, after)
