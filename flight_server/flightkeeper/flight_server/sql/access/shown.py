"""Tables that tell of tables: callers without the superuser role see there what they may use.

Owns which of them are served, and the condition that hides the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flightkeeper.discovery.principals.model import Access, Grant, GrantIndex, Securable


@dataclass(frozen=True, slots=True)
class Shown:
    """A table that tells of others.

    Attributes:
        catalog: its column with the name of the catalog, and so on; None = it has none.
        hidden: columns that tell more than names and types, shown empty.
    """

    catalog: str
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    hidden: tuple[str, ...] = ()


FUNCTIONS: Mapping[str, Shown] = {
    "duckdb_databases": Shown("database_name", hidden=("path", "options")),
    "duckdb_schemas": Shown("database_name", "schema_name", hidden=("sql",)),
    "duckdb_tables": Shown(
        "database_name",
        "schema_name",
        "table_name",
        hidden=("sql", "estimated_size", "check_constraint_count"),
    ),
    "duckdb_views": Shown("database_name", "schema_name", "view_name", hidden=("sql",)),
    "duckdb_columns": Shown(
        *("database_name", "schema_name", "table_name", "column_name"), hidden=("column_default",)
    ),
}
"""By the function that makes the table."""

RELATIONS: Mapping[tuple[str, ...], Shown] = {
    ("information_schema", "schemata"): Shown("catalog_name", "schema_name"),
    ("information_schema", "tables"): Shown("table_catalog", "table_schema", "table_name"),
    ("information_schema", "columns"): Shown(
        *("table_catalog", "table_schema", "table_name", "column_name"), hidden=("column_default",)
    ),
}
"""By schema and name."""

_TEMPORARY = "temp"


def query(source: str, shown: Shown, access: Access, own: str) -> str:
    """A query for those rows of the table that are of what a user may see.

    Args:
        source: the table, as it can stand in a FROM.
        own: what the node's own database is called.
    """
    conditions = [_is(shown.catalog, _TEMPORARY)]
    conditions += dict.fromkeys(_about(shown, grant, own) for grant in access.grants)
    # An empty value of the same type.
    hidden = ", ".join(f"CASE WHEN false THEN {name} END AS {name}" for name in shown.hidden)
    columns = f"* REPLACE ({hidden})" if hidden else "*"
    return f"SELECT {columns} FROM {source} WHERE {' OR '.join(conditions)}"  # noqa: S608 - quoted


def columns_seen(index: GrantIndex, table: Securable) -> frozenset[str] | None:
    """The columns of a table that a user may know of; None = all."""
    covering = index.covering(table)
    limited = [grant.columns for grant in covering if grant.columns is not None]
    if not limited or len(limited) < len(covering):
        return None
    return frozenset().union(*limited)


def _about(shown: Shown, grant: Grant, own: str) -> str:
    """Whether a row is about what a grant is on, or where that lies."""
    on = grant.on
    parts = [_is(shown.catalog, on.catalog or own)]
    for column, name in ((shown.schema, on.schema), (shown.table, on.table)):
        if column is not None and name is not None:
            parts.append(_is(column, name))
    if shown.column is not None and grant.columns is not None:
        names = ", ".join(map(_literal, sorted(grant.columns)))
        parts.append(f"lower({shown.column}) IN ({names})")
    return f"({' AND '.join(parts)})"


def _is(column: str, name: str) -> str:
    return f"lower({column}) = {_literal(name)}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
