"""What a single statement becomes, for tests of one rule at a time."""

from flightkeeper.flight_server.sql.transpiling import transpile


def becomes(text: str, dialect: str) -> str:
    """The DuckDB text of one statement."""
    (found,) = transpile(text, dialect)
    return found.sql
