"""The words, texts and marks of a statement, by DuckDB's own tokenizer: comments are none.

Unlike the words that `statement` classifies by, what stands between quotes is told as well.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

import duckdb

_TOKEN = re.compile(
    rb"""(?P<text>\$(?P<tag>[^\s$]*)\$.*?\$(?P=tag)\$|[eE]'(?:[^'\\]|''|\\.)*'|\w?'(?:[^']|'')*')"""
    rb"""|"(?:[^"]|"")*"|\.?\d[\w.]*|[\w$\x80-\xff]+|.""",
    re.DOTALL,
)
"""One token, where it begins; numbers are whole."""
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)


class Kind(Enum):
    """What a token is."""

    KEYWORD = auto()
    """A word of SQL without quotes, which may be a name nevertheless."""
    NAME = auto()
    TEXT = auto()
    OTHER = auto()
    """A number, an operator, a parenthesis."""


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a statement.

    Attributes:
        text: of a name, lower case and without its quotes; of a text, what it says.
    """

    kind: Kind
    text: str


_KINDS = {
    duckdb.token_type.keyword: Kind.KEYWORD,
    duckdb.token_type.identifier: Kind.NAME,
    duckdb.token_type.string_const: Kind.TEXT,
}


def tokens(sql: str) -> list[Token]:
    """The tokens of a text, in order."""
    return [_token(kind, found) for kind, found in _found(sql)]


def plain(sql: str) -> str:
    """A text of names and plain values without its comments."""
    return " ".join(_written(found) for _, found in _found(sql))


def imports(sql: str) -> bool:
    """Whether a text has the statements of files in it: DuckDB's parser would read them."""
    if "import" not in sql.lower():
        return False
    words = [token.text for token in tokens(sql) if token.kind is not Kind.TEXT]
    begun = zip([";", *words], words, words[1:], strict=False)
    return any(before == ";" and pair in _IMPORTS for before, *pair in begun)


_IMPORTS = (["import", "database"], ["pragma", "import_database"])


def _found(sql: str) -> Iterator[tuple[Kind, re.Match[bytes]]]:
    # Positions count bytes.
    text = sql.encode()
    for start, kind in duckdb.tokenize(sql):
        found = _TOKEN.match(text, start)
        if found and kind != duckdb.token_type.comment:
            yield _KINDS.get(kind, Kind.OTHER), found


def _token(kind: Kind, found: re.Match[bytes]) -> Token:
    written = _written(found)
    if found["text"] is not None:
        return Token(Kind.TEXT, _said(written))
    if written.startswith('"'):
        return Token(Kind.NAME, written[1:-1].replace('""', '"').lower())
    return Token(kind, written.lower())


def _written(found: re.Match[bytes]) -> str:
    return found.group().decode(errors="replace")


def _said(literal: str) -> str:
    """What a literal says."""
    if literal.startswith("$"):
        tag = literal.index("$", 1) + 1
        return literal[tag:-tag]
    opening, _, rest = literal.partition("'")
    said = rest[:-1].replace("''", "'")
    return _ESCAPE.sub(_unescaped, said) if opening in {"e", "E"} else said


def _unescaped(escape: re.Match[str]) -> str:
    hexadecimal, octal, other = escape.groups()
    if other is not None:
        return str(other)
    return chr(int(hexadecimal, 16) if octal is None else int(octal, 8))
