"""Statements as queries that bind alike.

The engine tells the types of a query's parameters only, and changes nothing for being asked about
a query. So a change is put as a query over the same tables, in which a parameter that alone makes
a column's new value is `coalesce($parameter, column)`: that is how a query says "of this type".
Pure. Every parameter has a `$name` of its own that occurs once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlglot import Expr, exp

from flightkeeper.flight_server.sql.hints import ASSIGNED_TO, Hint, hints, passes_on, undecided
from flightkeeper.flight_server.sql.queries import (
    named,
    nth_column,
    parameters,
    parsed,
    renamed,
    select,
    sql,
)

_REMEMBERED_MAX = 512
_ROW = "_row"
_SEQUENCE_FUNCTIONS = {"nextval", "currval", "setval"}
_EXPLAIN = re.compile(r"\A\s*explain\s+(?:analy[sz]e\s+)?(?:\([^()]*\)\s*)?", re.IGNORECASE)
_CALL = re.compile(r"\A\s*call\s+", re.IGNORECASE)
_KNOWN = re.compile(
    r"""\s*(?:\(|(?:select|from|with|values|table|insert|update|delete|merge|copy|describe|summarize
    |create\s+(?:or\s+replace\s+)?(?:temp\s+|temporary\s+)?table)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
"""What the parser takes apart; of the rest it logs the text."""


@dataclass(frozen=True, slots=True)
class Bindable:
    """A statement as a query.

    Attributes:
        sql: the query.
        hints: what may tell the type of a parameter, by its name.
        undecided: parameters that stand where no type follows from that.
        alike: parameters that are not in the query, with the one whose type they have.
    """

    sql: str
    hints: Mapping[str, Sequence[Hint]]
    undecided: frozenset[str]
    alike: Mapping[str, str]


def read(statement: str, *, is_query: bool) -> Bindable | None:
    """The query that binds like a statement; None for a statement that has none.

    Args:
        is_query: the statement is one, also if the parser stumbles over it.
    """
    try:
        found = _read(statement)
    except Exception:  # noqa: BLE001 - of any kind, for odd texts
        found = None
    if found is None and is_query:
        return Bindable(statement, {}, frozenset(), {})
    return found


@lru_cache(_REMEMBERED_MAX)
def _read(statement: str) -> Bindable | None:
    text = _CALL.sub("SELECT * FROM ", _EXPLAIN.sub("", statement))
    if not _KNOWN.match(text):
        return None
    tree = parsed(text)
    alike = _drop_alike(tree)
    query = _query(tree)
    if query is None:
        return None
    plain = query.transform(_without_sequence)
    same = query is tree and text == statement and plain == tree and not alike
    return Bindable(statement if same else sql(plain), hints(plain), undecided(plain), alike)


def answer(statement: str) -> str | None:
    """A query that answers in the columns of a change's RETURNING; None if it has none.

    Raises:
        Exception: of any kind, for a text the parser stumbles over.
    """
    tree = parsed(statement)
    returning = tree.args.get("returning")
    return None if returning is None else sql(_returned(tree, returning.expressions))


def _query(tree: Expr) -> Expr | None:
    if isinstance(tree, exp.Query | exp.Values):
        return tree
    form = _FORMS.get(type(tree))
    parts = [part for part in form(tree) if any(parameters(part))] if form else []
    if not parts:
        return None
    whole = select([exp.Literal.number(1)], [named(part) for part in parts])
    whole.set("with_", tree.args.get("with_"))
    return whole


def _insert(tree: exp.Insert) -> Iterator[Expr]:
    target = _target(tree)
    source = tree.expression
    if isinstance(source, exp.Values):
        width = 0 if _names(tree) else max(len(row.expressions) for row in source.expressions)
        yield select(_typed_rows(tree, source), [renamed(target, _ROW, width)])
    elif isinstance(source, exp.Query):
        yield _typed_query(tree, source)
    conflict = tree.args.get("conflict")
    if conflict is not None:
        # As a struct, so that names without a qualifier mean the row that is there.
        excluded = named(
            select([exp.alias_(exp.column(_ROW), "excluded")], [renamed(target, _ROW)]), "_new"
        )
        yield _changed(conflict.expressions, [target, excluded], conflict.args.get("where"))


def _update(tree: exp.Update) -> Iterator[Expr]:
    joined = tree.args.get("from_")
    others = [] if joined is None else [joined.this]
    yield _changed(tree.expressions, [_target(tree), *others], tree.args.get("where"))


def _delete(tree: exp.Delete) -> Iterator[Expr]:
    yield _changed([], [_target(tree), *(tree.args.get("using") or [])], tree.args.get("where"))


def _merge(tree: exp.Merge) -> Iterator[Expr]:
    target = _target(tree)
    said: list[Expr] = []
    for when in tree.args["whens"].expressions:
        then = when.args["then"]
        said.extend(filter(None, [when.args.get("condition")]))
        if isinstance(then, exp.Update):
            said.extend(_typed_changes(then.expressions, target))
        elif isinstance(then, exp.Insert) and isinstance(then.expression, exp.Tuple):
            names = _names(then)
            said.extend(
                _typed(value, _column_of(target, names, position))
                for position, value in enumerate(then.expression.expressions)
            )
    condition = tree.args.get("on")
    where = exp.Where(this=condition.copy()) if condition else None
    yield select(said or [exp.Literal.number(1)], [target, tree.args["using"]], where)


def _inner(tree: Expr) -> Iterator[Expr]:
    inner = tree.args.get("expression") or tree.this
    if isinstance(inner, exp.Query):
        yield inner


_FORMS: Mapping[type[Expr], Callable[[Any], Iterable[Expr]]] = {
    exp.Insert: _insert,
    exp.Update: _update,
    exp.Delete: _delete,
    exp.Merge: _merge,
    exp.Create: _inner,
    exp.Copy: _inner,
    exp.Describe: _inner,
    exp.Summarize: _inner,
}


def _returned(tree: Expr, said: Sequence[Expr]) -> Expr:
    target = _target(tree)
    if not isinstance(tree, exp.Merge):
        return select(said, [target])
    # What MERGE did with a row has a name, but is not among all columns.
    every = exp.Column(this=exp.Star(), table=exp.to_identifier(target.alias_or_name))
    said = [every if isinstance(one, exp.Star) else one for one in said]
    action = exp.select(exp.alias_(exp.Literal.string(""), "merge_action"))
    return select(said, [target, named(action, "_action")])


def _changed(assignments: Sequence[Expr], relations: Sequence[Expr], where: Expr | None) -> Expr:
    said = list(_typed_changes(assignments, relations[0]))
    return select(said or [exp.Literal.number(1)], relations, where)


def _typed_changes(assignments: Sequence[Expr], target: Expr) -> Iterator[Expr]:
    for assignment in assignments:
        columns, values = assignment.this, assignment.expression
        pairs = [(columns, values)]
        if isinstance(columns, exp.Tuple) and isinstance(values, exp.Tuple):
            pairs = list(zip(columns.expressions, values.expressions, strict=False))
        for name, value in pairs:
            yield _typed(value, exp.column(name.name, target.alias_or_name, quoted=True))


def _typed_rows(tree: exp.Insert, values: exp.Values) -> Iterator[Expr]:
    """All values in one list; those of a column are of its type."""
    names = _names(tree)
    for row in values.expressions:
        for position, value in enumerate(row.expressions):
            name = names[position] if position < len(names) else f"_{position}"
            yield _typed(value, exp.column(name, _ROW, quoted=True))


def _typed_query(tree: exp.Insert, source: Expr) -> Expr:
    """The query that is inserted; what is a parameter there is of the type of its column."""
    typed = source.copy()
    by_name = bool(tree.args.get("by_name"))
    for branch in _branches(typed):
        for position, value in enumerate(branch.expressions):
            if value.is_star:
                break
            names = [value.alias] * (position + 1) if by_name else _names(tree)
            said = value.unalias()
            said.replace(_typed(said, _column_of(_target(tree), names, position)))
    return typed


def _branches(query: Expr) -> Iterator[exp.Select]:
    if isinstance(query, exp.SetOperation):
        yield from _branches(query.this)
        yield from _branches(query.expression)
    elif isinstance(query, exp.Subquery):
        yield from _branches(query.this)
    elif isinstance(query, exp.Select):
        yield query


def _typed(value: Expr, wanted: Expr) -> Expr:
    """A value whose parameters have the wanted type, where the value has theirs."""
    if isinstance(value, exp.Var | exp.Column) and value.name.upper() == "DEFAULT":
        return exp.null()
    holder = exp.Paren(this=value.copy())
    holder.meta[ASSIGNED_TO] = wanted
    for parameter in list(parameters(holder)):
        node: Expr | None = parameter
        while node is not None and node.parent is not holder and passes_on(node):
            node = node.parent
        if node is not None and node.parent is holder:
            parameter.replace(exp.Coalesce(this=parameter.copy(), expressions=[wanted.copy()]))
    return holder


def _column_of(table: Expr, names: Sequence[str], position: int) -> Expr:
    """A query for a table's column, by its name or else its position."""
    if position < len(names):
        column = exp.column(names[position], quoted=True)
        return exp.Subquery(this=select([column], [table]))
    return nth_column(exp.select("*").from_(table.copy()), position)


def _drop_alike(tree: Expr) -> Mapping[str, str]:
    """Leave out parameters that stand below another one in VALUES."""
    alike: dict[str, str] = {}
    for values in tree.find_all(exp.Values):
        first, *rows = values.expressions
        kept = [first]
        for row in rows:
            below = [
                (above, value)
                for above, value in zip(first.expressions, row.expressions, strict=False)
                if isinstance(above, exp.Placeholder) and isinstance(value, exp.Placeholder)
            ]
            alike.update((value.name, above.name) for above, value in below)
            if len(below) < len(row.expressions):
                kept.append(row)
                for _, value in below:
                    value.replace(exp.null())
        values.set("expressions", kept)
    return alike


def _without_sequence(node: Expr) -> Expr:
    if isinstance(node, exp.Anonymous) and node.name.lower() in _SEQUENCE_FUNCTIONS:
        return exp.cast(exp.Literal.number(1), "BIGINT")
    return node


def _target(tree: Expr) -> Expr:
    table: Expr = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    return table.copy()


def _names(insert: Expr) -> list[str]:
    """The columns that an INSERT names."""
    named = isinstance(insert.this, exp.Schema | exp.Tuple)
    return [column.name for column in insert.this.expressions] if named else []
