"""JSON in a tree, between a client's dialect and DuckDB.

Owns which paths answer text and which a document. Trees are changed in place.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

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
    # Databricks' paths lead into texts of JSON, and what they answer is text.
    if dialect in _VARIANTS and (dialect == "databricks" or means_text(node)):
        node.replace(_scalar(node.this, node.expression))


def means_text(node: exp.Expr) -> bool:
    """Whether a part of a document is cast to text, or compared with one."""
    parent = node.parent
    if isinstance(parent, exp.Predicate):
        return any(isinstance(side, exp.Literal) and side.is_string for side in _sides(parent))
    return isinstance(parent, exp.Cast) and parent.to.is_type(*_TEXTS)


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


def _exists(call: exp.Anonymous, dialect: str) -> None:
    """json_exists, which sqlglot knows in other dialects only."""
    if call.name.upper() == "JSON_EXISTS":
        _plain_path(call, dialect)


def _variant(node: exp.DataType, dialect: str) -> None:
    """A value of any type is a document; a text that is made one is not read as one."""
    is_object = dialect == "snowflake" and node.is_type(exp.DType.OBJECT) and not node.expressions
    if dialect not in _VARIANTS or not (is_object or node.is_type(exp.DType.VARIANT)):
        return
    if isinstance(node.parent, exp.Cast):
        _to_document(node.parent, dialect)
    else:
        node.replace(exp.DataType(this=exp.DType.JSON))


def _to_document(node: exp.Expr, _dialect: str) -> None:
    parent = node.parent
    is_text = isinstance(parent, exp.Cast) and parent.to.is_type(*_TEXTS)
    value = node.this
    node.replace(value if is_text else exp.Anonymous(this="TO_JSON", expressions=[value]))


def _element(node: exp.Bracket, dialect: str) -> None:
    """Snowflake's `v[0]`: documents count from 0 in DuckDB as well, lists do not."""
    index = node.expressions[0] if len(node.expressions) == 1 else None
    if dialect != "snowflake" or index is None or not index.is_int:
        return
    if isinstance(node.this, exp.Bracket | exp.JSONExtract | exp.ParseJSON):
        path = Dialect.get_or_raise(dialect).to_json_path(exp.Literal.string(f"[{index.name}]"))
        extract = exp.JSONExtract(this=node.this.copy(), expression=path)
        node.replace(extract)
        _extracted(extract, dialect)
    elif isinstance(node.this, exp.Column):
        kind = exp.Anonymous(this="TYPEOF", expressions=[node.this.copy()])
        following = exp.Literal.number(int(index.name) + 1)
        place = exp.case().when(kind.eq("JSON"), index.copy()).else_(following)
        node.replace(exp.Bracket(this=node.this.copy(), expressions=[place], offset=1))


def _to_text(node: exp.Cast, dialect: str) -> None:
    """Snowflake's `v::string`, which has no quotes where `v` is a document."""
    value = node.this
    if dialect != "snowflake" or not node.to.is_type(*_TEXTS):
        return
    if isinstance(value, exp.Column | exp.Bracket):
        kind = exp.Anonymous(this="TYPEOF", expressions=[value.copy()])
        # A document already, but anything binds.
        document = exp.Anonymous(this="TO_JSON", expressions=[value.copy()])
        text = exp.Anonymous(
            this="JSON_EXTRACT_STRING", expressions=[document, exp.Literal.string("$")]
        )
        node.replace(exp.case().when(kind.eq("JSON"), text).else_(node.copy()))


REWRITES: Mapping[type[exp.Expr], Callable[[Any, str], None]] = {
    exp.Anonymous: _exists,
    exp.Bracket: _element,
    exp.Cast: _to_text,
    exp.DataType: _variant,
    exp.JSONBExtract: _postgres_path,
    exp.JSONBExtractScalar: _postgres_path,
    exp.JSONExists: _plain_path,
    exp.JSONExtract: _extracted,
    exp.JSONExtractScalar: _plain_path,
    exp.JSONValue: _plain_path,
    exp.ToVariant: _to_document,
    exp.TryCast: _to_text,
}
