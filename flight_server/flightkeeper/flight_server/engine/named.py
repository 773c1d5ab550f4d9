"""What a query names, by DuckDB's own parse of it: tables and functions.

A second opinion beside sqlglot's: where they differ, nobody can say what a query would read.
Nothing is bound, and no table is looked at.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flightkeeper.flight_server.engine.sandbox import sandbox

_SERIALIZED = "SELECT json_serialize_sql($1::VARCHAR)"
_BUILTIN = """
    SELECT DISTINCT function_name FROM duckdb_functions() WHERE internal
    UNION
    SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"""


@dataclass(frozen=True, slots=True)
class Named:
    """What a query names.

    Attributes:
        tables: catalog, schema and name of each table or CTE, as often as it is named, sorted;
            empty texts for what is not said.
        table_functions: in a FROM.
        functions: anywhere else, operators too.
        shows: it asks what tables there are; a DESCRIBE of one names that.
    """

    tables: tuple[tuple[str, str, str], ...]
    table_functions: frozenset[str]
    functions: frozenset[str]
    shows: bool


def named(query: str) -> Named | None:
    """What one query names; None if DuckDB does not say. Takes a fraction of a millisecond."""
    with sandbox() as connection:
        row = connection.execute(_SERIALIZED, [query]).fetchone()
    parsed: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if parsed["error"] or len(parsed["statements"]) != 1:
        return None
    nodes = list(_nodes(parsed))
    tables = [node for node in nodes if node.get("type") == "BASE_TABLE"]
    sources = [node["function"] for node in nodes if node.get("type") == "TABLE_FUNCTION"]
    calls = [node for node in nodes if "function_name" in node]
    names = {str(call["function_name"]) for call in calls}
    rows = frozenset(str(source["function_name"]) for source in sources)
    return Named(
        tables=tuple(
            sorted((t["catalog_name"], t["schema_name"], t["table_name"]) for t in tables)
        ),
        table_functions=rows,
        functions=frozenset(names - rows),
        shows=any(node.get("type") == "SHOW_REF" and not node["query"] for node in nodes),
    )


@lru_cache(1)
def builtin_functions() -> frozenset[str]:
    """The functions and reserved words that DuckDB brings along."""
    with sandbox() as connection:
        return frozenset(str(name) for (name,) in connection.execute(_BUILTIN).fetchall())


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
