"""The same query over copies of tables, in the place of the tables themselves.

Theory. The names of the tables are replaced in the text, each by a copy's that is called as the
table was; and DuckDB's own parse of the outcome is held against that of the original.

Owns that judgement. A query that asks for what only the table has, or that tells how it is written,
is not run over its copy.
"""

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any

from flightkeeper.flight_server.engine.lake_names import Table, ends, parsed, reworded
from flightkeeper.flight_server.engine.named import nodes
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.engine.types import quoted

_CACHED_MAX = 2048
_CHARACTERS_MAX = 16_384
"""Of longer texts nothing is remembered, and none runs over copies."""
_ONLY_OF_TABLES = (
    *("rowid", "snapshot_id", "filename", "file_index", "file_row_number", "row_id"),
    # They tell the text that runs, how a column is kept, and what may be NULL in a table.
    *("current_query", "stats", "show_ref"),
)
"""Columns that `*` does not show, functions, and what DuckDB calls a DESCRIBE, lower case."""
_SCHEMA = "main"
_QUALIFIED = 3
"""A column has so many names, or more, if it is told with its table's schema."""


def suits(sql: str, places: AbstractSet[str]) -> bool:
    """Whether a pure read would be the same over copies of all of its tables.

    Args:
        places: the catalog and the schemas of the tables, lower case.
    """
    return len(sql) <= _CHARACTERS_MAX and _suits(sql, frozenset(places))


@lru_cache(_CACHED_MAX)
def _suits(sql: str, places: frozenset[str]) -> bool:
    tree = parsed(sql)
    told = json.dumps(tree).lower()
    if tree is None or any(f'"{name}"' in told for name in _ONLY_OF_TABLES):
        return False
    return not any(_tells(node) or _is_within(node, places) for node in nodes(tree))


def _tells(node: Mapping[str, Any]) -> bool:
    """Whether it has a column that is called by a text with a table in it, or takes a sample."""
    unnamed = (item for item in node.get("select_list") or () if not item["alias"])
    return node.get("sample") is not None or any(
        inner.get("class") == "SUBQUERY" for item in unnamed for inner in nodes(item)
    )


def _is_within(node: Mapping[str, Any], places: AbstractSet[str]) -> bool:
    """Whether it is a column told with its table's schema, which a copy is not in."""
    names = node.get("column_names") or []
    return len(names) >= _QUALIFIED and str(names[0]).lower() in places


def over(statement: Statement, catalog: str, copies: Mapping[Table, str]) -> Statement | None:
    """A pure read that suits copies, over some; None if they cannot be put into its text.

    Args:
        catalog: where the copies are.
        copies: their names, each for a table that the statement names.
    """
    text = _text(statement.sql, catalog, tuple(copies.items()))
    return None if text is None else reworded(statement, text)


@lru_cache(_CACHED_MAX)
def _text(sql: str, catalog: str, copies: tuple[tuple[Table, str], ...]) -> str | None:
    text = _replaced(sql, catalog, copies)
    return text if text is not None and _is_same(sql, text, catalog, copies) else None


def _replaced(sql: str, catalog: str, copies: tuple[tuple[Table, str], ...]) -> str | None:
    names, text = dict(copies), sql.encode()
    found = ends(sql, names, called=False)
    for table, end in found or ():
        called = "" if table.alias else f" AS {quoted(table.path[-1])}"
        stands_in = f"{quoted(catalog)}.{_SCHEMA}.{quoted(names[table])}{called} "
        text = text[: table.place] + stands_in.encode() + text[end:]
    return None if found is None else text.decode()


def _is_same(sql: str, changed: str, catalog: str, copies: tuple[tuple[Table, str], ...]) -> bool:
    """Whether a text is another one with copies for tables, and nothing else."""
    before, after = parsed(sql), parsed(changed)
    if before is None or after is None:
        return False
    names = {table.place: (table, name) for table, name in copies}
    for node in nodes(before):
        found = names.get(node.pop("query_location", -1))
        if found is not None and node.get("type") == "BASE_TABLE":
            table, name = found
            node |= {"catalog_name": catalog, "schema_name": _SCHEMA, "table_name": name}
            node["alias"] = node["alias"] or table.path[-1]
    for node in nodes(after):
        node.pop("query_location", None)
    return bool(before == after)
