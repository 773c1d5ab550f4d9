"""What a statement defines, with all that its files and the engine say of it, tried out here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from flightkeeper.discovery.catalog import locations
from flightkeeper.discovery.catalog.definition import (
    Body,
    Column,
    Definition,
    Format,
    Macro,
    ObjectName,
    Table,
    View,
)
from flightkeeper.flight_server.cluster.catalog import ddl
from flightkeeper.flight_server.cluster.catalog.commands import (
    CreateClusterMacro,
    CreateClusterView,
    CreateExternalTable,
    Creation,
)
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects, trial_name
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument


def definition(objects: ClusterObjects, command: Creation) -> Definition:
    """What a statement defines, when it works here.

    Raises:
        InvalidArgument: it does not.
    """
    _ = command.name.document
    comment = command.comment if isinstance(command, CreateExternalTable) else ""
    definition = Definition(command.name, _body(objects, command), comment=comment)
    if isinstance(definition.body, Table) and definition.body.partitioned_by:
        return definition
    trial = replace(definition, name=ObjectName(command.name.schema, trial_name()))
    statements = [*ddl.makes(trial, (), objects.catalog)]
    # Each is one, also to the engine, which divides a text in its own way.
    if any(len(parse(statement)) > 1 for statement in statements):
        raise InvalidArgument("more than one statement cannot be an object; nothing was done")
    objects.try_out(statements)
    return definition


def _body(objects: ClusterObjects, command: Creation) -> Body:
    match command:
        case CreateExternalTable():
            return _table(objects, command)
        case CreateClusterView():
            return View(command.sql)
        case CreateClusterMacro():
            return Macro(command.sql if command.sql.startswith("(") else f" {command.sql}")
    raise AssertionError(command)


def _table(objects: ClusterObjects, command: CreateExternalTable) -> Table:
    if command.format not in list(Format):
        raise InvalidArgument(
            f"tables are stored as {', '.join(Format).upper()}, and not as "
            f"{command.format.upper()}, which the engine cannot read; nothing was done"
        )
    format_ = Format(command.format)
    options = dict(command.options)
    ddl.check_options(format_, options)
    location = locations.checked(command.location)
    table = Table((), format_, location, options, command.partitioned_by)
    if ddl.DISCOVER in options and not command.partitioned_by:
        raise InvalidArgument(
            f"the table has no partitions to look for: leave out {ddl.DISCOVER}, or say what it is "
            "partitioned by; nothing was done"
        )
    columns = _columns(objects, command, table)
    named = {column.name.lower(): column.name for column in columns}
    partitioned_by = _names(command.partitioned_by, named)
    if len(columns) == len(partitioned_by):
        raise InvalidArgument(
            "a table needs columns besides those it is partitioned by; nothing was done"
        )
    return replace(
        table,
        columns=columns,
        partitioned_by=partitioned_by,
        primary_key=_names(command.primary_key, named),
        arrow_schema=objects.arrow_schema((c.name, c.type) for c in columns),
    )


def _columns(
    objects: ClusterObjects, command: CreateExternalTable, table: Table
) -> tuple[Column, ...]:
    """The columns with the engine's names of their types."""
    written = command.columns or _found_columns(objects, table, command.partition_columns)
    names = {column.name.lower() for column in written}
    more = [c for c in command.partition_columns if c.name.lower() not in names]
    columns = (*written, *more)
    if len({column.name.lower() for column in columns}) < len(columns):
        raise InvalidArgument("two columns have the same name; nothing was done")
    casts = ", ".join(f"CAST(NULL AS {column.type})" for column in columns)
    types = objects.columns(f"SELECT {casts}")
    return tuple(replace(c, type=kind) for c, (_, kind) in zip(columns, types, strict=True))


def _found_columns(
    objects: ClusterObjects, table: Table, declared: Sequence[Column]
) -> tuple[Column, ...]:
    """The columns that the files have."""
    named = table.options.get(ddl.FILE_PATTERN)
    pattern = locations.files_pattern(table.location, table.format, named)
    if table.partitioned_by:
        pattern = f"{table.location}/**/{named or locations.FILES[table.format]}"
    partitioned = "true" if table.partitioned_by else "false"
    question = (
        f"SELECT * FROM read_{table.format}({ddl.text(pattern)}, "  # noqa: S608 - quoted
        f"hive_partitioning = {partitioned})"
    )
    theirs = {column.name.lower() for column in declared}
    found = objects.columns(question)
    return tuple(Column(name, kind) for name, kind in found if name.lower() not in theirs)


def _names(wanted: Sequence[str], columns: Mapping[str, str]) -> tuple[str, ...]:
    unknown = [name for name in wanted if name.lower() not in columns]
    if unknown:
        raise InvalidArgument(f"there is no column {', '.join(unknown)}; nothing was done")
    return tuple(columns[name.lower()] for name in wanted)
