"""Corrections of a tree between a client's dialect and DuckDB.

Owns what is more than another way of writing the same thing: where DuckDB lacks a clause, or where
sqlglot keeps one that DuckDB takes otherwise. Trees are changed in place.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from flightkeeper.flight_server.sql import (
    definitions,
    documents,
    phoenix,
    rows,
    templates,
    times,
)


def rewrite(tree: exp.Expr, dialect: str) -> exp.Expr:
    """The tree with everything put as DuckDB takes it."""
    for table in _TABLES:
        # From the inside out, so that what is replaced by a copy is complete.
        for node in reversed(list(tree.find_all(*table))):
            # It also finds nodes of narrower kinds, which have rules of their own, or none.
            if (rule := table.get(type(node))) is not None:
                rule(node, dialect)
    if dialect == "phoenix":
        for node in list(tree.find_all(exp.Add, exp.Sub)):
            phoenix.days(node)
        phoenix.without_families(tree)
    times.keep_dates(tree, dialect)
    return tree


def _rollup(group: exp.Group, _dialect: str) -> None:
    """`GROUP BY a WITH ROLLUP` and Hive's `GROUP BY a GROUPING SETS (...)`."""
    for key in ("rollup", "cube"):
        for node in group.args.get(key) or ():
            if not node.expressions:
                node.set("expressions", group.expressions)
                group.set("expressions", [])
    if group.args.get("grouping_sets"):
        group.set("expressions", [])


def _escape(like: exp.Like | exp.ILike, dialect: str) -> None:
    """A backslash escapes in most engines; in DuckDB only where the pattern says so."""
    if dialect in _PLAIN_LIKE or isinstance(like.parent, exp.Escape):
        return
    pattern = like.expression
    if isinstance(pattern, exp.Literal) and "\\" in pattern.name:
        like.replace(exp.Escape(this=like.copy(), expression=exp.Literal.string("\\")))


_PLAIN_LIKE = frozenset({"trino", "presto", "athena", "oracle", "tsql", "sqlite"})
"""Dialects in which a pattern has no escape of its own."""


def _groups(replace: exp.RegexpReplace, dialect: str) -> None:
    r"""`$1` in a replacement is `\\1` in DuckDB."""
    text = replace.args.get("replacement")
    if dialect in _DOLLAR_GROUPS and isinstance(text, exp.Literal):
        text.set("this", re.sub(r"\$(\d)", r"\\\1", text.name))


_DOLLAR_GROUPS = frozenset(
    {"hive", "spark", "databricks", "presto", "trino", "athena", "mysql", "redshift", "phoenix"}
)


def _joined_text(node: exp.Add, dialect: str) -> None:
    """T-SQL's `+` of texts, where one of them plainly is one."""
    if dialect == "tsql" and any(_is_text(side) for side in (node.left, node.right)):
        joined = exp.DPipe(this=node.left.copy(), expression=node.right.copy(), safe=False)
        node.replace(joined)


def _is_text(node: exp.Expr) -> bool:
    return (
        isinstance(node, exp.DPipe)
        or node.is_string
        or (isinstance(node, exp.Cast) and node.to.is_type(*_TEXTS))
    )


_TEXTS = tuple(exp.DataType.TEXT_TYPES)


def _one_row(source: exp.From, _dialect: str) -> None:
    """Oracle's table with one row, which is also MySQL's."""
    table = source.this
    if isinstance(table, exp.Table) and table.name.upper() == "DUAL" and not table.db:
        source.pop()


def _share(window: exp.Window, _dialect: str) -> None:
    """A row's share of a sum."""
    if window.this.name.upper() == "RATIO_TO_REPORT":
        value = window.this.expressions[0].copy()
        window.set("this", exp.Sum(this=value.copy()))
        window.replace(exp.paren(exp.Div(this=value, expression=window.copy(), safe=True)))


def _called(call: exp.Anonymous, dialect: str) -> None:
    """ClickHouse's multiIf, and Hive's types as functions."""
    name = call.name.upper()
    if dialect == "clickhouse" and name == "MULTIIF":
        *pairs, default = call.expressions
        choice = exp.Case(default=default.copy())
        for condition, value in zip(pairs[::2], pairs[1::2], strict=True):
            choice = choice.when(condition.copy(), value.copy())
        call.replace(choice)
    elif dialect in _HIVE_LIKE and name in _INTEGERS and len(call.expressions) == 1:
        cast = exp.Cast if dialect == "databricks" else exp.TryCast
        call.replace(cast(this=call.expressions[0].copy(), to=exp.DataType.build(name)))


_HIVE_LIKE = frozenset({"databricks", "hive", "impala", "spark"})
_INTEGERS = frozenset({"BIGINT", "SMALLINT", "TINYINT"})


def _formatted(node: exp.ToChar, dialect: str) -> None:
    """Snowflake's to_char of a time; formats of numbers stay refused."""
    text = node.args.get("format")
    if isinstance(text, exp.Literal) and re.search(r"[YMDHyd]", text.name):
        found = Dialect.get_or_raise(dialect).format_time(text.copy())
        node.replace(exp.TimeToStr(this=node.this.copy(), format=found))


def _session_value(node: exp.SessionParameter, _dialect: str) -> None:
    """`@@version`, which tools ask for at connect."""
    if node.name.lower() == "version":
        node.replace(exp.Anonymous(this="VERSION"))


_REWRITES: Mapping[type[exp.Expr], Callable[[Any, str], None]] = {
    exp.Add: _joined_text,
    exp.Anonymous: _called,
    exp.Create: definitions.create,
    exp.From: _one_row,
    exp.Group: _rollup,
    exp.ILike: _escape,
    exp.Insert: definitions.insert,
    exp.Like: _escape,
    exp.RegexpReplace: _groups,
    exp.Schema: definitions.columns,
    exp.SessionParameter: _session_value,
    exp.ToChar: _formatted,
    exp.Window: _share,
}

_TABLES = (*(_REWRITES, rows.REWRITES, documents.REWRITES, templates.REWRITES, times.REWRITES),)
"""Each in turn, over the whole tree."""
