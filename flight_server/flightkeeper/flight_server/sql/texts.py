"""Texts as DuckDB's text: joined, split and cut as the client's dialect does.

Owns what functions answer otherwise for lists, limits, and positions before the first character.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.generators.duckdb import DuckDBGenerator

_PRESTO_LIKE = frozenset({"athena", "presto", "trino"})
_JOINS_LISTS = _PRESTO_LIKE | {"databricks", "hive", "spark"}

_LISTS = (
    *(exp.Array, exp.ArrayAgg, exp.ArrayConcat, exp.ArrayDistinct, exp.ArrayFilter),
    *(exp.ArrayUniqueAgg, exp.RegexpSplit, exp.ArraySort, exp.Split, exp.Transform),
)
_TEXTS = (
    *(exp.Concat, exp.ConcatWs, exp.DPipe, exp.Literal, exp.Lower, exp.Null, exp.Substring),
    *(exp.Placeholder, exp.TimeToStr, exp.Trim, exp.Upper),
)

_PATTERN = re.compile(r"[\\^$.|?*+()\[\]{}]")

_ZERO_IS_ONE = frozenset({"bigquery", "databricks", "hive", "oracle", "phoenix", "spark"})
"""Dialects in which position 0 is the first character."""

_ZERO_IS_NOWHERE = _PRESTO_LIKE | {"clickhouse", "impala", "mysql"}
"""Dialects in which nothing begins at 0, or farther from the end than the text is long."""

_BEFORE_ONE = frozenset({"postgres", "redshift", "tsql"})
"""Dialects that count on before the first character: there is nothing, but it has a length."""


def _joined(generator: DuckDBGenerator, node: exp.ConcatWs, dialect: str) -> str:
    """concat_ws, which leaves NULL out, and takes lists for what is in them."""
    if dialect not in _JOINS_LISTS | {"impala"}:
        return generator.concatws_sql(node)
    separator, *values = [generator.sql(value) for value in node.expressions]
    if dialect in _JOINS_LISTS:
        nodes = node.expressions[1:]
        if len(nodes) == 1 and dialect in _PRESTO_LIKE:
            # Joining a NULL is NULL there, joining a text that is NULL is not.
            return _alone(nodes[0], values[0], separator)
        values = [_items(part, text, separator) for part, text in zip(nodes, values, strict=True)]
    return f"CONCAT_WS({', '.join([separator, *values])})"


def _alone(node: exp.Expr, value: str, separator: str) -> str:
    if _is_list(node):
        return f"ARRAY_TO_STRING({value}, {separator})"
    text = f"CONCAT_WS({separator}, {value})"
    if _is_text(node):
        return text
    items = f"ARRAY_TO_STRING(TRY_CAST({value} AS TEXT[]), {separator})"
    return f"CASE WHEN TYPEOF({value}) LIKE '%[]' THEN {items} ELSE {text} END"


def _is_list(node: exp.Expr) -> bool:
    if isinstance(node, exp.Cast):
        return node.to.is_type(exp.DType.ARRAY)
    return isinstance(node, _LISTS)


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, _TEXTS) or (isinstance(node, exp.Cast) and not _is_list(node))


def _items(node: exp.Expr, value: str, separator: str) -> str:
    """A text as it is, or what is in a list as one; of an empty list nothing."""
    if _is_list(node):
        return f"ARRAY_TO_STRING(NULLIF({value}, []), {separator})"
    if _is_text(node):
        return value
    items = f"ARRAY_TO_STRING(NULLIF(TRY_CAST({value} AS TEXT[]), []), {separator})"
    return f"CASE WHEN TYPEOF({value}) LIKE '%[]' THEN {items} ELSE CAST({value} AS TEXT) END"


def _split(generator: DuckDBGenerator, node: exp.Split, _dialect: str) -> str:
    if node.args.get("limit") is None:
        return generator.split_sql(node)
    return _limited(generator, node)


def _split_by_pattern(generator: DuckDBGenerator, node: exp.RegexpSplit, _dialect: str) -> str:
    """Spark's split; with a limit only where its pattern is a plain text."""
    limit, pattern = node.args.get("limit"), node.expression
    if limit is None or isinstance(limit, exp.Neg) or limit.name == "0":
        return generator.func("STR_SPLIT_REGEX", node.this, pattern)
    if not pattern.is_string or _PATTERN.search(pattern.name):
        generator.unsupported("SPLIT with a limit cannot split at a regular expression")
    return _limited(generator, node)


def _limited(generator: DuckDBGenerator, node: exp.Expr) -> str:
    """At most so many parts; the last one is the rest."""
    separator, limit = generator.sql(node, "expression"), generator.sql(node, "limit")
    parts = generator.func("STR_SPLIT", node.this, node.expression)
    rest = f"ARRAY_TO_STRING({parts}[{limit}:], {separator})"
    cut = f"LIST_APPEND({parts}[:{limit} - 1], {rest})"
    return f"CASE WHEN LEN({parts}) > {limit} THEN {cut} ELSE {parts} END"


def _substring(generator: DuckDBGenerator, node: exp.Substring, dialect: str) -> str:
    start, length = node.args.get("start"), node.args.get("length")
    from_end = isinstance(start, exp.Neg) and dialect in _ZERO_IS_ONE
    if start is None or from_end or _is_positive(start):
        return generator.substring_sql(node)
    text, begin = generator.sql(node, "this"), generator.sql(start)
    count = generator.sql(length) if length else ""
    if dialect in _ZERO_IS_ONE:
        begin = "1" if start.name == "0" else f"CASE WHEN {begin} = 0 THEN 1 ELSE {begin} END"
        return f"SUBSTRING({', '.join(filter(None, (text, begin, count)))})"
    if dialect in _ZERO_IS_NOWHERE:
        nowhere = f"{begin} = 0 OR {begin} < -LENGTH({text})"
        count = f"CASE WHEN {nowhere} THEN 0 ELSE {count or f'LENGTH({text})'} END"
        return f"SUBSTRING({text}, {begin}, {count})"
    if dialect in _BEFORE_ONE:
        first = f"CASE WHEN {begin} < 1 THEN 1 ELSE {begin} END"
        if not count:
            return f"SUBSTRING({text}, {first})"
        left = f"({begin} + {count} - 1)"
        shortened = f"CASE WHEN {left} < 0 THEN 0 ELSE {left} END"
        return (
            f"SUBSTRING({text}, {first}, CASE WHEN {begin} < 1 THEN {shortened} ELSE {count} END)"
        )
    return generator.substring_sql(node)


def _is_positive(node: exp.Expr) -> bool:
    """Whether it plainly is a position in a text, or is a parameter."""
    if isinstance(node, exp.Add):
        return isinstance(node.left, exp.StrPosition | exp.Length) and _is_positive(node.right)
    if isinstance(node, exp.Literal):
        return bool(node.name.strip("0"))
    return isinstance(node, exp.Placeholder)


RULES: Mapping[type[exp.Expr], Callable[[DuckDBGenerator, Any, str], str]] = {
    exp.ConcatWs: _joined,
    exp.RegexpSplit: _split_by_pattern,
    exp.Split: _split,
    exp.Substring: _substring,
}
"""How nodes of a dialect are written."""
