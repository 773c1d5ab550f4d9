"""The words of a statement, read from left to right by who knows its grammar.

Words and literals are those of the client's dialect; types and queries are put into the engine's.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from flightkeeper.discovery.catalog.definition import ObjectName
from flightkeeper.flight_server.cluster.home import BESIDE
from flightkeeper.flight_server.engine.positions import at
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import reading
from flightkeeper.flight_server.sql.dialects import DUCKDB
from flightkeeper.flight_server.sql.reading import Source

_DEFAULT_SCHEMA = "main"
_STRINGS = {
    TokenType.STRING,
    TokenType.NATIONAL_STRING,
    TokenType.RAW_STRING,
    TokenType.HEREDOC_STRING,
}
_NUMBERS = {TokenType.NUMBER}


class Words:
    """A statement's tokens, read from left to right."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = tuple(word for token in source.tokens for word in _single(token))
        self._at = 0

    @property
    def next(self) -> Token | None:
        """The token that comes, if there is one."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def peek(self) -> str:
        """The word that comes, in upper case; empty for quoted ones and at the end."""
        token = self.next
        if token is None or token.token_type in {*_STRINGS, TokenType.IDENTIFIER}:
            return ""
        return token.text.upper()

    def take(self, *words: str) -> bool:
        """Go past these words, if they come."""
        here = self._at
        for word in words:
            if self.peek() != word:
                self._at = here
                return False
            self._at += 1
        return True

    def expect(self, *words: str) -> None:
        """Go past these words. Raises InvalidArgument."""
        for word in words:
            if not self.take(word):
                raise self.error(f"expected {word}")

    @property
    def quoted(self) -> bool:
        """Whether a literal text comes."""
        token = self.next
        return token is not None and token.token_type in _STRINGS

    def identifier(self) -> str:
        """A name."""
        token = self.next
        if token is None or token.token_type in {*_STRINGS, *_NUMBERS} or not _is_name(token):
            raise self.error("expected a name")
        self._at += 1
        return token.text

    def name(self) -> ObjectName:
        """The name of an object: with its schema, if it says one."""
        parts = [self.identifier()]
        while self.take("."):
            parts.append(self.identifier())
        if len(parts) > 2 and parts[0].lower() == BESIDE:  # noqa: PLR2004 - catalog, schema, name
            parts = parts[1:]
        if len(parts) > 2:  # noqa: PLR2004 - schema, name
            raise self.error("an object of the cluster has a schema and a name, no catalog")
        return ObjectName(*parts) if len(parts) > 1 else ObjectName(_DEFAULT_SCHEMA, parts[0])

    def string(self) -> str:
        """A literal text."""
        token = self.next
        if token is None or token.token_type not in _STRINGS:
            raise self.error("expected a text in quotes")
        self._at += 1
        return token.text

    def value(self) -> str | None:
        """A literal of whatever type, as text; None = NULL."""
        if self.take("NULL"):
            return None
        if self.peek() in {"DATE", "TIMESTAMP"}:
            self._at += 1
            return self.string()
        sign = "-" if self.take("-") else ""
        token = self.next
        if token is None or not (
            token.token_type in {*_STRINGS, *_NUMBERS} or token.text.upper() in {"TRUE", "FALSE"}
        ):
            raise self.error("expected a value")
        self._at += 1
        return sign + token.text

    def in_parentheses(self, read: Callable[[], Any]) -> list[Any]:
        """What is read one after another, between parentheses and with commas."""
        self.expect("(")
        found = [read()]
        while self.take(","):
            found.append(read())
        self.expect(")")
        return found

    def type(self, *ends: str) -> str:
        """A type, up to a comma or one of these words, in the engine's words."""
        start, depth = self._at, 0
        while (token := self.next) is not None:
            word = self.peek()
            if depth == 0 and word in {",", ")", *ends}:
                break
            depth += (word in {"(", "<"}) - (word in {")", ">"})
            self._at += 1
            if depth < 0 or token is None:
                raise self.error("expected a type")
        if self._at == start:
            raise self.error("expected a type")
        text = self._text(start, self._at)
        return text if self._source.dialect == DUCKDB else self._translated(text, start)

    def rest(self) -> str:
        """All that is left, in the engine's words."""
        if self.next is None:
            raise self.error("expected more")
        text = self._text(self._at, len(self._tokens))
        self._at = len(self._tokens)
        return text

    def rest_as_query(self) -> str:
        """A query that is all that is left, in the engine's words."""
        text = self.rest()
        if self._source.dialect == DUCKDB:
            return text
        from flightkeeper.flight_server.sql.transpiling import transpile  # noqa: PLC0415 - big

        parts = transpile(text, self._source.dialect)
        return parts[0].sql

    def end(self) -> None:
        """Nothing may be left. Raises InvalidArgument."""
        if self.next is not None:
            raise self.error("expected the end")

    def error(self, message: str) -> InvalidArgument:
        """What is wrong where it is read now, in DuckDB's form."""
        token = self.next
        last = self._tokens[-1]
        offset = last.end + 1 if token is None else token.start
        where = "at end of input" if token is None else f'at or near "{token.text[:60]}"'
        return at(self._source.text, offset, f"syntax error {where}: {message}")

    def _text(self, start: int, end: int) -> str:
        first, last = self._tokens[start], self._tokens[end - 1]
        return self._source.text[first.start : last.end + 1]

    def _translated(self, text: str, start: int) -> str:
        try:
            dialect = reading.dialect(self._source.dialect)
            return exp.DataType.build(text, dialect=dialect, udt=True).sql(DUCKDB)
        except (SqlglotError, ValueError) as exc:
            self._at = start
            raise self.error("this is no type") from exc


def _single(token: Token) -> Iterator[Token]:
    """A token as single words: sqlglot takes PRIMARY KEY for one."""
    parts = list(re.finditer(r"\S+", token.text))
    if len(parts) < 2 or token.token_type in {*_STRINGS, TokenType.IDENTIFIER}:  # noqa: PLR2004 - one
        yield token
        return
    for part in parts:
        start = token.start + part.start()
        yield Token(
            TokenType.VAR, part.group(), token.line, token.col, start, start + len(part.group()) - 1
        )


def _is_name(token: Token) -> bool:
    return token.token_type is TokenType.IDENTIFIER or token.text.replace("_", "a").isalnum()
