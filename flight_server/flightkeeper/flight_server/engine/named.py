"""What a query names, by DuckDB's own parse of it: tables and functions.

A second opinion beside sqlglot's: where they differ, nobody can say what a query would read.
Nothing is bound, and no table is looked at.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flightkeeper.flight_server.engine.sandbox import sandbox
from flightkeeper.flight_server.lake.functions import FEED, NEWEST

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
        feeds: catalog, schema and name of those that tell of a lake's changes or versions, and the
            text they are given first, as often as they are called, sorted.
        functions: anywhere else, operators too.
        shows: it asks what tables there are; a DESCRIBE of one names that.
    """

    tables: tuple[tuple[str, str, str], ...]
    table_functions: frozenset[str]
    feeds: tuple[tuple[str, str, str, str], ...]
    functions: frozenset[str]
    shows: bool


def named(query: str) -> Named | None:
    """What one query names; None if DuckDB does not say. Takes a fraction of a millisecond."""
    parsed = tree(query)
    if parsed is None:
        return None
    found = list(nodes(parsed))
    tables = [node for node in found if node.get("type") == "BASE_TABLE"]
    sources = [node["function"] for node in found if node.get("type") == "TABLE_FUNCTION"]
    calls = [node for node in found if "function_name" in node]
    names = {str(call["function_name"]) for call in calls}
    rows = frozenset(str(source["function_name"]) for source in sources)
    return Named(
        tables=tuple(
            sorted((t["catalog_name"], t["schema_name"], t["table_name"]) for t in tables)
        ),
        table_functions=rows,
        feeds=tuple(sorted(_feed(source) for source in sources if _tells(source))),
        functions=frozenset(names - rows),
        shows=any(node.get("type") == "SHOW_REF" and not node["query"] for node in found),
    )


def is_feed(call: Mapping[str, Any]) -> bool:
    """Whether a call, as a node of a syntax tree, tells what was changed of a table."""
    return str(call["function_name"]).lower() in FEED


def _tells(call: Mapping[str, Any]) -> bool:
    return is_feed(call) or str(call["function_name"]).lower() == NEWEST


def _feed(call: Mapping[str, Any]) -> tuple[str, str, str, str]:
    told = arguments(call)[:1]
    text = next(map(_said, told), "")
    return (call["catalog"], call["schema"], call["function_name"], str(text))


def arguments(call: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The arguments of a call, as nodes; since DuckDB 2.0 they are called so."""
    if "children" in call:
        return list(call["children"])
    return [argument["expression"] for argument in call["arguments"]]


def _said(argument: Mapping[str, Any]) -> Any:
    """What a literal says; None if it is none."""
    value = argument.get("value", {}).get("value")
    return argument.get("literal", {}).get("text") if value is None else value


@lru_cache(1)
def builtin_functions() -> frozenset[str]:
    """The functions and reserved words that DuckDB brings along."""
    with sandbox() as connection:
        return frozenset(str(name) for (name,) in connection.execute(_BUILTIN).fetchall())


def tree(query: str) -> Any:
    """DuckDB's syntax tree of one query; None if the text is something else."""
    with sandbox() as connection:
        row = connection.execute(_SERIALIZED, [query]).fetchone()
    answer: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    return None if answer["error"] or len(answer["statements"]) != 1 else answer["statements"][0]


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """The objects of a syntax tree."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)
