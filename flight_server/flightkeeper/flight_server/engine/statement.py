"""What a text of SQL is, before anything of it runs: DuckDB's own parser decides.

Owns the classification that routing, retries and sessions rest on. Conservative: what is not known
to be a pure read is not one. Pure but for the parser; results are cached by text.
"""

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

import duckdb

from flightkeeper.flight_server.engine.failures import translate
from flightkeeper.flight_server.errors import InvalidArgument

_CACHED_MAX = 2048
_CACHED_CHARACTERS_MAX = 16_384


class Shape(Enum):
    """What a statement answers with."""

    ROWS = auto()
    COUNT = auto()
    """The number of rows it changed."""
    NOTHING = auto()


class Control(Enum):
    """Transaction control written as SQL."""

    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text.

    Attributes:
        sql: its own text.
        parsed: DuckDB's parse of it, reusable and thread-safe.
        shape: what it answers with.
        read_only: it surely changes nothing, so running it twice is harmless.
        lazy: DuckDB can tell its schema without running it.
        stateful: it changes the session: settings, temporary objects, prepared names, catalogs.
        parameters: names of its parameters; digits for positional ones.
        control: the transaction control it is, if any.
    """

    sql: str
    parsed: duckdb.Statement
    shape: Shape
    read_only: bool
    lazy: bool
    stateful: bool
    parameters: frozenset[str]
    control: Control | None


Script = tuple[Statement, ...]
"""The statements of one text, in order; never empty."""

_S = duckdb.StatementType

_CHANGES = {_S.INSERT, _S.UPDATE, _S.DELETE, _S.MERGE_INTO, _S.COPY}
_ROWS = {_S.SELECT, _S.EXPLAIN, _S.CALL, _S.EXECUTE, _S.PRAGMA, _S.RELATION}
_STATEFUL = {
    _S.TRANSACTION,
    _S.SET,
    _S.VARIABLE_SET,
    _S.PREPARE,
    _S.EXECUTE,
    _S.ATTACH,
    _S.DETACH,
    _S.PRAGMA,
}
_CONTROL_WORDS = {
    "begin": Control.BEGIN,
    "start": Control.BEGIN,
    "commit": Control.COMMIT,
    "end": Control.COMMIT,
    "rollback": Control.ROLLBACK,
    "abort": Control.ROLLBACK,
}


def parse(sql: str) -> Script:
    """The statements of a text.

    Raises:
        InvalidArgument: it does not parse (DuckDB's message with the position), or is empty.
    """
    return _parse_cached(sql) if len(sql) <= _CACHED_CHARACTERS_MAX else _parse(sql)


def _parse(sql: str) -> Script:
    try:
        parsed = duckdb.extract_statements(sql)
    except duckdb.Error as exc:
        raise translate(exc, sql) from exc
    if not parsed:
        raise InvalidArgument("the statement is empty")
    return tuple(_classify(statement) for statement in parsed)


_parse_cached = lru_cache(_CACHED_MAX)(_parse)


def _classify(parsed: duckdb.Statement) -> Statement:
    sql = parsed.query.strip()
    words = _words(sql)
    read_only = _read_only(parsed, words, sql)
    return Statement(
        sql=sql,
        parsed=parsed,
        shape=_shape(parsed, words),
        read_only=read_only,
        lazy=read_only or parsed.type == _S.SELECT,
        stateful=parsed.type in _STATEFUL or _temporary(parsed, words),
        parameters=frozenset(parsed.named_parameters),
        control=_CONTROL_WORDS.get(words[0]) if parsed.type == _S.TRANSACTION else None,
    )


def _shape(parsed: duckdb.Statement, words: list[str]) -> Shape:
    if parsed.type in _CHANGES:
        # RETURNING is reserved: as a bare word it cannot be anything else.
        return Shape.ROWS if "returning" in words else Shape.COUNT
    return Shape.ROWS if parsed.type in _ROWS else Shape.NOTHING


def _read_only(parsed: duckdb.Statement, words: list[str], sql: str) -> bool:
    if parsed.type == _S.SELECT:
        # The one function of the engine that changes something; looked for in quotes as well.
        return "nextval" not in sql.lower()
    return parsed.type == _S.EXPLAIN and "analyze" not in words


def _temporary(parsed: duckdb.Statement, words: list[str]) -> bool:
    return parsed.type == _S.CREATE and bool({"temp", "temporary"} & set(words[:4]))


def _words(sql: str) -> list[str]:
    """The bare words of a text, lower case: no quoted names, literals or comments."""
    tokens = duckdb.tokenize(sql)
    starts = [start for start, _ in tokens] + [len(sql.encode())]
    # Token positions count bytes.
    text = sql.encode()
    bare = (duckdb.token_type.keyword, duckdb.token_type.identifier)
    return [
        _first_word(text[start:end])
        for (start, kind), end in zip(tokens, starts[1:], strict=True)
        if kind in bare
    ]


def _first_word(piece: bytes) -> str:
    return piece.split(maxsplit=1)[0].decode(errors="replace").lower() if piece.strip() else ""
