"""Which tests of SQLAlchemy's suite are left out, and why; all others must pass."""

from collections.abc import Mapping

NAMES = (
    "dialect: it lists what has the type 'table' or 'view', in lower case; Flight SQL says TABLE"
)
KEYS = "driver: ADBC asks a Flight SQL server for no keys, indexes, defaults, checks or comments"
ANY_SCHEMA = "dialect: without a schema it finds tables of any schema"
NO_METHOD = "dialect: it does not implement this"
NO_SQL = "dialect: its generic compiler has no SQL for this, or SQL that DuckDB refuses"
NO_BINARY = "driver: its module lacks Binary, which DB-API demands"
NO_INTEGRITY = "protocol: gRPC has no code for a broken constraint, so the driver has no such error"
NOT_SAID = "dialect: it does not say that this is possible"
FLOATS = "dialect: it does not say that decimals arrive as decimals, so they pass through floats"
DIVISION = "dialect: it does not know how DuckDB divides"
NO_IDENTITY = "engine: DuckDB numbers rows by sequences that one names, not by itself"
NO_FETCH = "engine: DuckDB has no FETCH FIRST with percents, ties or expressions"
ORDER = "engine: the test expects an order that it does not ask for"
MATERIALIZED = "engine: DuckDB has no materialized views"
INTERVALS = "engine: DuckDB wants a cast in a range over dates"

EXCLUDED: Mapping[str, str] = {}
"""Reasons by `Class::test[parameters]`, with the wildcards of file names."""
