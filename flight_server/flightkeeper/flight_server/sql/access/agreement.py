"""Whether the engine and sqlglot read a text alike.

What is judged is sqlglot's tree, what runs is the engine's. Where they differ in the words of a
text, one takes for a comment or a literal what the other reads as a part of the statement; where
they differ in the tables of a query, one takes for an alias what the other takes for a table.
"""

import re

from sqlglot.tokenizer_core import Token, TokenType

from flightkeeper.discovery.principals.model import folded
from flightkeeper.flight_server.engine.named import named
from flightkeeper.flight_server.engine.statement import words_at
from flightkeeper.flight_server.lake.functions import FEED, NEWEST
from flightkeeper.flight_server.sql.access.functions import (
    HARMLESS_TABLE_FUNCTIONS,
    check_called,
    check_known,
)
from flightkeeper.flight_server.sql.access.shown import FUNCTIONS
from flightkeeper.flight_server.sql.access.trees import Walk, not_understood
from flightkeeper.flight_server.sql.reading import Source

_TABLE_FUNCTIONS = HARMLESS_TABLE_FUNCTIONS | set(FUNCTIONS) | FEED | {NEWEST}
_LITERALS = {TokenType.BYTE_STRING, TokenType.NATIONAL_STRING, TokenType.HEX_STRING}
"""They begin with a letter, and the engine counts them as values."""
_MARKS = "(),"
_WORD = re.compile(r"\S+")


def check_same_words(text: str, source: Source) -> None:
    """Refuse a text that is not divided into the same words.

    Raises:
        PermissionDenied: it is not.
    """
    ours = [
        len(text[:start].encode())
        for token in source.tokens
        for start in _starts(text, token)
        if _counts(text[start])
    ]
    if ours != [at for at, word in words_at(text) if _counts(word[0])]:
        raise not_understood("a text in words that can be read in more than one way")


def check_same_names(query: str, walk: Walk, builtin: frozenset[str]) -> None:
    """Refuse a query in which the engine finds other tables, or functions that are not its own.

    Raises:
        PermissionDenied: it does.
    """
    engines = named(query)
    if engines is None or engines.shows or engines.tables != tuple(sorted(walk.named)):
        raise not_understood("a query whose tables can be read in more than one way")
    if engines.feeds != tuple(sorted(walk.feeds)):
        raise not_understood("a query whose table functions can be read in more than one way")
    if not {folded(n) for n in engines.table_functions} <= _TABLE_FUNCTIONS:
        raise not_understood("a query over this table function")
    functions = {folded(name) for name in engines.functions}
    check_called(functions - set(FUNCTIONS))
    check_known(functions, builtin)


def _starts(text: str, token: Token) -> list[int]:
    """Where the words of a token begin; some keywords are made of several."""
    if token.token_type in _LITERALS and text[token.end] == "'":
        return []
    if text[token.start].isalpha():
        own = text[token.start : token.end + 1]
        return [token.start + word.start() for word in _WORD.finditer(own)]
    return [token.start]


def _counts(first: str) -> bool:
    return first.isalpha() or first in '"_' or first in _MARKS or not first.isascii()
