"""What clients ask of the cluster's catalog, as their texts say it: values, nothing that acts."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from flightkeeper.discovery.catalog.definition import Column, Kind, ObjectName
from flightkeeper.flight_server.command import Command


@dataclass(frozen=True, slots=True)
class Creation(Command):
    """Makes an object.

    Attributes:
        or_replace: also in the place of another one.
        if_not_exists: nothing is done if there is one.
    """

    name: ObjectName
    or_replace: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateExternalTable(Creation):
    """Makes a table of files.

    Attributes:
        columns: as they were written; none = as the files have them.
        partition_columns: those that were declared as such only, with their types.
        partitioned_by: names; those of `partition_columns` too.
        format: in lower case.
        options: pairs of names in lower case and values.
    """

    columns: tuple[Column, ...] = ()
    partition_columns: tuple[Column, ...] = ()
    partitioned_by: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    format: str = ""
    location: str = ""
    options: tuple[tuple[str, str], ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class CreateClusterView(Creation):
    """Makes a view. Its query is the engine's SQL."""

    sql: str = ""


@dataclass(frozen=True, slots=True)
class CreateClusterMacro(Creation):
    """Makes a macro. Its definition is all that follows the name, in the engine's SQL."""

    sql: str = ""


@dataclass(frozen=True, slots=True)
class DropObject(Command):
    """Takes an object away."""

    kind: Kind
    name: ObjectName
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class CommentOnObject(Command):
    """Says something about an object; nothing to say no more."""

    kind: Kind
    name: ObjectName
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PartitionSpec:
    """A partition by its values, which are SQL's texts; None = NULL."""

    values: tuple[tuple[str, str | None], ...]
    location: str | None = None


@dataclass(frozen=True, slots=True)
class AddPartitions(Command):
    """Adds partitions to a table."""

    name: ObjectName
    partitions: tuple[PartitionSpec, ...]
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropPartitions(Command):
    """Takes partitions out of a table; their files stay."""

    name: ObjectName
    partitions: tuple[PartitionSpec, ...]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RepairTable(Command):
    """Looks for a table's partitions in its location.

    Attributes:
        add: those that are new are added, and the files of those that are known looked at.
        drop: those that are gone are taken out.
    """

    name: ObjectName
    add: bool = True
    drop: bool = False


_FIELDS: list[Any] = [
    pa.field("partition", pa.string(), nullable=False),
    pa.field("location", pa.string(), nullable=False),
    pa.field("files", pa.int64()),
    pa.field("rows", pa.int64()),
    pa.field("bytes", pa.int64()),
]
PARTITIONS = pa.schema(_FIELDS)
"""`partition` as `k=v/k=v`; what is not known is NULL."""


@dataclass(frozen=True, slots=True)
class ShowPartitions(Command):
    """Lists the partitions of a table, in the order of their values."""

    schema: ClassVar[pa.Schema | None] = PARTITIONS
    read_only: ClassVar[bool] = True

    name: ObjectName
