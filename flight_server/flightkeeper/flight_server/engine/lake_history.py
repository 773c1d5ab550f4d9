"""How the tables of a lake were at its versions, as its catalog tells.

Owns the question which rows of the catalog hold at a version.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.lake import METADATA
from flightkeeper.flight_server.lake.copying import Path

_TABLES = f"""
    SELECT lower(schema_name), lower(table_name), table_id
    FROM (FROM {METADATA}.ducklake_table WHERE {{visible}}) AS t
    JOIN (FROM {METADATA}.ducklake_schema WHERE {{visible}}) AS s USING (schema_id)
    WHERE """  # noqa: S608 - ours
_PATHS = f"""
    SELECT greatest(t.begin_snapshot, s.begin_snapshot), least(t.end_snapshot, s.end_snapshot),
        schema_name, table_name
    FROM {METADATA}.ducklake_table t JOIN {METADATA}.ducklake_schema s USING (schema_id)
    WHERE table_id = $table"""  # noqa: S608 - ours
_COLUMNS = f"""
    SELECT begin_snapshot, end_snapshot,
        column_id, parent_column, column_name, column_type, initial_default
    FROM {METADATA}.ducklake_column
    WHERE table_id = $table ORDER BY column_order, column_id"""  # noqa: S608 - ours


def visible(version: int) -> str:
    """The condition that a row of the catalog holds at a version."""
    return f"begin_snapshot <= {version} AND coalesce(end_snapshot > {version}, true)"


def table(connection: Connection, path: Path, version: int) -> int | None:
    """The number of the table that a name means, whatever its case; None if there is not one."""
    named = "lower(schema_name) = lower($schema) AND lower(table_name) = lower($name)"
    told = {"schema": path[0], "name": path[1]}
    found = connection.rows(f"{_TABLES.format(visible=visible(version))} {named}", told)
    return int(found[0][2]) if len(found) == 1 else None


def names(connection: Connection, tables: Iterable[int], version: int) -> set[tuple[Path, int]]:
    """The names that tables have, in lower case, each with the number of its table."""
    numbers = ", ".join(map(str, tables))
    asked = f"{_TABLES.format(visible=visible(version))} table_id IN ({numbers})"
    return {
        ((str(schema), str(name)), int(number)) for schema, name, number in connection.rows(asked)
    }


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table at a version.

    Attributes:
        fields: the number, name and type of each field in it.
        default: what rows have that are older than it, as text.
    """

    number: int
    fields: frozenset[tuple[int, str, str]]
    default: str | None


class History:
    """How a table was at each version."""

    def __init__(self, connection: Connection, table: int) -> None:
        """`table` is its number."""
        self._paths = connection.rows(_PATHS, {"table": table})
        self._columns = connection.rows(_COLUMNS, {"table": table})

    def path(self, version: int) -> Path:
        """Its schema and name; empty if it was not there."""
        for schema, name in _at(self._paths, version):
            return (schema, name)
        return ("", "")

    def columns(self, version: int) -> Mapping[str, Column]:
        """Its columns, by name and in order."""
        rows = _at(self._columns, version)
        within = {number: parent for number, parent, *_ in rows}

        def column(number: int) -> int:
            while (parent := within[number]) is not None:
                number = parent
            return number

        fields: dict[int, set[tuple[int, str, str]]] = {}
        for number, parent, name, kind, _ in rows:
            if parent is not None:
                fields.setdefault(column(number), set()).add((number, name, kind))
        return {
            name: Column(number, frozenset(fields.get(number, ())), default)
            for number, parent, name, _, default in rows
            if parent is None
        }


def _at(rows: Iterable[Sequence[Any]], version: int) -> list[Sequence[Any]]:
    """What rows with a first version, and one that they are there no more in, tell of one."""
    return [
        told for begin, end, *told in rows if begin <= version and (end is None or end > version)
    ]
