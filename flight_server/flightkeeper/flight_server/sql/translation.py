"""Statements of any dialect as DuckDB's own.

Owns the cache of translated texts, and that sqlglot is loaded by the first text that needs it.
"""

from functools import lru_cache

from flightkeeper.flight_server.engine import statement
from flightkeeper.flight_server.engine.statement import Script
from flightkeeper.flight_server.errors import InvalidArgument, Unimplemented
from flightkeeper.flight_server.sql.dialects import DIALECTS, DUCKDB

TEXT_CHARACTERS_MAX = 256 * 1024
"""Translating as much takes seconds of Python; data is sent by ingesting it."""
_CACHED_MAX = 2048
_CACHED_CHARACTERS_MAX = 16_384


def parse(text: str, dialect: str) -> Script:
    """The statements of a text written in a dialect, as DuckDB's own.

    For DuckDB's dialect the text is taken as it is.

    Raises:
        InvalidArgument: it does not parse, or DuckDB has nothing like it; the position is that in
            the client's own text. Nothing was run.
    """
    if dialect == DUCKDB:
        return statement.parse(text)
    return (
        _parse_cached(text, dialect)
        if len(text) <= _CACHED_CHARACTERS_MAX
        else _parse(text, dialect)
    )


def _parse(text: str, dialect: str) -> Script:
    if dialect not in DIALECTS:
        raise InvalidArgument(f"there is no dialect {dialect[:80]!r}; nothing was run")
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


_parse_cached = lru_cache(_CACHED_MAX)(_parse)
