"""The same query over copies of tables, in the place of the tables themselves.

Theory. The names of the tables are replaced in the text, each by a copy's that is called as the
table was; and DuckDB's own parse of the outcome is held against that of the original.

Owns that judgement. A query that asks for what only the table has is not run over its copy.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from flightkeeper.flight_server.engine.lake_names import Table, end_of, parsed
from flightkeeper.flight_server.engine.named import nodes
from flightkeeper.flight_server.engine.statement import Statement, parse, words_at
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.errors import InvalidArgument

_CACHED_MAX = 2048
_ONLY_OF_TABLES = (
    *("rowid", "snapshot_id", "filename", "file_index", "file_row_number", "row_id"),
    # They tell the text that runs, and what may be NULL in a table.
    *("current_query", "show_ref"),
)
"""Columns that `*` does not show, a function, and what DuckDB calls a DESCRIBE, lower case."""
_SCHEMA = "main"


def over(statement: Statement, catalog: str, copies: Mapping[Table, str]) -> Statement | None:
    """A pure read over copies; None if it would not be the same.

    Args:
        catalog: where the copies are.
        copies: their names, each for a table that the statement names.
    """
    text = _text(statement.sql, catalog, tuple(copies.items()))
    if text is None:
        return None
    try:
        (other,) = parse(text)
    except (InvalidArgument, ValueError):
        return None
    return replace(statement, sql=other.sql, parsed=other.parsed)


@lru_cache(_CACHED_MAX)
def _text(sql: str, catalog: str, copies: tuple[tuple[Table, str], ...]) -> str | None:
    text = _replaced(sql, catalog, copies)
    return text if text is not None and _is_same(sql, text, catalog, copies) else None


def _replaced(sql: str, catalog: str, copies: tuple[tuple[Table, str], ...]) -> str | None:
    words = words_at(sql)
    starts = {place: number for number, (place, _) in enumerate(words)}
    text = sql.encode()
    for table, name in sorted(copies, key=lambda one: one[0].place, reverse=True):
        number = starts.get(table.place)
        if number is None:
            return None
        after = end_of(words, number, replace(table, alias=False, renames=False))
        end = words[after][0] if after < len(words) else len(text)
        called = "" if table.alias else f" AS {quoted(table.path[-1])}"
        stands_in = f"{quoted(catalog)}.{_SCHEMA}.{quoted(name)}{called} "
        text = text[: table.place] + stands_in.encode() + text[end:]
    return text.decode()


def _is_same(sql: str, changed: str, catalog: str, copies: tuple[tuple[Table, str], ...]) -> bool:
    """Whether a text is another one with copies for tables, and nothing else."""
    before, after = parsed(sql), parsed(changed)
    if before is None or after is None:
        return False
    told = json.dumps(before).lower()
    if any(f'"{name}"' in told for name in _ONLY_OF_TABLES):
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
