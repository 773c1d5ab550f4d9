"""What a statement of DuckDB's uses: its tables, what it changes, what it calls.

Owns which kinds of statements callers without the superuser role may run at all. Pure; cached by
text. The engine's own words of the text are compared with sqlglot's, so that nothing hides in what
one of them takes for a comment or a literal.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from flightkeeper.discovery.principals.model import Privilege, folded
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import reading
from flightkeeper.flight_server.sql.access import agreement, heads
from flightkeeper.flight_server.sql.access.files import names_files
from flightkeeper.flight_server.sql.access.functions import check_called, check_known
from flightkeeper.flight_server.sql.access.trees import Walk, not_understood, path_of
from flightkeeper.flight_server.sql.access.uses import EVERY_PRIVILEGE, Span, Target, Uses
from flightkeeper.flight_server.sql.dialects import DUCKDB
from flightkeeper.flight_server.sql.reading import Source

_CACHED_MAX = 2048
_CACHED_CHARACTERS_MAX = 16_384
_SQLGLOTS = frozenset(map(folded, exp.FUNCTION_BY_NAME))
_ALSO_TYPES = frozenset({"columns", "date", "if", "time", "timestamp"})
_P = Privilege


def uses(text: str, kind: str, builtin: frozenset[str]) -> Uses:
    """What one statement uses.

    Args:
        kind: what DuckDB takes it for, such as `SELECT`.
        builtin: the functions that DuckDB brings along, folded.

    Raises:
        PermissionDenied: it is of a kind, or in words, that only superusers may use.
    """
    found = _uses_cached if len(text) <= _CACHED_CHARACTERS_MAX else _uses
    return found(text, kind, builtin)


def _uses(text: str, kind: str, builtin: frozenset[str]) -> Uses:
    try:
        (source,) = reading.sources(text, DUCKDB)
    except (InvalidArgument, ValueError):
        raise not_understood("this text") from None
    agreement.check_same_words(text, source)
    head = heads.head(source)
    if head.instead:
        return Uses(instead=head.instead)
    if head.table is not None:
        return Uses(tables=(head.table,))
    if head.rest is None or head.rest.opaque:
        raise not_understood(f"{source.words[0] or 'this'}")
    return _of_tree(head.rest, kind, builtin)


_uses_cached = lru_cache(_CACHED_MAX)(_uses)


def _of_tree(source: Source, kind: str, builtin: frozenset[str]) -> Uses:
    try:
        tree = reading.tree(source)
    except (InvalidArgument, reading.TooComplicated, RecursionError):
        raise not_understood("a text that sqlglot does not parse") from None
    read = _readers(kind).get(type(tree))
    if read is None and isinstance(tree, exp.Query | exp.Values) and kind in _QUERIES:
        read = _query
    if read is None:
        raise not_understood(f"{source.words[0] or kind}")
    check_called(_called(source))
    walk = Walk(source.tokens)
    found = read(walk, tree, source)
    check_known(walk.called, builtin)
    if read is _query:
        agreement.check_same_names(_text(source), walk, builtin)
    else:
        # Of functions that sqlglot knows, the tree does not say how they were called.
        names = _called(source, TokenType.VAR)
        check_known((names & _SQLGLOTS) - _ALSO_TYPES, builtin)
    return replace(
        found,
        tables=tuple(walk.tables),
        prefixes=tuple(walk.prefixes),
        files=names_files(tree),
    )


def _query(walk: Walk, tree: exp.Expr, source: Source) -> Uses:
    del source
    walk.query(tree)
    return Uses()


def _insert(walk: Walk, tree: exp.Insert, source: Source) -> Uses:
    del source
    known = walk.ctes(tree, frozenset())
    conflict = tree.args.get("conflict") or tree.args.get("alternative")
    needs = {_P.INSERT, _P.UPDATE} if conflict else {_P.INSERT}
    walk.parts(tree, known, without=("this",))
    reads = bool(conflict or tree.args.get("returning"))
    return Uses(target=Target(path_of(_table(tree)), frozenset(needs), reads))


def _update(walk: Walk, tree: exp.Update, source: Source) -> Uses:
    table = _table(tree)
    known = walk.ctes(tree, frozenset())
    walk.parts(tree, known, without=("this",))
    values = [column for one in tree.expressions for column in _value(one).find_all(exp.Column)]
    reads = any(tree.args.get(part) for part in ("where", "from_", "returning")) or bool(values)
    span, conditional = _condition(source)
    target = Target(
        path=path_of(table),
        needs=frozenset({_P.UPDATE}),
        reads=reads,
        rows_limited=True,
        alias=table.alias or table.name,
        columns=_set_columns(tree),
        condition=span,
        conditional=conditional,
    )
    return Uses(target=target)


def _delete(walk: Walk, tree: exp.Delete, source: Source) -> Uses:
    table = _table(tree)
    known = walk.ctes(tree, frozenset())
    walk.parts(tree, known, without=("this",))
    span, conditional = _condition(source)
    target = Target(
        path=path_of(table),
        needs=frozenset({_P.DELETE}),
        reads=any(tree.args.get(part) for part in ("where", "using", "returning")),
        rows_limited=True,
        alias=table.alias or table.name,
        condition=span,
        conditional=conditional,
    )
    return Uses(target=target)


def _merge(walk: Walk, tree: exp.Merge, source: Source) -> Uses:
    """What its branches do is not looked into: it takes what all of them could take."""
    del source
    known = walk.ctes(tree, frozenset())
    walk.parts(tree, known, without=("this", "whens"))
    for when in tree.args["whens"].expressions:
        for part in ("condition", "then"):
            if isinstance(found := when.args.get(part), exp.Expr):
                _branch(walk, found, known)
    needs = frozenset({_P.INSERT, _P.UPDATE, _P.DELETE})
    return Uses(target=Target(path_of(_table(tree)), needs, reads=True))


def _branch(walk: Walk, node: exp.Expr, known: frozenset[str]) -> None:
    if isinstance(node, exp.Insert | exp.Update | exp.Delete):
        walk.parts(node, known)
    else:
        walk.query(node, known)


def _truncate(walk: Walk, tree: exp.TruncateTable, source: Source) -> Uses:
    del walk, source
    if len(tree.expressions) != 1 or not isinstance(tree.expressions[0], exp.Table):
        raise not_understood("TRUNCATE of this")
    return Uses(target=Target(path_of(tree.expressions[0]), frozenset({_P.DELETE})))


def _create(walk: Walk, tree: exp.Create, source: Source) -> Uses:
    del source
    kinds = tree.args.get("properties")
    properties = kinds.expressions if kinds else []
    if any(not isinstance(one, exp.TemporaryProperty) for one in properties):
        raise not_understood("CREATE with these options")
    known = walk.ctes(tree, frozenset())
    match tree.kind:
        case "TABLE":
            made = path_of(_table(tree))
            walk.parts(tree, known, without=("this", "properties"))
            if isinstance(tree.this, exp.Schema):
                walk.parts(tree.this, known, without=("this",))
            return Uses(
                makes=made, temporary=bool(properties), replaces=bool(tree.args.get("replace"))
            )
        case "SCHEMA":
            return Uses(makes_schema=tuple(folded(part.name) for part in tree.this.parts))
    raise not_understood(f"CREATE {tree.kind}")


def _drop(walk: Walk, tree: exp.Drop, source: Source) -> Uses:
    del walk, source
    tables = tree.args.get("tables") or [tree.this]
    if tree.args["kind"] not in {"TABLE", "VIEW"} or len(tables) != 1:
        raise not_understood(f"DROP {tree.args['kind']}")
    return Uses(target=Target(path_of(tables[0]), EVERY_PRIVILEGE, reads=True))


def _alter(walk: Walk, tree: exp.Alter, source: Source) -> Uses:
    del source
    if tree.args["kind"] != "TABLE":
        raise not_understood(f"ALTER {tree.args['kind']}")
    for action in tree.args["actions"]:
        if not isinstance(action, exp.AlterRename):
            walk.query(action)
    return Uses(target=Target(path_of(tree.this), EVERY_PRIVILEGE, reads=True))


_QUERIES = {"SELECT", "EXPLAIN"}
_Reader = Callable[[Walk, Any, Source], Uses]
_READERS: Mapping[str, Mapping[type[exp.Expr], _Reader]] = {
    "INSERT": {exp.Insert: _insert},
    "UPDATE": {exp.Update: _update},
    "DELETE": {exp.Delete: _delete, exp.TruncateTable: _truncate},
    "MERGE_INTO": {exp.Merge: _merge},
    "CREATE": {exp.Create: _create},
    "DROP": {exp.Drop: _drop},
    "ALTER": {exp.Alter: _alter},
}
"""By what DuckDB takes a statement for; sqlglot has to agree."""


def _readers(kind: str) -> Mapping[type[exp.Expr], _Reader]:
    if kind != "EXPLAIN":
        return _READERS.get(kind, {})
    return {tree: read for readers in _READERS.values() for tree, read in readers.items()}


def _table(tree: exp.Expr) -> exp.Table:
    """The table that a change names first."""
    this = tree.this
    if isinstance(this, exp.Schema):
        this = this.this
    if not isinstance(this, exp.Table):
        raise not_understood("a change of this")
    return this


def _value(assignment: exp.Expr) -> exp.Expr:
    return assignment.expression if isinstance(assignment, exp.EQ) else assignment


def _set_columns(tree: exp.Update) -> frozenset[str] | None:
    names = set()
    for one in tree.expressions:
        if not isinstance(one, exp.EQ) or not isinstance(one.this, exp.Column):
            return None
        # The first part: a field of a struct is set with the column.
        names.add(folded(one.this.parts[0].name))
    return frozenset(names)


def _condition(source: Source) -> tuple[Span, bool]:
    """Where the condition of a change stands, or an empty place for one; whether there is one."""
    depth, where = 0, None
    end = source.tokens[-1].end + 1
    for token in source.tokens:
        kind = token.token_type
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth == 0 and kind is TokenType.WHERE:
            where = token.end + 1
        elif depth == 0 and kind is TokenType.RETURNING:
            end = token.start
    return (Span(end, end), False) if where is None else (Span(where, end), True)


_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}


def _text(source: Source) -> str:
    return source.text[source.tokens[0].start : source.tokens[-1].end + 1]


def _called(source: Source, kind: TokenType | None = None) -> set[str]:
    """The words before a parenthesis, folded: functions, and some that are none.

    Args:
        kind: of the words; None = any.
    """
    pairs = zip(source.tokens, source.tokens[1:], strict=False)
    return {
        folded(word.text)
        for word, after in pairs
        if after.token_type is TokenType.L_PAREN and kind in {None, word.token_type}
    }
