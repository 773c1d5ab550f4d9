"""Numbers as DuckDB's text: casts that cut a fraction off, divisions by zero, percentiles.

Owns what engines answer to the same numbers otherwise than DuckDB, which rounds in a cast and makes
NULL or infinity of a division by zero.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.generators.duckdb import DuckDBGenerator

_HIVE_LIKE = frozenset({"databricks", "hive", "impala", "spark"})
_CUTS = _HIVE_LIKE | {"clickhouse", "sqlite", "tsql"}
"""Dialects in which a cast to an integer cuts the fraction off."""

_PRESTO_LIKE = frozenset({"athena", "presto", "trino"})
_RAISES = _PRESTO_LIKE | {
    *("bigquery", "databricks", "oracle", "phoenix", "postgres", "redshift", "snowflake", "tsql"),
}
"""Dialects in which a division by zero is an error."""

_NULLS = frozenset({"hive", "impala", "mysql", "spark", "sqlite"})
"""Dialects in which it is NULL, also that of whole numbers and a remainder."""

_ZERO = "CAST('division by zero' AS TINYINT)"
"""Fails where it is reached. DuckDB's error() would keep a query from being grouped by it."""

_INTEGERS = tuple(exp.DataType.INTEGER_TYPES)
_FLOATS = tuple(exp.DataType.FLOAT_TYPES)
_TIMES = (
    *(exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ, exp.DType.TIMESTAMPNTZ),
    exp.DType.DATETIME,
)
_SMALL = (exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT)
"""A DOUBLE holds each of their values; of a BIGINT it does not."""

_COUNTS = (exp.Boolean, exp.Count, exp.Length, exp.Null, exp.Placeholder, exp.StrPosition)
_CUT = (
    "CASE WHEN {only}ABS({word}({value} AS DOUBLE)) < 9e15 "
    "THEN {word}(TRUNC({word}({value} AS DOUBLE)) AS {kind}) ELSE {word}({value} AS {kind}) END"
)
"""A DOUBLE does not hold every BIGINT; beyond this it has no fraction that could be cut."""

_ONCE = "LIST_TRANSFORM([{value}], LAMBDA v : {cut})[1]"
"""What is more than a column is computed once: it may be RAND()."""


def _cast(generator: DuckDBGenerator, node: exp.Cast, dialect: str) -> str:
    """A cast; one to an integer cuts where the dialect does."""
    written = (
        generator.trycast_sql(node) if isinstance(node, exp.TryCast) else generator.cast_sql(node)
    )
    if dialect not in _CUTS or not node.to.is_type(*_INTEGERS) or _is_whole(node.this):
        return written
    word = "TRY_CAST" if isinstance(node, exp.TryCast) else "CAST"
    kind, value = generator.sql(node, "to"), generator.sql(node, "this")
    if _is_time(node.this):
        return f"CAST(FLOOR(EPOCH({value})) AS {kind})"
    if dialect == "impala":
        # Its decimals are rounded, away from zero as DuckDB does.
        only = "NOT TYPEOF({value}) LIKE 'DECIMAL%' AND "
        return written if node.this.is_number else _cut(node, value, kind, word, only)
    if node.to.is_type(*_SMALL):
        return f"{word}(TRUNC({word}({value} AS DOUBLE)) AS {kind})"
    return _cut(node, value, kind, word)


def _cut(node: exp.Cast, value: str, kind: str, word: str, only: str = "") -> str:
    if isinstance(node.this, exp.Column):
        return _CUT.format(value=value, word=word, kind=kind, only=only.format(value=value))
    cut = _CUT.format(value="v", word=word, kind=kind, only=only.format(value="v"))
    return _ONCE.format(value=value, cut=cut)


def _is_whole(node: exp.Expr) -> bool:
    """Whether it plainly has no fraction, or is a parameter, whose type the cast tells."""
    if isinstance(node, exp.Paren | exp.Neg):
        return _is_whole(node.this)
    if isinstance(node, exp.Literal):
        return node.name.isdecimal()
    if isinstance(node, exp.Cast):
        return node.to.is_type(*_INTEGERS, exp.DType.BOOLEAN)
    return isinstance(node, _COUNTS)


def _is_time(node: exp.Expr) -> bool:
    if isinstance(node, exp.Cast):
        return node.to.is_type(*_TIMES)
    return isinstance(node, exp.CurrentTimestamp | exp.StrToTime)


def _divided(generator: DuckDBGenerator, node: exp.Div, dialect: str) -> str:
    """Division. DuckDB's `//` divides integers as integers and the rest exactly."""
    if dialect in _PRESTO_LIKE and any(_is_float(side) for side in (node.left, node.right)):
        return _written(generator, node, "/")
    _guard(generator, node, "NULL" if node.args.get("safe") else dialect)
    return _written(generator, node, "//" if node.args.get("typed") else "/")


def _written(generator: DuckDBGenerator, node: exp.Binary, operator: str) -> str:
    """Both sides, each by its own rule: sqlglot's binary() takes a chain as a whole."""
    return f"{generator.sql(node, 'this')} {operator} {generator.sql(node, 'expression')}"


def _divided_whole(generator: DuckDBGenerator, node: exp.IntDiv, dialect: str) -> str:
    _guard(generator, node, "NULL" if dialect in _NULLS else dialect)
    return _written(generator, node, "//")


def _remainder(generator: DuckDBGenerator, node: exp.Mod, dialect: str) -> str:
    _guard(generator, node, "NULL" if dialect in _NULLS else dialect)
    return generator.mod_sql(node)


def _guard(generator: DuckDBGenerator, node: exp.Binary, dialect: str) -> None:
    """Make a divisor of zero what the dialect makes of it; `NULL` stands for those with NULL."""
    right = node.right
    if isinstance(right, exp.Nullif) and not right.expression.name.strip("0."):
        return
    if right.is_number and right.name.strip("0."):
        return
    if right.is_number and node.find_ancestor(exp.Try, exp.SafeFunc):
        # DuckDB computes what is constant beforehand, and fails.
        dialect = "NULL"
    if dialect == "NULL":
        right.replace(exp.Nullif(this=right.copy(), expression=exp.Literal.number(0)))
    elif dialect in _RAISES and not isinstance(right, exp.Placeholder):
        # A parameter compared with 0 would be taken for an integer.
        value = generator.sql(right)
        # NULL divided by zero is NULL, such as a sum of no rows by their number.
        operands = {generator.sql(operand.copy()): None for operand in _operands(node.left)}
        zero = " AND ".join([f"{value} = 0", *(f"NOT {operand} IS NULL" for operand in operands)])
        right.replace(exp.Var(this=f"CASE WHEN {zero} THEN {_ZERO} ELSE {value} END"))


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    """What makes a result NULL when it is: a chain of divisions is not written again."""
    if isinstance(node, exp.Paren | exp.Neg):
        yield from _operands(node.this)
    elif isinstance(node, exp.Add | exp.Div | exp.Mul | exp.Sub):
        yield from _operands(node.left)
        yield from _operands(node.right)
    elif not isinstance(node, exp.Literal | exp.Count):
        yield node


def _is_float(node: exp.Expr) -> bool:
    """Whether it plainly is a DOUBLE or REAL, of which zero divides into infinity."""
    if isinstance(node, exp.Paren | exp.Neg):
        return _is_float(node.this)
    if isinstance(node, exp.Add | exp.Div | exp.Mul | exp.Sub):
        return _is_float(node.left) or _is_float(node.right)
    if isinstance(node, exp.Cast):
        return node.to.is_type(*_FLOATS)
    return node.is_number and "e" in node.name.lower()


def _divided_safely(generator: DuckDBGenerator, node: exp.SafeDivide, _dialect: str) -> str:
    sides = (exp.Paren(this=side) if isinstance(side, exp.Binary) else side for side in _both(node))
    return f"({generator.sql(exp.Div(this=next(sides), expression=next(sides), safe=True))})"


def _both(node: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    return node.this.copy(), node.expression.copy()


def _quantile(generator: DuckDBGenerator, node: exp.ApproxQuantile, _dialect: str) -> str:
    """An exact one: DuckDB's approximate one rounds a DECIMAL to an integer, and knows no text."""
    if node.args.get("weight") is not None:
        generator.unsupported("a percentile with weights has no counterpart in DuckDB")
    return generator.func("QUANTILE_DISC", node.this, node.args["quantile"])


RULES: Mapping[type[exp.Expr], Callable[[DuckDBGenerator, Any, str], str]] = {
    exp.ApproxQuantile: _quantile,
    exp.Cast: _cast,
    exp.Div: _divided,
    exp.IntDiv: _divided_whole,
    exp.Mod: _remainder,
    exp.SafeDivide: _divided_safely,
    exp.TryCast: _cast,
}
"""How nodes of a dialect are written."""
