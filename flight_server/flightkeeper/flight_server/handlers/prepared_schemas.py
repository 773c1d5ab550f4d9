"""What a statement is announced with when it is prepared: its parameters and its columns.

Drivers rely on both. JDBC makes vectors for its values from the one, and takes a statement without
columns for a change. So every statement that answers with rows is announced with columns: the ones
it will have if that can be told without running it, else one that says so.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server.engine.binder import binding
from flightkeeper.flight_server.engine.connection import Connection, Parameters
from flightkeeper.flight_server.engine.statement import Script, Statement, parse
from flightkeeper.flight_server.engine.type_info import TYPE_NAME, metadata
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.handlers.parameters import rows_of
from flightkeeper.flight_server.sql.client_types import TEXT, client_type
from flightkeeper.flight_server.sql.parameter_types import infer

UNKNOWN = pa.schema([pa.field("known once it has run", pa.null())])
"""The columns of an answer of which nothing can be told before."""
_NOTHING = pa.schema([])
_CATALOG_ERROR = "Catalog Error"
_BEGIN = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?P<word>\w*)", re.DOTALL)
_SELDOM_ROWS = {"checkpoint", "force", "pragma"}
"""What begins like this passes for a query, but mostly answers nothing."""


def parameter_schema(connection: Connection, statement: Statement) -> pa.Schema:
    """One field for each parameter, of a type that clients can fill and DuckDB takes there.

    Args:
        connection: from `aside`.
    """
    try:
        with binding(connection) as binder:
            types = infer(statement.sql, binder, is_query=statement.read_only)
    except NodeError:
        types = {}
    return pa.schema([_field(name, types.get(name.lower())) for name in parameter_names(statement)])


def parameter_names(statement: Statement) -> list[str]:
    """The parameters of a statement in the order in which they are announced."""
    return sorted(statement.parameters, key=lambda name: (len(name), name))


def restored(parameters: pa.Table) -> pa.Table:
    """Bound values, in types that DuckDB casts to the announced ones.

    It casts milliseconds to every other unit, but not to seconds.
    """
    for index, field in enumerate(parameters.schema):
        announced = (field.metadata or {}).get(TYPE_NAME)
        if field.type == pa.timestamp("ms") and announced == b"TIMESTAMP_S":
            seconds = parameters.column(index).cast(pa.timestamp("s"), safe=False)
            parameters = parameters.set_column(index, field.with_type(seconds.type), seconds)
    return parameters


def dataset_schema(
    connection: Connection, beside: Connection, script: Script, parameters: pa.Schema
) -> pa.Schema:
    """The columns that a script's last statement answers with.

    Args:
        connection: one that sees what the statement will see.
        beside: from `aside`.
        parameters: the last statement's.

    Raises:
        NodeError: what DuckDB says to a plain read without parameters.
    """
    *before, last = script
    if last.command is not None and last.command.schema is not None:
        return last.command.schema
    try:
        read = _as_read(last)
        if read is None:
            return _NOTHING if _begin(last)[0] in _SELDOM_ROWS else UNKNOWN
        if last.parameters:
            return _bound_columns(connection, beside, read, parameters)
        return connection.describe(read)
    except NodeError:
        if last.read_only and not before:
            raise
        return UNKNOWN


def _field(name: str, engine_type: str | None) -> "pa.Field[Any]":
    if engine_type is None:
        return pa.field(name, TEXT.arrow)
    return pa.field(name, client_type(engine_type).arrow, metadata=dict(metadata(engine_type)))


def _bound_columns(
    connection: Connection, beside: Connection, read: Statement, parameters: pa.Schema
) -> pa.Schema:
    """The columns of a read if values of the announced types are bound."""
    error = ""
    for values in (_samples(parameters, read), None):
        try:
            return beside.describe(read, values)
        except NodeError as exc:
            error = str(exc)
    # A table of an open transaction is seen in there only.
    if beside is not connection and error.startswith(_CATALOG_ERROR):
        with suppress(NodeError):
            return connection.describe(read)
    return UNKNOWN


def _samples(parameters: pa.Schema, read: Statement) -> Parameters:
    """Some values of the announced types, for those parameters that the read has."""
    values = [client_type(_engine_type(field)).sample for field in parameters]
    table = pa.Table.from_pylist(
        [dict(zip(parameters.names, values, strict=True))], schema=parameters
    )
    (row,) = rows_of(restored(table)) or [{}]
    return {name: row[name] for name in read.parameters}


def _engine_type(field: "pa.Field[Any]") -> str:
    return (field.metadata or {}).get(TYPE_NAME, TEXT.sql.encode()).decode()


def _as_read(statement: Statement) -> Statement | None:
    """A pure read that answers in the same columns, if there is one."""
    if statement.read_only:
        return statement
    word, rest = _begin(statement)
    text = _AS_READS[word](statement.sql, rest) if word in _AS_READS else None
    if text is None:
        return None
    read = parse(text)[0]
    return read if read.read_only else None


def _begin(statement: Statement) -> tuple[str, str]:
    """The first word of a statement, and what comes after it."""
    found = _BEGIN.match(statement.sql)
    assert found is not None
    return found["word"].lower(), statement.sql[found.end() :]


def _of_pragma(_: str, rest: str) -> str:
    name, _, arguments = rest.strip().rstrip(";").partition("(")
    arguments = arguments.rstrip().removesuffix(")")
    if arguments.isidentifier():
        arguments = f"'{arguments}'"
    return f"SELECT * FROM pragma_{name}({arguments})"  # noqa: S608 - from the statement


def _of_returning(sql: str, _: str) -> str | None:
    # Loading the parser takes a fifth of a second, and most statements do without.
    from flightkeeper.flight_server.sql import bindable  # noqa: PLC0415

    try:
        return bindable.answer(sql)
    except Exception:  # noqa: BLE001 - whatever a text makes of the parser costs the columns only
        return None


_AS_READS: Mapping[str, Callable[[str, str], str | None]] = {
    # It runs the statement, but its own columns are always the same.
    "explain": lambda _, __: "EXPLAIN SELECT 1",
    "call": lambda _, rest: f"SELECT * FROM {rest}",  # noqa: S608 - from the statement
    "pragma": _of_pragma,
    "insert": _of_returning,
    "update": _of_returning,
    "delete": _of_returning,
    "merge": _of_returning,
    "with": _of_returning,
}
"""Reads instead of statements that would run if the engine were asked about them."""
