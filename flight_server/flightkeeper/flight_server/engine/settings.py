"""DuckDB's settings that one session may change for itself.

Owns the list. Left out is what reaches beyond the session (memory, threads, files, logging), and
what would change what others rely on (how results become Arrow data).
"""

from collections.abc import Mapping

import duckdb

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import PermissionDenied

SESSION_SETTINGS = frozenset(
    {
        "Calendar",
        "TimeZone",
        "asof_loop_join_threshold",
        "default_collation",
        "default_null_order",
        "default_order",
        "disable_timestamptz_casts",
        "dynamic_or_filter_threshold",
        "errors_as_json",
        "explain_output",
        "ieee_floating_point_ops",
        "integer_division",
        "late_materialization_max_rows",
        "max_expression_depth",
        "merge_join_threshold",
        "nested_loop_join_threshold",
        "null_order",
        "order_by_non_integer_literal",
        "ordered_aggregate_threshold",
        "perfect_ht_threshold",
        "pivot_filter_threshold",
        "pivot_limit",
        "prefer_range_joins",
        "preserve_identifier_case",
        "preserve_insertion_order",
        "scalar_subquery_error_on_multiple_rows",
        "search_path",
    }
)

_PLANS = "custom_profiling_settings"
_WITHOUT_FILES = (
    """{"OPERATOR_CARDINALITY": "true", "OPERATOR_NAME": "true", "OPERATOR_TIMING": "true"}"""
)
"""What a plan that was run tells of its operators, as DuckDB writes it. What each says of itself is
left out: tables, columns and conditions, and the files that were read."""

HIDES_FILES = int(duckdb.__version__.split(".")[0]) < 2  # noqa: PLR2004
"""Whether DuckDB can leave that out."""
_LAKE = "SELECT 1 FROM system.main.duckdb_databases() WHERE database_name = 'lake'"

_LOWER = frozenset(map(str.lower, SESSION_SETTINGS))

_CURRENT = "SELECT name, value FROM duckdb_settings() WHERE list_contains($names, name)"


def is_of_a_session(name: str) -> bool:
    """Whether a setting, whatever its case, is one of these."""
    return name.lower() in _LOWER


def current(connection: Connection) -> Mapping[str, str]:
    """The values of these settings that this version of DuckDB has, as text."""
    rows = connection.table(_CURRENT, {"names": sorted(SESSION_SETTINGS)}).to_pylist()
    return {row["name"]: row["value"] or "" for row in rows}


def change(connection: Connection, name: str, text: str | None) -> None:
    """Change a setting of this connection only; None puts it back to its default.

    Raises:
        InvalidArgument: DuckDB does not take the value; nothing has changed.
    """
    assert name in SESSION_SETTINGS
    value = "" if text is None else " = '" + text.replace("'", "''") + "'"
    verb = "RESET" if text is None else "SET"
    (statement,) = parse(f"{verb} SESSION {name}{value}")
    connection.change(statement)


def show_in_plans(connection: Connection, *, files: bool) -> None:
    """Whether EXPLAIN ANALYZE tells on this connection which files were read.

    Raises:
        PermissionDenied: DuckDB would tell of the lake's all the same, as it does since 2.0.
    """
    if not HIDES_FILES:
        if not files and connection.rows(_LAKE):
            raise PermissionDenied(
                "EXPLAIN ANALYZE shows which files were read, which this version of DuckDB cannot "
                "leave out, so that superusers alone may run it; nothing was run"
            )
    elif not files:
        connection.command(f"SET SESSION {_PLANS} = '{_WITHOUT_FILES}'")
        # With the setting DuckDB writes the plan of each statement on the node's own output.
        connection.command("PRAGMA disable_profiling")
    elif connection.rows(f"SELECT current_setting('{_PLANS}')") == [(_WITHOUT_FILES,)]:
        connection.command(f"RESET SESSION {_PLANS}")
