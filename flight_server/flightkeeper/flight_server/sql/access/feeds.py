"""Calls of the functions that tell what was changed of a table of a lake, as uses of that table.

Such a function finds the table by a text, in the schema that it is called in itself. So the text
has to be a plain literal, which both parsers read alike; what is judged, and where it is found, is
written before the call. So is where the one is found that tells the newest version.
"""

from collections.abc import Sequence

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from flightkeeper.discovery.principals.model import Privilege, folded
from flightkeeper.flight_server.engine.lake import CATALOG
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.lake.functions import NEWEST
from flightkeeper.flight_server.sql.access.uses import Span, TableUse

_ARGUMENTS = 3
"""The table, and two versions or times."""
_NO_VALUES = (exp.Column, exp.Query, exp.Star, exp.Kwarg, exp.PropertyEQ)
"""What no version is made of."""
_LITERAL = [TokenType.L_PAREN, TokenType.STRING, TokenType.COMMA]
_NOTHING = [TokenType.L_PAREN, TokenType.R_PAREN]
_PLACES = {(), (CATALOG,), (CATALOG, "main")}


def feed_of(table: exp.Table, tokens: Sequence[Token]) -> TableUse:
    """A call in a FROM as the use of the table whose changes it tells.

    Args:
        tokens: of the statement.

    Returns: the use; its path is what the function is called in, and the table's name.

    Raises:
        PermissionDenied: it cannot be told which table that is.
    """
    call = table.this
    called = _called(table, tokens)
    if called is None or not _is_followed(called, _LITERAL, tokens):
        raise _not_plain(call)
    told = tokens[called.stop + 2].text
    if not _is_plain(call, told):
        raise _not_plain(call)
    return TableUse(
        path=(*_folded(called, tokens), folded(told)),
        needs=frozenset({Privilege.SELECT}),
        span=_span(called, tokens),
        past=True,
        feed=True,
    )


def newest_of(table: exp.Table, tokens: Sequence[Token]) -> TableUse:
    """A call in a FROM that tells the number of the newest version, as the use of no table.

    Raises:
        PermissionDenied: it may be another function of that name.
    """
    called = _called(table, tokens)
    if (
        called is None
        or _folded(called, tokens) not in _PLACES
        or not _is_followed(called, _NOTHING, tokens)
    ):
        raise PermissionDenied(
            f"only superusers may read a table function {NEWEST} that is not {CATALOG}.{NEWEST}(); "
            "nothing was run"
        )
    return TableUse((NEWEST,), frozenset(), _span(called, tokens), feed=True)


def _called(table: exp.Table, tokens: Sequence[Token]) -> range | None:
    """The words of what a function is called in, up to its name; None if they are not plain names.

    Every other one is a dot.
    """
    before = [part for part in (table.args.get("catalog"), table.args.get("db")) if part]
    at = _place(table.this, tokens)
    first = at - 2 * len(before)
    plain = (
        at >= 0
        and first >= 0
        and [token.text for token in tokens[first:at:2]] == [part.name for part in before]
        and all(token.token_type is TokenType.DOT for token in tokens[first + 1 : at : 2])
    )
    return range(first, at) if plain else None


def _is_followed(called: range, kinds: Sequence[TokenType], tokens: Sequence[Token]) -> bool:
    """Whether these are the first words after a function's name."""
    after = tokens[called.stop + 1 : called.stop + 1 + len(kinds)]
    return [token.token_type for token in after] == kinds


def _folded(called: range, tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(folded(tokens[at].text) for at in called[::2])


def _span(called: range, tokens: Sequence[Token]) -> Span:
    return Span(tokens[called.start].start, tokens[called.stop].start)


def _place(call: exp.Expr, tokens: Sequence[Token]) -> int:
    """The word that is the name of a function; -1 if none is."""
    named = call.this if isinstance(call.this, exp.Identifier) else call
    start = named.meta.get("start")
    return next((n for n, token in enumerate(tokens) if token.start == start), -1)


def _is_plain(call: exp.Expr, told: str) -> bool:
    """Whether a call has the table's name as a literal, and nothing but values besides."""
    name, *versions = call.expressions or [None]
    return (
        len(versions) == _ARGUMENTS - 1
        and isinstance(name, exp.Literal)
        and name.is_string
        and name.name == told
        and not any(version.find(*_NO_VALUES) for version in versions)
    )


def _not_plain(call: exp.Expr) -> PermissionDenied:
    return PermissionDenied(
        f"{call.name} is checked against grants as {call.name}('TABLE', FROM, TO) alone, with the "
        "table's name as a plain text and versions or times that are plain values; nothing was run"
    )
