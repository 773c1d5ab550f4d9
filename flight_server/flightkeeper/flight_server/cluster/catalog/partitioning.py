"""Finding a table's partitions and their files, and making values of what is written of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from flightkeeper.discovery.catalog import locations
from flightkeeper.discovery.catalog.definition import Format, Table
from flightkeeper.discovery.catalog.partitions import Partition, Values
from flightkeeper.flight_server.cluster.catalog import ddl
from flightkeeper.flight_server.cluster.catalog.commands import PartitionSpec
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.errors import InvalidArgument


def values_of(objects: ClusterObjects, table: Table, spec: PartitionSpec) -> Values:
    """The values that a statement gives a partition, as the engine writes them.

    Raises:
        InvalidArgument: they are not one for each partition column, or not of its type.
    """
    if not table.partitioned_by:
        raise InvalidArgument("the table has no partitions; nothing was done")
    given = {name.lower(): value for name, value in spec.values}
    if len(given) != len(spec.values) or set(given) != {c.lower() for c in table.partitioned_by}:
        raise InvalidArgument(
            f"a partition of this table needs a value for each of {', '.join(table.partitioned_by)}"
            ", and no other; nothing was done"
        )
    (values,) = canonical(objects, table, [tuple(given[c.lower()] for c in table.partitioned_by)])
    return values


def canonical(objects: ClusterObjects, table: Table, values: Sequence[Values]) -> Sequence[Values]:
    """Values as the engine writes them, so that one partition has one name."""
    return objects.canonical([column.type for column in table.partition_columns], values)


def partition_at(
    objects: ClusterObjects, table: Table, values: Values, location: str | None
) -> Partition:
    """A partition with the files that are there now.

    Args:
        location: its folder; None = the usual one below that of the table.
    """
    path = locations.folder(table.partitioned_by, values)
    if location is not None:
        path = _below(table, locations.checked(location), values)
    empty = Partition(values, path)
    found = objects.files(ddl.files(table, empty)[0])
    return measured(objects, table, [replace(empty, files=_names(found))])[0]


def _below(table: Table, folder: str, values: Values) -> str:
    """A folder's path as partitions have it: relative to the table's location, if it can be."""
    usual = locations.folder(table.partitioned_by, values)
    return usual if folder == f"{table.location}/{usual}" else folder


def found_partitions(objects: ClusterObjects, table: Table) -> Sequence[Partition]:
    """The partitions that folders `k=v/…` below a table's location say, with their files."""
    levels = "/".join(f"{locations.exactly(column)}=*" for column in table.partitioned_by)
    pattern = f"{locations.exactly(table.location)}/{levels}/{ddl.file_pattern(table)}"
    folders: dict[str, list[str]] = {}
    for file in objects.files(pattern):
        path, _, name = file.removeprefix(f"{table.location}/").rpartition("/")
        folders.setdefault(path, []).append(name)
    return _with_values(objects, table, folders)


def _with_values(
    objects: ClusterObjects, table: Table, folders: Mapping[str, Sequence[str]]
) -> Sequence[Partition]:
    said = {path: locations.values_in(path, table.partitioned_by) for path in folders}
    paths = [path for path, values in said.items() if values is not None]
    values = canonical(objects, table, [said[path] or () for path in paths])
    by_values: dict[Values, str] = {}
    for path, value in zip(paths, values, strict=True):
        if value in by_values:
            raise InvalidArgument(
                f"the folders {by_values[value]} and {path} mean the same partition; nothing was "
                "done: move the files of one into the other"
            )
        by_values[value] = path
    return [Partition(v, path, tuple(sorted(folders[path]))) for v, path in by_values.items()]


def measured(
    objects: ClusterObjects, table: Table, partitions: Iterable[Partition]
) -> list[Partition]:
    """The partitions with rows and bytes, where the files tell without being read."""
    partitions = list(partitions)
    if table.format is not Format.PARQUET:
        return partitions
    paths = {path for p in partitions if p.files for path in _plain(table, p)}
    sizes = objects.parquet_sizes(sorted(paths))
    return [_sized(table, partition, sizes) for partition in partitions]


def _sized(table: Table, partition: Partition, sizes: Mapping[str, tuple[int, int]]) -> Partition:
    if partition.files is None:
        return partition
    found = [sizes.get(path) for path in _plain(table, partition)]
    known = [size for size in found if size is not None]
    if len(known) < len(found):
        return partition
    return replace(partition, rows=sum(n for n, _ in known), bytes=sum(size for _, size in known))


def _plain(table: Table, partition: Partition) -> Sequence[str]:
    folder = partition.path if partition.elsewhere else f"{table.location}/{partition.path}"
    return [f"{folder}/{name}" for name in partition.files or ()]


def _names(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(path.rpartition("/")[2] for path in paths)


def repaired(
    objects: ClusterObjects,
    table: Table,
    there: Sequence[Partition],
    *,
    add: bool,
    drop: bool,
) -> tuple[Partition, ...] | None:
    """The partitions of a table after a look at its location; None = they are the same.

    Args:
        there: those it has; those that lie elsewhere stay as they are.
        add: take up those that are new, and other files of those that are known.
        drop: take out those that are gone.
    """
    if not table.partitioned_by:
        raise InvalidArgument("the table has no partitions; nothing was done")
    known = {partition.values: partition for partition in there}
    found = {partition.values: partition for partition in found_partitions(objects, table)}
    kept = {
        values: partition
        for values, partition in known.items()
        if partition.elsewhere or values in found or not drop
    }
    news = [
        partition
        for values, partition in found.items()
        if add and _is_news(known.get(values), partition)
    ]
    after = {**kept, **{p.values: p for p in measured(objects, table, news)}}
    return None if after == known else tuple(after.values())


def _is_news(known: Partition | None, found: Partition) -> bool:
    if known is None:
        return True
    return not known.elsewhere and (known.path, known.files) != (found.path, found.files)
