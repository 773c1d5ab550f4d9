"""What Impala and Phoenix share: UPSERT, and words left out before a statement is parsed."""

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

UPSERT_KEYWORDS = {"UPSERT": TokenType.INSERT}
"""For a dialect's tokenizer."""

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET}


class Upserting(Parser):
    """Parses UPSERT as an insert that replaces, in the rows that exist, the columns it names."""

    def parse_upsert(self) -> exp.Expr:
        """An INSERT or UPSERT, whose first word was read."""
        replaces = self._prev.text.upper() == "UPSERT"
        insert = self._parse_insert()
        if replaces and insert.args.get("conflict") is None:
            insert.set("alternative", "REPLACE")
        return insert


UPSERT_PARSERS: dict[TokenType, Callable[[Upserting], exp.Expr]] = {
    TokenType.INSERT: Upserting.parse_upsert
}
"""For a parser's statements."""


def words(tokens: Sequence[Token], start: int, count: int) -> tuple[str, ...]:
    """The texts of some tokens, upper case."""
    return tuple(token.text.upper() for token in tokens[start : start + count])


def closing(tokens: Sequence[Token], opening: int) -> int:
    """The index of the token that closes what one opens; the last one if nothing does."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += (tokens[index].token_type in _OPENING) - (tokens[index].token_type in _CLOSING)
        if depth == 0:
            return index
    return len(tokens) - 1


def without(tokens: Sequence[Token], start: int, stop: Collection[str]) -> list[Token]:
    """The tokens without a clause: from one up to the next of some words outside parentheses."""
    index = start
    while index < len(tokens) and (index == start or tokens[index].text.upper() not in stop):
        index = closing(tokens, index) if tokens[index].token_type in _OPENING else index
        index += 1
    return [*tokens[:start], *tokens[index:]]


def is_table(tokens: Sequence[Token]) -> int | None:
    """For CREATE TABLE with columns, the index of the parenthesis before them."""
    first = words(tokens, 0, 4)
    if first[:1] != ("CREATE",) or "TABLE" not in first:
        return None
    for index, token in enumerate(tokens):
        if token.token_type is TokenType.L_PAREN:
            return index
        if token.text.upper() in {"AS", "LIKE"} and index > 2:  # noqa: PLR2004 - after the name
            return None
    return None


def dropped(tokens: Iterable[Token], texts: Collection[str]) -> list[Token]:
    """The tokens without some words."""
    return [
        token
        for token in tokens
        if token.token_type in {TokenType.STRING, TokenType.IDENTIFIER}
        or token.text.upper() not in texts
    ]
