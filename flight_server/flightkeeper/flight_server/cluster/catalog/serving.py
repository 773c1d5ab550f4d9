"""What clients ask of the catalog, done: checked on this node, written, and confirmed by all.

A definition is tried out on the engine of the node that is asked before it is written, so that what
no node can make is refused with nothing changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from flightkeeper.discovery.catalog import changing, locations
from flightkeeper.discovery.catalog.changing import Author
from flightkeeper.discovery.catalog.definition import (
    ObjectName,
    Table,
)
from flightkeeper.discovery.catalog.partitions import Partition, Values
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.cluster.catalog import confirming, defining, partitioning
from flightkeeper.flight_server.cluster.catalog.commands import (
    PARTITIONS,
    AddPartitions,
    CommentOnObject,
    CreateClusterMacro,
    CreateClusterView,
    CreateExternalTable,
    Creation,
    DropObject,
    DropPartitions,
    RepairTable,
    ShowPartitions,
)
from flightkeeper.flight_server.cluster.commands import Handler
from flightkeeper.flight_server.cluster.failures import translated
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument, TimedOut

_CONFIRMED_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class CatalogCommands:
    """Serves statements about the catalog. Thread-safe.

    Attributes:
        service: whose nodes have to confirm a change.
        wall_s: the clock of the history.
    """

    registry: Registry
    objects: ClusterObjects
    service: str
    wall_s: Callable[[], float]

    def handlers(self) -> Mapping[type[Command], Handler]:
        """Who runs what."""
        return {
            CreateExternalTable: self._create,
            CreateClusterView: self._create,
            CreateClusterMacro: self._create,
            DropObject: self._drop,
            CommentOnObject: self._comment,
            AddPartitions: self._add,
            DropPartitions: self._take_out,
            RepairTable: self._repair,
            ShowPartitions: self._show,
        }

    def _create(self, call: Call, connection: Connection, command: Creation) -> None:
        _outside_transaction(connection)
        with translated():
            if command.if_not_exists and changing.find(self.registry, command.name) is not None:
                return
            definition = defining.definition(self.objects, command)
            revision = changing.define(
                self.registry, definition, self._author(call), or_replace=command.or_replace
            )
        self._confirm(call, command.name, revision)

    def _drop(self, call: Call, connection: Connection, command: DropObject) -> None:
        _outside_transaction(connection)
        with translated():
            if command.if_exists and changing.find(self.registry, command.name) is None:
                return
            revision = changing.drop(self.registry, command.name, command.kind, self._author(call))
        self._confirm(call, command.name, revision)

    def _comment(self, call: Call, connection: Connection, command: CommentOnObject) -> None:
        _outside_transaction(connection)
        with translated():
            revision = changing.comment(
                self.registry, command.name, command.kind, command.comment, self._author(call)
            )
        self._confirm(call, command.name, revision)

    def _add(self, call: Call, connection: Connection, command: AddPartitions) -> None:
        def change(table: Table, there: tuple[Partition, ...]) -> tuple[Partition, ...] | None:
            known = {partition.values: partition for partition in there}
            for spec in command.partitions:
                values = partitioning.values_of(self.objects, table, spec)
                if values in known and not command.if_not_exists:
                    raise InvalidArgument(
                        f"there is a partition {_text(table, values)} already; nothing was done"
                    )
                if values not in known:
                    known[values] = partitioning.partition_at(
                        self.objects, table, values, spec.location
                    )
            return tuple(known.values()) if len(known) > len(there) else None

        self._repartition(call, connection, command.name, change)

    def _take_out(self, call: Call, connection: Connection, command: DropPartitions) -> None:
        def change(table: Table, there: tuple[Partition, ...]) -> tuple[Partition, ...] | None:
            known = {partition.values: partition for partition in there}
            for spec in command.partitions:
                values = partitioning.values_of(self.objects, table, spec)
                if known.pop(values, None) is None and not command.if_exists:
                    raise InvalidArgument(
                        f"there is no partition {_text(table, values)}; nothing was done"
                    )
            return tuple(known.values()) if len(known) < len(there) else None

        self._repartition(call, connection, command.name, change)

    def _repair(self, call: Call, connection: Connection, command: RepairTable) -> None:
        def change(table: Table, there: tuple[Partition, ...]) -> tuple[Partition, ...] | None:
            return partitioning.repaired(
                self.objects, table, there, add=command.add, drop=command.drop
            )

        self._repartition(call, connection, command.name, change)

    def _show(self, call: Call, connection: Connection, command: ShowPartitions) -> pa.Table:
        del call, connection
        with translated():
            _, table, partitions = changing.read_table(self.registry, command.name)
        rows = [
            {
                "partition": locations.folder(table.partitioned_by, partition.values),
                "location": partition.path
                if partition.elsewhere
                else f"{table.location}/{partition.path}",
                "files": None if partition.files is None else len(partition.files),
                "rows": _known(partition.rows),
                "bytes": _known(partition.bytes),
            }
            for partition in partitions
        ]
        return pa.Table.from_pylist(rows, PARTITIONS)

    def _repartition(
        self,
        call: Call,
        connection: Connection,
        name: ObjectName,
        change: Callable[[Table, tuple[Partition, ...]], tuple[Partition, ...] | None],
    ) -> None:
        _outside_transaction(connection)
        with translated():
            revision = changing.repartition(self.registry, name, change, self._author(call))
        if revision is not None:
            self._confirm(call, name, revision)

    def _author(self, call: Call) -> Author:
        return Author(call.identity.principal, round(self.wall_s() * 1000))

    def _confirm(self, call: Call, name: ObjectName, revision: int) -> None:
        """Wait until all nodes have it.

        Raises:
            TimedOut: some do not say so.
            EngineFailed: some cannot make it.
        """
        found = confirming.wait(
            self.registry,
            self.service,
            revision,
            str(name),
            gone=lambda: call.cancelled,
            timeout_s=_CONFIRMED_WITHIN_S,
        )
        done = f"{name} was changed in the catalog of the cluster (revision {revision})"
        if found.behind is None:
            raise TimedOut(f"{done}, but the registry does not say whether all nodes have followed")
        if found.unable:
            told = "; ".join(f"{node}: {reason}" for node, reason in found.unable)
            raise EngineFailed(f"{done}, but there are nodes that cannot make it: {told}")
        if found.behind:
            raise TimedOut(
                f"{done}, but these nodes have not followed within {_CONFIRMED_WITHIN_S:g} s: "
                f"{', '.join(found.behind)}; they will as soon as they can"
            )


def _text(table: Table, values: Values) -> str:
    return locations.folder(table.partitioned_by, values)


def _known(number: int) -> int | None:
    return None if number < 0 else number


def _outside_transaction(connection: Connection) -> None:
    if connection.in_transaction:
        raise InvalidArgument(
            "the catalog of the cluster is not changed within a transaction; nothing was done"
        )
