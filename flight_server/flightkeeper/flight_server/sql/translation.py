"""A client's text as statements: the engine's own, whatever dialect it is in, and the cluster's.

Owns the cache of parsed texts, and that sqlglot is loaded by the first text that needs it.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from flightkeeper.flight_server.engine import statement
from flightkeeper.flight_server.engine.statement import Script, Statement
from flightkeeper.flight_server.errors import InvalidArgument, Unimplemented
from flightkeeper.flight_server.sql import cluster_statements
from flightkeeper.flight_server.sql.dialects import DIALECTS, DUCKDB
from flightkeeper.flight_server.sql.masking import holds_password, masked

if TYPE_CHECKING:
    from flightkeeper.flight_server.sql.reading import Source

TEXT_CHARACTERS_MAX = 256 * 1024
"""Translating as much takes seconds of Python; data is sent by ingesting it."""
_CACHED_MAX = 2048
_CACHED_CHARACTERS_MAX = 16_384


def parse(text: str, dialect: str) -> Script:
    """The statements of a text written in a dialect, as DuckDB's own or as the cluster's.

    For DuckDB's dialect the text is taken as it is.

    Raises:
        InvalidArgument: it does not parse, or DuckDB has nothing like it; the position is that in
            the client's own text. Nothing was run.
    """
    if holds_password(text):
        return _parse_discreetly(text, dialect)
    if len(text) > _CACHED_CHARACTERS_MAX:
        return _parse(text, dialect)
    return _parse_cached(text, dialect)


def _parse(text: str, dialect: str) -> Script:
    if dialect not in {DUCKDB, *DIALECTS}:
        raise InvalidArgument(f"there is no dialect {dialect[:80]!r}; nothing was run")
    if cluster_statements.mentioned(text) and (found := _divided(text, dialect)):
        return found
    return _engines(text, dialect)


def _parse_discreetly(text: str, dialect: str) -> Script:
    """Parse a text that is neither kept nor shown."""
    try:
        return _parse(text, dialect)
    except InvalidArgument as exc:
        first = str(exc).partition("\n")[0]
        raise exc.reworded(masked(f"{first} (in a statement with a PASSWORD)")) from None


_parse_cached = lru_cache(_CACHED_MAX)(_parse)


def _divided(text: str, dialect: str) -> Script | None:
    """The statements of a text one by one; None if none of them is the cluster's."""
    from flightkeeper.flight_server.sql import reading  # noqa: PLC0415 - as below

    try:
        sources = tuple(reading.sources(text, dialect))
    except InvalidArgument:
        return None  # whoever reads all of it says what is wrong
    if not any(map(_is_clusters, sources)):
        return None
    return tuple(found for source in sources for found in _one(source))


def _is_clusters(source: "Source") -> bool:
    plain = cluster_statements.plain_definition(source)
    return plain is not None or cluster_statements.command(source) is not None


def _one(source: "Source") -> Iterator[Statement]:
    if (command := cluster_statements.command(source)) is not None:
        yield statement.of_command(command, source.own)
    elif (plain := cluster_statements.plain_definition(source)) is not None:
        yield from (replace(found, reference=True) for found in _engines(plain, source.dialect))
    else:
        yield from _engines(source.own, source.dialect)


def _engines(text: str, dialect: str) -> Script:
    if dialect == DUCKDB:
        return statement.parse(text)
    if len(text) > TEXT_CHARACTERS_MAX:
        raise InvalidArgument(
            f"a text of {len(text)} characters is too long to be translated from {dialect}; at "
            f"most {TEXT_CHARACTERS_MAX} are; nothing was run; write it in DuckDB's dialect, or "
            "ingest the data"
        )
    # A node whose clients all speak DuckDB never pays for loading sqlglot.
    from flightkeeper.flight_server.sql.transpiling import transpile  # noqa: PLC0415 - see above

    parts = transpile(text, dialect)
    if not parts:
        raise InvalidArgument("the statement is empty")
    try:
        return tuple(found for part in parts for found in statement.parse(part.sql, part.source))
    except Unimplemented as exc:
        # The client did not write what DuckDB has not implemented.
        raise InvalidArgument(str(exc), cause=exc.cause) from exc
