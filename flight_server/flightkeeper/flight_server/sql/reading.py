"""A client's text as statements, and a statement as sqlglot's tree.

Owns sqlglot's dialects, the bounds of its parser, its errors in DuckDB's form, and the numbering of
parameters.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from flightkeeper.flight_server.engine.positions import at
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import templates
from flightkeeper.flight_server.sql.impala import Impala
from flightkeeper.flight_server.sql.phoenix import Phoenix

# sqlglot logs what it cannot do; here that is an answer to the client.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())
logging.getLogger("sqlglot").propagate = False

_STEPS_PER_TOKEN = 100
"""Ordinary statements need about five; what is nested deep enough would need any number."""
_STEPS_MIN = 2000
_OURS: dict[str, type[Dialect]] = {"impala": Impala, "phoenix": Phoenix}
_OFFSET = "offset"
_SHOWN_MAX = 60
_BUILDER_ERRORS = (AttributeError, IndexError, KeyError, TokenError, TypeError, ValueError)
"""What sqlglot raises for functions with missing arguments, or too many."""
_TOKEN_ERROR = re.compile(r"(?:Missing (?P<missing>.*)|.*) from \d+:(?P<offset>\d+)", re.DOTALL)


class TooComplicated(Exception):
    """The parser would go on for too long."""


@dataclass(frozen=True, slots=True)
class Source:
    """One statement of a client's text.

    Attributes:
        text: the whole text.
        dialect: what it is written in.
        tokens: of this statement; at least one.
        own: the part of the text that is this statement, with its comments.
    """

    text: str
    dialect: str
    tokens: tuple[Token, ...]
    own: str

    @property
    def opaque(self) -> bool:
        """Whether sqlglot does not look into statements of its kind."""
        return self.tokens[0].token_type in dialect(self.dialect).tokenizer_class.COMMANDS

    @property
    def words(self) -> tuple[str, ...]:
        """The texts of its first tokens, upper case; quoted ones are empty."""
        return tuple(
            "" if token.token_type in _QUOTED else token.text.upper() for token in self.tokens[:8]
        )

    def after(self, index: int) -> "Source":
        """What follows its first tokens, as a statement."""
        tokens = self.tokens[index:]
        return Source(self.text, self.dialect, tokens, self.text[tokens[0].start :])


_QUOTED = {TokenType.STRING, TokenType.IDENTIFIER}


class _Bounded(Parser):
    """A parser that gives up in time and remembers where it was."""

    steps: int
    failed_at: int = 0

    def _advance(self, times: int = 1) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise TooComplicated
        super()._advance(times)

    def validate_expression(self, expression: Any, args: list[Any] | None = None) -> Any:
        """Count what functions are made of: some repeat their arguments."""
        if args is not None:
            for _ in expression.walk():
                self.steps -= 1
                if self.steps < 0:
                    raise TooComplicated
        return super().validate_expression(expression, args)

    def raise_error(self, message: str, token: Token | None = None) -> None:
        found = token or self._curr
        self.failed_at = found.start if found else len(self.sql)
        super().raise_error(message, token)  # type: ignore[arg-type]  # its default is None

    @property
    def here(self) -> int:
        """The offset of the word that was read last."""
        return self._prev.start if self._prev else 0

    def placeholder(self) -> exp.Expr:
        """A `?`, with its offset: the order of the text is the order of the values."""
        node = exp.Placeholder()
        node.meta[_OFFSET] = self._prev.start
        return self.expression(node)


@cache
def dialect(name: str) -> Dialect:
    """The dialect of this name; its parser is bounded."""
    return (_OURS.get(name) or Dialect.get_or_raise(name).__class__)()


def _size(arguments: list[exp.Expr]) -> exp.Expr:
    """`size` of NULL is -1, unlike `array_size`; what was collected of no rows is empty."""
    (value,) = arguments
    size = exp.ArraySize(this=value)
    if isinstance(value, exp.Array | exp.Map | exp.VarMap | exp.MapFromEntries):
        return size
    collected = isinstance(value, exp.ArrayAgg | exp.ArrayUniqueAgg)
    missing = exp.Literal.number(0 if collected else 1)
    return exp.func("COALESCE", size, missing if collected else exp.Neg(this=missing))


@cache
def _parser_class(name: str) -> type[_Bounded]:
    base = dialect(name).parser_class
    placeholders = {**base.PLACEHOLDER_PARSERS, TokenType.PLACEHOLDER: _Bounded.placeholder}
    changed: dict[str, Any] = {"PLACEHOLDER_PARSERS": placeholders}
    if name in templates.DIALECTS:
        # sqlglot would take each template for one of times, and what it does not know for text.
        known = {key: build for key, build in base.FUNCTIONS.items() if key != "TO_CHAR"}
        changed["FUNCTIONS"] = known
    if name in {"hive", "spark"}:
        changed["FUNCTIONS"] = {**base.FUNCTIONS, "CARDINALITY": _size, "SIZE": _size}
    if name == "oracle":
        changed["COLON_PLACEHOLDER_TOKENS"] = base.COLON_PLACEHOLDER_TOKENS | {TokenType.NUMBER}
    return type("BoundedParser", (_Bounded, base), changed)


@cache
def _tokenizer_class(name: str) -> type[Tokenizer]:
    """The dialect's tokenizer; it also divides statements that its parser would not look into."""
    base = dialect(name).tokenizer_class
    return type("WholeTokenizer", (base,), {"COMMANDS": set()})


def sources(text: str, name: str) -> Iterator[Source]:
    """The statements of a text, in order.

    Raises:
        InvalidArgument: a quote or comment has no end; nothing was run.
    """
    try:
        tokens = _tokenizer_class(name)(dialect(name)).tokenize(text)
    except TokenError as exc:
        raise _untokenized(text, exc) from exc
    start = 0
    chunk: list[Token] = []
    for token in tokens:
        if token.token_type is not TokenType.SEMICOLON:
            chunk.append(token)
            continue
        if chunk:
            yield Source(text, name, tuple(chunk), text[start : token.start].strip())
        start, chunk = token.end + 1, []
    if chunk:
        yield Source(text, name, tuple(chunk), text[start:].strip())


def as_insert(source: Source) -> Source:
    """`REPLACE INTO` as the insert it is."""
    first = source.tokens[0]
    places = (first.line, first.col, first.start, first.end)
    words = (TokenType.INSERT, "INSERT"), (TokenType.OR, "OR"), (TokenType.VAR, "REPLACE")
    head = tuple(Token(kind, text, *places) for kind, text in words)
    return replace(source, tokens=(*head, *source.tokens[1:]))


def tree(source: Source) -> exp.Expr:
    """The statement as a tree, its positional parameters numbered.

    Raises:
        InvalidArgument: it does not parse; nothing was run.
    """
    parser = _parser_class(source.dialect)(
        dialect=dialect(source.dialect), error_level=ErrorLevel.IMMEDIATE
    )
    parser.steps = _STEPS_MIN + _STEPS_PER_TOKEN * len(source.tokens)
    try:
        found = parser.parse(list(source.tokens), source.text)
    except ParseError as exc:
        raise _syntax_error(source, parser.failed_at) from exc
    except _BUILDER_ERRORS as exc:
        raise _syntax_error(source, parser.here) from exc
    if len(found) != 1 or found[0] is None:
        raise _syntax_error(source, source.tokens[0].start)
    return _numbered(found[0])


def _numbered(root: exp.Expr) -> exp.Expr:
    """Give each `?` its number, so that a translation may move or repeat it."""
    marks = [node for node in root.find_all(exp.Placeholder) if _OFFSET in node.meta]
    offsets = sorted({node.meta[_OFFSET] for node in marks})
    numbers = {offset: number for number, offset in enumerate(offsets, start=1)}
    for node in marks:
        node.set("this", str(numbers[node.meta[_OFFSET]]))
    return root


def _syntax_error(source: Source, offset: int) -> InvalidArgument:
    near = next((token for token in source.tokens if token.start == offset), None)
    if near is None:
        return at(source.text, source.tokens[-1].end + 1, "syntax error at end of input")
    word = source.text[near.start : near.end + 1][:_SHOWN_MAX]
    return at(source.text, offset, f'syntax error at or near "{word}"')


def _untokenized(text: str, error: TokenError) -> InvalidArgument:
    """A text that cannot be divided into words; the inner error knows where it gave up."""
    found = _TOKEN_ERROR.fullmatch(str(error.__cause__))
    if found is None:
        return at(text, min(error.start or 0, len(text)), "syntax error")
    offset = min(int(found["offset"]), len(text))
    if found["missing"]:
        return at(
            text, offset, f"unterminated quoted text or comment; {found['missing']} is missing"
        )
    return at(text, offset, "syntax error in a number")
