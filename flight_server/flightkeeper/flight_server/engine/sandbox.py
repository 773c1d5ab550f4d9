"""A DuckDB beside the node's own, for questions about types and values from outside.

Some values make DuckDB report a defect of its own, which takes the whole database down with it.
Here that is a database without data, and the next question gets a new one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import duckdb

from flightkeeper.flight_server.engine.failures import translate
from flightkeeper.flight_server.errors import Internal, InvalidArgument

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "1GB",
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


@contextmanager
def sandbox() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one question, with moments in UTC.

    Raises:
        NodeError: what DuckDB said, without the question; InvalidArgument also if it broke on it.
    """
    connection = _database().cursor()
    try:
        yield connection
    except duckdb.Error as exc:
        error = translate(exc, "")
        if isinstance(error, Internal):
            _database.cache_clear()
            raise InvalidArgument("the engine cannot take these values; nothing was run") from exc
        first = str(error).partition("\n")[0]
        raise type(error)(f"{first}; nothing was run", cause=error.cause) from exc
    finally:
        connection.close()


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(":memory:", config=_SETTINGS)
    database.execute("SET GLOBAL TimeZone = 'UTC'").fetchall()
    return database
