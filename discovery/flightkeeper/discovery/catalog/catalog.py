"""The catalog for Python programs: what is defined for all nodes, and changing it.

Nobody tries out here what is defined: nodes say in their records what they cannot make.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from flightkeeper.discovery.catalog import changing, locations
from flightkeeper.discovery.catalog.changing import Author
from flightkeeper.discovery.catalog.definition import Definition, Kind, ObjectName, Table
from flightkeeper.discovery.catalog.log import Log
from flightkeeper.discovery.catalog.partitions import Partition, Values
from flightkeeper.discovery.registry import Registry


class Catalog:
    """The cluster's tables, views and macros. Thread-safe.

    All methods raise RegistryUnavailable when the registry does not answer; what changes something
    says whether it may have been changed, and raises CatalogRefused when it cannot be.
    """

    def __init__(
        self, registry: Registry, by: str, wall_s: Callable[[], float] = time.time
    ) -> None:
        """Look at a registry's catalog.

        Args:
            by: who changes something, for its history.
            wall_s: the clock of the history, Unix time in seconds.
        """
        self._registry = registry
        self._by = by
        self._wall_s = wall_s

    def all(self) -> tuple[Definition, ...]:
        """What is defined, by name."""
        return changing.list_all(self._registry)

    def find(self, name: str) -> Definition | None:
        """What is defined under a name, `schema.name`."""
        return changing.find(self._registry, object_name(name))

    def partitions(self, name: str) -> tuple[Partition, ...]:
        """The partitions of a table, in the order of their values."""
        return changing.read_table(self._registry, object_name(name))[2]

    def history(self) -> Log:
        """The last changes, oldest first."""
        return changing.read_log(self._registry)

    def define(
        self,
        definition: Definition,
        partitions: Iterable[Partition] = (),
        *,
        or_replace: bool = False,
    ) -> int:
        """Define an object for all nodes; the catalog's revision after it.

        Raises:
            UnusableLocation: not every node would find the files there; nothing was changed.
        """
        if isinstance(definition.body, Table):
            location = locations.checked(definition.body.location)
            definition = replace(definition, body=replace(definition.body, location=location))
        return changing.define(
            self._registry,
            definition,
            self._author(),
            partitions=tuple(partitions),
            or_replace=or_replace,
        )

    def drop(self, name: str, kind: Kind = Kind.TABLE) -> int:
        """Take an object out; its files stay. The catalog's revision after it."""
        return changing.drop(self._registry, object_name(name), kind, self._author())

    def comment(self, name: str, text: str, kind: Kind = Kind.TABLE) -> int:
        """Say something about an object; the catalog's revision after it."""
        return changing.comment(self._registry, object_name(name), kind, text, self._author())

    def add_partitions(self, name: str, partitions: Iterable[Partition]) -> int | None:
        """Add partitions, or others in the place of those with the same values.

        Returns: the catalog's revision after it; None = all were there.
        """
        added = tuple(partitions)

        def change(_: Table, there: tuple[Partition, ...]) -> tuple[Partition, ...] | None:
            return None if set(added) <= set(there) else (*there, *added)

        return changing.repartition(self._registry, object_name(name), change, self._author())

    def drop_partitions(self, name: str, values: Iterable[Values]) -> int | None:
        """Take partitions out by their values; their files stay.

        Returns: the catalog's revision after it; None = none was there.
        """
        gone = frozenset(values)

        def change(_: Table, there: tuple[Partition, ...]) -> tuple[Partition, ...] | None:
            left = tuple(partition for partition in there if partition.values not in gone)
            return None if left == there else left

        return changing.repartition(self._registry, object_name(name), change, self._author())

    def _author(self) -> Author:
        return Author(self._by, round(self._wall_s() * 1000))


def object_name(text: str) -> ObjectName:
    """A name as people write it: `schema.name`, or a name in the schema `main`."""
    schema, dot, name = text.partition(".")
    return ObjectName(schema, name) if dot else ObjectName("main", text)
