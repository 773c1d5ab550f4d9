"""The engine's statements that make an object of the cluster's catalog, or take it away. Pure.

External tables become views of their files. The list of a table's files stands in its view, so the
engine knows from the names which of them a query does not need, and opens none of those.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from flightkeeper.discovery.catalog import locations
from flightkeeper.discovery.catalog.definition import (
    Column,
    Definition,
    Format,
    Kind,
    Macro,
    ObjectName,
    Table,
    View,
)
from flightkeeper.discovery.catalog.partitions import Partition
from flightkeeper.flight_server.engine.catalog import dotted, quoted
from flightkeeper.flight_server.errors import InvalidArgument

FILE_PATTERN = "file_pattern"
"""The option that says how a table's files are called."""
DISCOVER = "discover.partitions"
"""The option of a table whose partitions are looked for without being asked, as in Hive."""
_OURS = frozenset({FILE_PATTERN, DISCOVER})
"""Options that the engine is not told."""

_FLAGS = ("true", "false")
_ANY = ("compression", "union_by_name")
_TEXTS = ("dateformat", "timestampformat", "ignore_errors")
OPTIONS: Mapping[Format, frozenset[str]] = MappingProxyType(
    {
        Format.PARQUET: frozenset({"binary_as_string", "union_by_name"}),
        Format.CSV: frozenset(
            {
                *(*_ANY, *_TEXTS, "comment", "decimal_separator", "delim", "encoding", "escape"),
                *("header", "max_line_size", "new_line", "null_padding", "nullstr", "quote"),
                *("sep", "skip", "strict_mode", "thousands"),
            }
        ),
        Format.JSON: frozenset({*_ANY, *_TEXTS, "format", "maximum_object_size", "records"}),
    }
)
"""What a table may say of its files."""


def check_options(format_: Format, options: Mapping[str, str]) -> None:
    """Raises InvalidArgument, naming those that are not known."""
    if unknown := sorted(set(options) - OPTIONS[format_] - _OURS):
        raise InvalidArgument(
            f"files of {format_} have no option {', '.join(unknown)}; known are "
            f"{', '.join(sorted(OPTIONS[format_] | _OURS))}; nothing was done"
        )
    if options.get(DISCOVER, "true").lower() not in _FLAGS:
        raise InvalidArgument(f"{DISCOVER} is true or false; nothing was done")


def makes(definition: Definition, partitions: Sequence[Partition], place: str) -> Iterator[str]:
    """The statements that make an object, or another one in its place.

    Args:
        partitions: of a table; all of them.
        place: the engine's catalog in which it is made.
    """
    name = full_name(definition.name, place)
    if isinstance(definition.body, Table):
        check_options(definition.body.format, definition.body.options)
    yield f"CREATE SCHEMA IF NOT EXISTS {dotted((place, definition.name.schema))}"
    match definition.body:
        case Table() as table:
            yield f"CREATE OR REPLACE VIEW {name} AS {query(table, partitions)}"
            yield from _comments(definition.comment, table.columns, name)
        case View() as view:
            yield f"CREATE OR REPLACE VIEW {name} AS {view.sql}"
            yield from _comments(definition.comment, (), name)
        case Macro() as macro:
            yield from drops(Kind.MACRO, definition.name, place)
            yield f"CREATE MACRO {name}{macro.sql}"


def drops(kind: Kind, name: ObjectName, place: str) -> Iterator[str]:
    """The statements that take an object away, if it is there."""
    known = full_name(name, place)
    if kind is Kind.MACRO:
        # One name may be both a function and a table.
        yield f"DROP MACRO IF EXISTS {known}"
        yield f"DROP MACRO TABLE IF EXISTS {known}"
    else:
        yield f"DROP VIEW IF EXISTS {known}"


def full_name(name: ObjectName, place: str) -> str:
    """Where the engine has it."""
    return dotted((place, name.schema, name.name))


def query(table: Table, partitions: Sequence[Partition]) -> str:
    """What selects all rows of a table, in its own columns."""
    if not table.partitioned_by:
        pattern = locations.files_pattern(
            table.location, table.format, table.options.get(FILE_PATTERN)
        )
        return _select(table, [pattern], ())
    here = [file for p in partitions if not p.elsewhere for file in files(table, p)]
    selects = [_select(table, here, table.partition_columns)] if here else []
    selects += [
        _select(table, there, (), _constants(table, partition))
        for partition in partitions
        if partition.elsewhere and (there := files(table, partition))
    ]
    return " UNION ALL ".join(selects) if selects else _nothing(table)


def files(table: Table, partition: Partition) -> Sequence[str]:
    """The files of a partition, as patterns."""
    folder = partition.path if partition.elsewhere else f"{table.location}/{partition.path}"
    plain = locations.exactly(folder)
    if partition.files is None:
        return [f"{plain}/{file_pattern(table)}"]
    return [f"{plain}/{locations.exactly(name)}" for name in partition.files]


def is_discovered(table: Table) -> bool:
    """Whether its partitions are looked for without being asked."""
    return bool(table.partitioned_by) and table.options.get(DISCOVER, "false").lower() == "true"


def file_pattern(table: Table) -> str:
    """How the files of a table are called."""
    return table.options.get(FILE_PATTERN) or locations.FILES[table.format]


def text(value: str) -> str:
    """A literal."""
    return "'" + value.replace("'", "''") + "'"


def _select(
    table: Table,
    paths: Sequence[str],
    in_path: Sequence[Column],
    constants: Mapping[str, str] = MappingProxyType({}),
) -> str:
    columns = ", ".join(
        f"CAST({constants.get(c.name, quoted(c.name))} AS {c.type}) AS {quoted(c.name)}"
        for c in table.columns
    )
    inside = [c for c in table.columns if c not in in_path and c.name not in constants]
    arguments = [f"[{', '.join(map(text, paths))}]", *_arguments(table, inside, in_path)]
    return f"SELECT {columns} FROM read_{table.format}({', '.join(arguments)})"  # noqa: S608 - quoted


def _arguments(table: Table, inside: Sequence[Column], in_path: Sequence[Column]) -> Iterator[str]:
    if table.format is not Format.PARQUET:
        yield f"columns = {_types(inside)}"
    yield f"hive_partitioning = {'true' if in_path else 'false'}"
    if in_path:
        yield f"hive_types = {_types(in_path)}"
    for name, value in sorted(table.options.items()):
        if name not in _OURS:
            yield f"{name} = {text(value)}"


def _types(columns: Sequence[Column]) -> str:
    return "{" + ", ".join(f"{text(c.name)}: {text(c.type)}" for c in columns) + "}"


def _constants(table: Table, partition: Partition) -> Mapping[str, str]:
    values = zip(table.partitioned_by, partition.values, strict=True)
    return {name: "NULL" if value is None else text(value) for name, value in values}


def _nothing(table: Table) -> str:
    columns = ", ".join(f"CAST(NULL AS {c.type}) AS {quoted(c.name)}" for c in table.columns)
    return f"SELECT {columns} WHERE false"


def _comments(comment: str, columns: Sequence[Column], name: str) -> Iterator[str]:
    if comment:
        yield f"COMMENT ON VIEW {name} IS {text(comment)}"
    for column in columns:
        if column.comment:
            yield f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {text(column.comment)}"
