"""What stands beside a parameter and may tell its type, where the engine does not conclude it.

Pure: looks at the tree of a query, in which every parameter has a name of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from sqlglot import Expr, exp

from flightkeeper.flight_server.sql.queries import bare, nth_column, parameters, sql, tables

ASSIGNED_TO = "assigned to"
"""Key of what is noted about a node: an expression with the type of the column it goes to."""


class Beside(Enum):
    """How something stands to a parameter."""

    COMPARED = auto()
    """Compared with it, or in the same column as it."""
    ADDED = auto()
    SCALED = auto()
    """Multiplied with it or divided by it."""
    PASSED = auto()
    """Passed to the same function."""


@dataclass(frozen=True, slots=True)
class Hint:
    """An expression that may have the type of a parameter, and why; it may hold others."""

    sql: str
    beside: Beside

    def suits(self, kind: str) -> bool:
        """Whether the parameter is likely to have this type if the expression has it."""
        return _SUITS[self.beside].match(kind) is not None


_SUITS = {
    Beside.COMPARED: re.compile(""),
    Beside.ADDED: re.compile("(?!INTERVAL)"),
    # A factor has fractions of its own.
    Beside.SCALED: re.compile("FLOAT|DOUBLE"),
    Beside.PASSED: re.compile(r"DATE|TIME|.*\]$"),
}
_ARITHMETIC: Mapping[type[Expr], Beside] = {
    exp.Add: Beside.ADDED,
    exp.Sub: Beside.ADDED,
    exp.Mod: Beside.ADDED,
    exp.IntDiv: Beside.ADDED,
    exp.BitwiseAnd: Beside.ADDED,
    exp.BitwiseOr: Beside.ADDED,
    exp.BitwiseXor: Beside.ADDED,
    exp.BitwiseLeftShift: Beside.ADDED,
    exp.BitwiseRightShift: Beside.ADDED,
    exp.Mul: Beside.SCALED,
    exp.Div: Beside.SCALED,
}
_PASSING_ON = {
    (exp.Paren, "this"),
    (exp.Neg, "this"),
    (exp.Coalesce, "this"),
    (exp.Coalesce, "expressions"),
    (exp.Nullif, "this"),
    (exp.Greatest, "this"),
    (exp.Greatest, "expressions"),
    (exp.Least, "this"),
    (exp.Least, "expressions"),
    (exp.Case, "ifs"),
    (exp.Case, "default"),
    (exp.If, "true"),
    (exp.If, "false"),
    (exp.Alias, "this"),
}
"""What has the type of what stands there in it."""
_SILENT = (exp.Placeholder, exp.Null, exp.Interval, exp.Var, exp.Star, exp.Identifier)


def hints(query: Expr) -> Mapping[str, Sequence[Hint]]:
    """What may tell the type of each parameter, by its name, nearest first."""
    return {parameter.name: tuple(_hints(parameter)) for parameter in parameters(query)}


def undecided(query: Expr) -> frozenset[str]:
    """The parameters that are operands or stand alone: from that no type follows."""
    return frozenset(parameter.name for parameter in parameters(query) if _is_undecided(parameter))


def _is_undecided(parameter: Expr) -> bool:
    node = parameter
    while (
        passes_on(node) and node.parent is not None and type(node.parent) in {exp.Paren, exp.Alias}
    ):
        node = node.parent
    parent = node.parent
    return (
        type(parent) in _ARITHMETIC
        or isinstance(parent, exp.DPipe)
        or (isinstance(parent, exp.Select) and node.arg_key == "expressions")
        or (isinstance(parent, exp.Tuple) and isinstance(parent.parent, exp.Values))
    )


def passes_on(node: Expr) -> bool:
    """Whether what it stands in has its type."""
    return (type(node.parent), node.arg_key) in _PASSING_ON


def _hints(parameter: Expr) -> Iterator[Hint]:
    node = parameter
    while (parent := node.parent) is not None:
        beside = _ARITHMETIC.get(type(parent))
        if beside is not None:
            yield from _tell([_other(parent, node)], beside)
        elif not passes_on(node):
            yield from _hints_of_place(node, parent)
            return
        elif isinstance(parent, exp.Nullif):
            yield from _tell([parent.expression], Beside.COMPARED)
        node = parent


def _hints_of_place(node: Expr, parent: Expr) -> Iterator[Hint]:
    """What tells the type of an expression that stands as a whole in its place."""
    match parent:
        case exp.Select() if node.arg_key == "expressions":
            yield from _hints_of_branches(parent, node.index or 0)
            yield from _hints_of_uses(parent, node.index or 0)
        case exp.In() if node.arg_key == "field":
            yield from _tell_list([parent.this], Beside.COMPARED)
        case exp.Any() if isinstance(parent.parent, exp.Binary):
            yield from _tell_list([_other(parent.parent, parent)], Beside.COMPARED)
        case exp.Tuple():
            yield from _hints_of_rows(parent, node.index or 0)
        case exp.Anonymous() if parent.name.upper() == "ROW":
            yield from _hints_of_rows(parent, node.index or 0)
        case exp.Between() | exp.Predicate():
            yield from _tell(_others(parent, node), Beside.COMPARED)
        case exp.Func() | exp.DPipe():
            yield from _tell(_others(parent, node), Beside.PASSED)
            yield from _tell_list(_others(parent, node), Beside.PASSED)


def _hints_of_rows(row: Expr, position: int) -> Iterator[Hint]:
    """Rows that are compared, or that stand in one VALUES, have the same types."""
    match row.parent:
        case exp.In() as within if row is within.this and within.args.get("query"):
            yield Hint(sql(nth_column(within.args["query"].unnest(), position)), Beside.COMPARED)
        case exp.In() as within:
            yield from _tell(_at([within.this, *within.expressions], position), Beside.COMPARED)
        case exp.Binary() as compared:
            yield from _tell(_at([_other(compared, row)], position), Beside.COMPARED)
        case exp.Values() as values:
            yield from _tell(_at(values.expressions, position), Beside.COMPARED)
            yield from _hints_of_uses(values, position)


def _hints_of_branches(select: Expr, position: int) -> Iterator[Hint]:
    """The branches of a UNION have the same types."""
    node: Expr = select
    while isinstance(node.parent, exp.SetOperation | exp.Subquery):
        union = node.parent
        if isinstance(union, exp.SetOperation) and not union.args.get("by_name"):
            yield Hint(sql(nth_column(_other(union, node), position)), Beside.COMPARED)
        node = union


def _hints_of_uses(source: Expr, position: int) -> Iterator[Hint]:
    """What a column of a derived table is compared with or assigned to, outside of it."""
    name = _column_name(source, position).lower()
    tree = source.root()
    for use in tree.find_all(exp.Column):
        if name and use.name.lower() == name and use.parent is not None:
            compared = _others(use.parent, use) if isinstance(use.parent, exp.Predicate) else []
            for column in (*compared, use.parent.meta.get(ASSIGNED_TO)):
                yield from _hints_of_column(tree, column)


def _hints_of_column(tree: Expr, column: Expr | None) -> Iterator[Hint]:
    """A column as an expression that means the same everywhere in the tree."""
    if isinstance(column, exp.Subquery):
        yield Hint(sql(column), Beside.COMPARED)
    elif isinstance(column, exp.Column):
        for table in tables(tree):
            if column.table.lower() in {"", table.alias_or_name.lower()}:
                name = exp.column(column.this.copy())
                query = exp.Select(expressions=[name], from_=exp.From(this=bare(table)))
                yield Hint(sql(exp.Subquery(this=query)), Beside.COMPARED)


def _column_name(source: Expr, position: int) -> str:
    """What a column of a query is called outside; empty if it has no name."""
    named = source if isinstance(source, exp.Values) else source.parent
    alias = named.args.get("alias") if named is not None else None
    names = alias.args.get("columns") or [] if alias is not None else []
    if position < len(names):
        return str(names[position].name)
    return str(source.expressions[position].alias) if isinstance(source, exp.Select) else ""


def _tell(nodes: Sequence[Expr], beside: Beside) -> Iterator[Hint]:
    yield from (Hint(sql(node), beside) for node in nodes if _tells(node, beside))


def _tells(node: Expr, beside: Beside) -> bool:
    # A literal has the smallest type it fits in, which a fraction or a factor need not have.
    if isinstance(node, exp.Literal):
        return node.is_int and beside in {Beside.COMPARED, Beside.ADDED}
    return not isinstance(node, _SILENT)


def _tell_list(nodes: Sequence[Expr], beside: Beside) -> Iterator[Hint]:
    for hint in _tell(nodes, beside):
        yield Hint(f"[{hint.sql}]", beside)


def _other(binary: Expr, node: Expr) -> Expr:
    other: Expr = binary.expression if node is binary.this else binary.this
    return other


def _others(parent: Expr, node: Expr) -> list[Expr]:
    return [child for child in parent.iter_expressions() if child is not node]


def _at(rows: Sequence[Expr], position: int) -> list[Expr]:
    """What stands in one place of several rows."""
    return [row.expressions[position] for row in rows if len(row.expressions) > position]
