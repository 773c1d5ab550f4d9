"""Formats with `%`, of Java, C and PostgreSQL, as DuckDB's text.

Owns what `format('%s: %d', a, b)` becomes: a joined text, since a format of DuckDB has braces and
minds the types. Only a literal can be taken apart.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.generators.duckdb import DuckDBGenerator

_JAVA = frozenset({"athena", "databricks", "hive", "presto", "spark", "trino"})
_POSTGRES = frozenset({"postgres", "redshift"})
_C = frozenset({"bigquery", "sqlite"})
_NAMES: Mapping[str, frozenset[str]] = {
    "FORMAT_STRING": frozenset({"databricks", "hive", "spark"}),
    "PRINTF": frozenset({"databricks", "hive", "spark", "sqlite"}),
}
"""Functions that sqlglot does not know to be formats, by dialect."""

_ITEM = re.compile(
    r"%(?:(?P<number>\d+)\$)?(?P<flags>[-#+ 0,(]*)(?P<width>\d+)?(?:\.(?P<digits>\d+))?(?P<kind>.)",
    re.DOTALL,
)
_PLAIN_NAME = (
    "REGEXP_FULL_MATCH({0}, '[a-z_][a-z0-9_$]*') AND NOT {0} IN (SELECT keyword_name "
    "FROM DUCKDB_KEYWORDS() WHERE keyword_category <> 'unreserved')"
)


@dataclass(frozen=True, slots=True)
class _Item:
    """One `%` of a format.

    Attributes:
        flags: such as `-` and `0`.
        width: in characters, empty = as it comes.
        digits: after the point, or the characters of a text at most; empty = as it comes.
        kind: the letter.
    """

    flags: str
    width: str
    digits: str
    kind: str


def is_known(call: exp.Anonymous, dialect: str) -> bool:
    """Whether a function that sqlglot does not know is a format."""
    return dialect in _NAMES.get(call.name.upper(), ())


def formatted(generator: DuckDBGenerator, arguments: Sequence[exp.Expr], dialect: str) -> str:
    """The text of a format and its values; what has no counterpart is reported as unsupported."""
    pattern, *values = arguments
    if not pattern.is_string:
        generator.unsupported("a format that is no literal has no counterpart in DuckDB")
        return ""
    parts: list[str] = []
    texts = [generator.sql(value) for value in values]
    end = following = 0
    for found in _ITEM.finditer(pattern.name):
        parts.append(_quoted(pattern.name[end : found.start()]))
        end = found.end()
        if found["kind"] in _FIXED and dialect in _KNOWING[found["kind"]]:
            parts.append(_quoted(_FIXED[found["kind"]]))
            continue
        number = int(found["number"]) - 1 if found["number"] else following
        following += 0 if found["number"] else 1
        item = _Item(found["flags"], found["width"] or "", found["digits"] or "", found["kind"])
        part = _part(item, texts[number], dialect) if 0 <= number < len(texts) else None
        if part is None:
            generator.unsupported(f"{found[0]!r} in a format has no counterpart in DuckDB")
            return ""
        parts.append(part)
    parts.append(_quoted(pattern.name[end:]))
    if not any(parts):
        return "''"
    return f"({' || '.join(filter(None, parts))})"


_FIXED = {"%": "%", "n": "\n"}
_KNOWING = {"%": _JAVA | _C | _POSTGRES, "n": _JAVA}


def _quoted(text: str) -> str:
    return _literal(text) if text else ""


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _part(item: _Item, value: str, dialect: str) -> str | None:
    """One value as a text; None = not known."""
    if dialect in _POSTGRES:
        written = _of_postgres(item, value)
    elif item.kind in "sS" or (item.kind == "t" and dialect == "bigquery"):
        written = _of_text(item, value)
    elif item.kind in "dfeE" or (item.kind == "i" and dialect in _C):
        written = _of_number(item, value, dialect)
    else:
        return None
    if written is None or dialect == "bigquery":
        # A NULL makes BigQuery's whole text NULL.
        return written
    missing = "null" if dialect in _JAVA else "0" if item.kind in "dife" else ""
    missing = missing.upper() if item.kind == "S" else missing
    return f"COALESCE({written}, {_padded(item, _literal(missing))})"


def _padded(item: _Item, text: str) -> str:
    """Blanks around a text."""
    if not item.width:
        return text
    return f"FORMAT('{{:{'<' if '-' in item.flags else '>'}{item.width}}}', {text})"


def _of_text(item: _Item, value: str) -> str | None:
    if set(item.flags) - {"-"}:
        return None
    text = f"CAST({value} AS TEXT)"
    text = f"LEFT({text}, {item.digits})" if item.digits else text
    return _padded(item, f"UPPER({text})" if item.kind == "S" else text)


def _of_number(item: _Item, value: str, dialect: str) -> str | None:
    """A number. DuckDB has either thousands or a width, so that a width is added around them."""
    whole = item.kind in "di"
    if set(item.flags) & set("#(") or (whole and item.digits):
        return None
    if "0" in item.flags and ("," in item.flags or "-" in item.flags):
        return None
    digits = "" if whole else f".{item.digits or 6}"
    if not whole:
        if dialect in _JAVA and item.kind == "f":
            # Java rounds the decimal number, others the binary one.
            value = f"ROUND({value}, {item.digits or 6})"
        value = f"CAST({value} AS DOUBLE)"
    sign = next((flag for flag in "+ " if flag in item.flags), "")
    thousands = "," if "," in item.flags else ""
    kind = "d" if whole else item.kind
    if "0" in item.flags:
        return f"FORMAT('{{:{sign}0{item.width}{digits}{kind}}}', {value})"
    return _padded(item, f"FORMAT('{{:{sign}{thousands}{digits}{kind}}}', {value})")


def _of_postgres(item: _Item, value: str) -> str | None:
    """`%s`, `%I` for a name and `%L` for a literal."""
    if set(item.flags) - {"-"} or item.digits:
        return None
    text = f"CAST({value} AS TEXT)"
    match item.kind:
        case "s":
            return _padded(item, text)
        case "I":
            name = f"'\"' || REPLACE({text}, '\"', '\"\"') || '\"'"
            return _padded(
                item, f"CASE WHEN {_PLAIN_NAME.format(text)} THEN {text} ELSE {name} END"
            )
        case "L":
            literal = f"'''' || REPLACE({text}, '''', '''''') || ''''"
            return _padded(item, f"COALESCE({literal}, 'NULL')")
    return None


def _format(generator: DuckDBGenerator, node: exp.Format, dialect: str) -> str:
    if dialect in _JAVA | _POSTGRES | _C:
        return formatted(generator, [node.this, *node.expressions], dialect)
    return generator.format_sql(node)


RULES: Mapping[type[exp.Expr], Callable[[DuckDBGenerator, Any, str], str]] = {exp.Format: _format}
"""How nodes of a dialect are written."""
