"""Calls of the functions that tell what was changed of a table of a lake, as uses of that table.

Such a function finds the table by a text, in the schema that it is called in itself. So the text
has to be a plain literal, which both parsers read alike; what is judged, and where it is found, is
written before the call.
"""

from collections.abc import Sequence

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from flightkeeper.discovery.principals.model import Privilege, folded
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.sql.access.uses import Span, TableUse

_ARGUMENTS = 3
"""The table, and two versions or times."""
_NO_VALUES = (exp.Column, exp.Query, exp.Star, exp.Kwarg, exp.PropertyEQ)
"""What no version is made of."""
_LITERAL = [TokenType.L_PAREN, TokenType.STRING, TokenType.COMMA]


def feed_of(table: exp.Table, tokens: Sequence[Token]) -> TableUse:
    """A call in a FROM as the use of the table whose changes it tells.

    Args:
        tokens: of the statement.

    Returns: the use; its path is what the function is called in, and the table's name.

    Raises:
        PermissionDenied: it cannot be told which table that is.
    """
    call = table.this
    before = [part for part in (table.args.get("catalog"), table.args.get("db")) if part]
    at = _place(call, tokens)
    first = at - 2 * len(before)
    after = tokens[at + 1 : at + 1 + len(_LITERAL)]
    plain = (
        at >= 0
        and first >= 0
        and [token.text for token in tokens[first:at:2]] == [part.name for part in before]
        and all(token.token_type is TokenType.DOT for token in tokens[first + 1 : at : 2])
        and [token.token_type for token in after] == _LITERAL
    )
    if not plain or not _is_plain(call, after[1].text):
        raise _not_plain(call)
    return TableUse(
        path=(*(folded(part.name) for part in before), folded(after[1].text)),
        needs=frozenset({Privilege.SELECT}),
        span=Span(tokens[first].start, tokens[at].start),
        past=True,
        feed=True,
    )


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
