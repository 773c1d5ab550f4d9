"""The names of dialects."""

from flightkeeper.flight_server.sql.dialects import DIALECTS, DUCKDB
from flightkeeper.flight_server.sql.reading import dialect


def test_names_are_sorted_and_duckdb_is_one_of_them() -> None:
    assert list(DIALECTS) == sorted(set(DIALECTS))
    assert DUCKDB in DIALECTS


def test_every_name_has_a_grammar() -> None:
    for name in DIALECTS:
        assert type(dialect(name)).__name__.lower() == name
