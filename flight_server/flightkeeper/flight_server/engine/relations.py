"""Which tables and views a name could mean for a connection, with the names as they are.

More than DuckDB would find is harmless: who asks has to be allowed all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flightkeeper.discovery.principals.model import folded
from flightkeeper.flight_server.engine.catalog import HIDDEN
from flightkeeper.flight_server.engine.connection import Connection

TEMPORARY = "temp"
"""The catalog of a session's own tables."""
_SYSTEM = "system"
_QUALIFIED = 2

_FOLDED = "translate({name}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
_FOUND = f"""
    SELECT 'place', current_catalog(), current_schema(), current_setting('search_path')
    UNION ALL SELECT 'schema', unnest(current_schemas(true)), NULL, NULL
    UNION ALL SELECT 'catalog', database_name, NULL, NULL FROM duckdb_databases()
    UNION ALL
    SELECT CASE WHEN internal THEN 'internal' ELSE 'relation' END,
           database_name, schema_name, table_name
    FROM duckdb_tables() WHERE list_contains($names, {_FOLDED.format(name="table_name")})
    UNION ALL
    SELECT CASE WHEN internal THEN 'internal' ELSE 'relation' END,
           database_name, schema_name, view_name
    FROM duckdb_views() WHERE list_contains($names, {_FOLDED.format(name="view_name")})
    """  # noqa: S608 - ours
"""All in one question, because each costs a fixed time; a kind and up to three texts each."""

_COLUMNS = """
    SELECT column_name FROM duckdb_columns()
    WHERE database_name = $catalog AND schema_name = $schema AND table_name = $name
    ORDER BY column_index"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view, by its names as they are written in the catalog.

    Attributes:
        internal: it belongs to DuckDB, or holds what is seen elsewhere.
    """

    catalog: str
    schema: str
    name: str
    internal: bool = False

    @property
    def temporary(self) -> bool:
        """Whether it is the session's own."""
        return folded(self.catalog) == TEMPORARY


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a connection looks names up, and what it could find.

    Attributes:
        own: the node's own database.
        catalog: where names without one are looked up first, and `schema` in it.
        searched: catalogs and schemas that names without them may be found in, folded; no
            catalogs = all.
        catalogs: all, folded.
        relations: of the names that were asked for, anywhere.
    """

    own: str
    catalog: str
    schema: str
    searched_catalogs: frozenset[str]
    searched_schemas: frozenset[str]
    catalogs: frozenset[str]
    relations: tuple[Relation, ...]

    def candidates(self, path: Sequence[str]) -> tuple[Relation, ...]:
        """All that a name may mean.

        Args:
            path: one to three names, folded.
        """
        return tuple(one for one in self.relations if self._may_mean(path, one))

    def places(self, path: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """The catalogs and schemas that a new table of this name may come to stand in."""
        match list(path):
            case [_]:
                return ((folded(self.catalog), folded(self.schema)),)
            case ["temp", _]:
                return ((TEMPORARY, "main"),)
            case [first, _]:
                as_schema = (folded(self.catalog), first)
                return (as_schema, (first, "main")) if first in self.catalogs else (as_schema,)
        return ((path[0], path[1]),)

    def _may_mean(self, path: Sequence[str], relation: Relation) -> bool:
        *before, name = path
        catalog, schema = folded(relation.catalog), folded(relation.schema)
        if folded(relation.name) != name:
            return False
        near = not self.searched_catalogs or catalog in self.searched_catalogs
        if not before:
            return near and schema in self.searched_schemas
        if len(path) == _QUALIFIED:
            return (near and schema == before[0]) or catalog == before[0]
        return [catalog, schema] == before


def look_up(connection: Connection, own: str, names: Sequence[str]) -> Scope:
    """What these names could mean for a connection.

    Args:
        own: the node's own database.
        names: without what qualifies them, folded.
    """
    rows = connection.rows(_FOUND, {"names": sorted(set(names))})
    ((catalog, schema, search_path),) = (row[1:] for row in rows if row[0] == "place")
    # Several places may lie in any catalog.
    several = "," in (search_path or "")
    near = frozenset({TEMPORARY, _SYSTEM, folded(catalog), folded(own)})
    return Scope(
        own=folded(own),
        catalog=catalog,
        schema=schema,
        searched_catalogs=frozenset() if several else near,
        searched_schemas=frozenset(folded(row[1]) for row in rows if row[0] == "schema"),
        catalogs=frozenset(folded(row[1]) for row in rows if row[0] == "catalog"),
        relations=tuple(
            Relation(catalog, schema, name, internal=kind == "internal" or schema == HIDDEN)
            for kind, catalog, schema, name in rows
            if kind in {"internal", "relation"}
        ),
    )


def columns(connection: Connection, relation: Relation) -> list[str]:
    """The columns of a table or view, in order."""
    parameters = {
        "catalog": relation.catalog,
        "schema": relation.schema,
        "name": relation.name,
    }
    return [str(name) for (name,) in connection.rows(_COLUMNS, parameters)]
