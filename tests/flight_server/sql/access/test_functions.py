"""Which functions reach beyond a statement."""

import duckdb
import pytest

from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.sql.access.functions import (
    HARMLESS_TABLE_FUNCTIONS,
    check_called,
    check_known,
)
from flightkeeper.flight_server.sql.access.shown import FUNCTIONS

_ALSO_SCALAR = {"histogram", "arrow_scan_dumb", "from_json"}


def test_every_table_function_is_known_to_be_harmless_or_refused() -> None:
    kinds = "('table', 'table_macro', 'pragma')"
    names = duckdb.sql(
        f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN {kinds}"
    ).fetchall()
    allowed = HARMLESS_TABLE_FUNCTIONS | set(FUNCTIONS)
    passed = set()
    for (name,) in names:
        try:
            check_called([name])
        except PermissionDenied:
            continue
        passed.add(name)
    # What is none of them has to be called in a FROM to do anything, which a closed list refuses.
    assert passed - allowed <= {
        *("functions", "collations", "user_agent", "version", "platform", "show", "database_size"),
        *("extension_versions", "metadata_info", "all_profiling_output", "add_parquet_key"),
        *("histogram", "verify_external", "verify_fetch_row", "verify_parallelism"),
        *("verify_serializer", "unregister_arrow", "http_log_parse"),
    }


@pytest.mark.parametrize("name", ["query", "read_csv", "nextval", "pg_get_viewdef", "glob"])
def test_what_reaches_is_refused_by_name(name: str) -> None:
    with pytest.raises(PermissionDenied, match=name):
        check_called(["lower", name])


def test_ordinary_functions_are_called() -> None:
    check_called(["lower", "pg_typeof", "duckdb_tables", "list_transform", "json_extract"])


def test_what_duckdb_does_not_bring_along_is_refused() -> None:
    check_known({"lower"}, frozenset({"lower"}))
    with pytest.raises(PermissionDenied, match="mine is no function"):
        check_known({"lower", "mine"}, frozenset({"lower"}))


def test_a_slip_is_told_from_a_macro() -> None:
    builtin = frozenset({"regexp_matches", "lower"})
    with pytest.raises(PermissionDenied, match=r'\nDid you mean "regexp_matches"\?$'):
        check_known({"regexp_matchs"}, builtin)
    with pytest.raises(PermissionDenied, match=r"nothing was run$"):
        check_known({"mine"}, builtin)
