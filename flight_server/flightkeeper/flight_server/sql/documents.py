"""JSON in a tree, between a client's dialect and DuckDB.

Owns which paths answer text and which a document. Trees are changed in place.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

_MODE = re.compile(r"\s*(lax|strict)\s+", re.IGNORECASE)
_VARIANTS = frozenset({"databricks", "snowflake"})
_TEXTS = tuple(exp.DataType.TEXT_TYPES)


def _plain_path(function: exp.Expr, _dialect: str) -> None:
    """`lax $.a` as a path; DuckDB knows no modes."""
    for literal in function.find_all(exp.Literal):
        if literal.is_string and _MODE.match(literal.name):
            literal.set("this", _MODE.sub("", literal.name))


def _extracted(node: exp.JSONExtract, dialect: str) -> None:
    """A part of a document is its text where it is cast to text or compared with one."""
    _plain_path(node, dialect)
    parent = node.parent
    is_text = isinstance(parent, exp.Cast) and parent.to.is_type(*_TEXTS)
    if isinstance(parent, exp.Predicate):
        is_text = any(isinstance(side, exp.Literal) and side.is_string for side in _sides(parent))
    # Databricks' paths lead into texts of JSON, and what they answer is text.
    if dialect in _VARIANTS and (is_text or dialect == "databricks"):
        node.replace(_scalar(node.this, node.expression))


def _sides(node: exp.Expr) -> list[Any]:
    return [node.args.get("expression"), node.this, *node.expressions]


def _scalar(value: exp.Expr, path: exp.Expr) -> exp.Expr:
    return exp.paren(exp.JSONExtractScalar(this=value.copy(), expression=path.copy()))


def _postgres_path(node: exp.Expr, _dialect: str) -> None:
    """`#> '{a,1}'` and `#>> '{a,1}'`."""
    path = node.expression
    if not isinstance(path, exp.Literal) or not re.fullmatch(r"\{.*\}", path.name):
        return
    steps = path.name[1:-1].split(",")
    text = "$" + "".join(f"[{step}]" if step.isdecimal() else f'."{step}"' for step in steps)
    scalar = isinstance(node, exp.JSONBExtractScalar)
    name = "JSON_EXTRACT_STRING" if scalar else "JSON_EXTRACT"
    node.replace(exp.Anonymous(this=name, expressions=[node.this.copy(), exp.Literal.string(text)]))


REWRITES: Mapping[type[exp.Expr], Callable[[Any, str], None]] = {
    exp.JSONBExtract: _postgres_path,
    exp.JSONBExtractScalar: _postgres_path,
    exp.JSONExists: _plain_path,
    exp.JSONExtract: _extracted,
    exp.JSONExtractScalar: _plain_path,
    exp.JSONValue: _plain_path,
}
