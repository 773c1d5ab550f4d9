"""Which functions callers without the superuser role may use.

Owns the list of those that reach beyond the tables a statement names. A function that DuckDB does
not bring along is a macro, and may read anything.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from flightkeeper.flight_server.errors import PermissionDenied

HARMLESS_TABLE_FUNCTIONS = frozenset(
    {
        *("range", "generate_series", "unnest", "generate_subscripts", "repeat", "repeat_row"),
        *("json_each", "json_tree", "icu_calendar_names", "pg_timezone_names", "duckdb_keywords"),
    }
)
"""Functions in a FROM that make their rows of their arguments."""

_REACHING = re.compile(
    r"""
    read_\w+ | \w+_scan | scan_\w+ | \w+_scan_\w+ | parquet_\w+ | sniff_csv | glob | query
  | query_table | from_substrait\w* | get_substrait\w*
  | pragma_\w+ | duckdb_(?!tables$|columns$|schemas$|views$|databases$|keywords$)\w+
  | summary | which_secret
  | pg_(?!typeof$|size_pretty$)\w+ | \w*_description | getenv | getvariable_\w+ | sql_auto_complete
  | json_serialize_plan | json_execute_serialized_sql | nextval | currval | setval | write_log
  | (?:force_)?checkpoint | enable_\w+ | disable_\w+ | truncate_\w+ | test_\w+ | python_\w+
  | \w*external_resource\w*
  | load_\w+ | install_\w+ | seq_scan | histogram_values | st_read\w* | shapefile_meta
  | (?:postgres|mysql|sqlite|ducklake|iceberg|delta|httpfs|aws|azure|quack|remote)_\w+
  | copy_database | import_database | storage_info | table_info | database_list | show_\w+
    """,
    re.VERBOSE,
)

SETTINGS_SHOWN = frozenset(
    {"timezone", "calendar", "search_path", "schema", "default_null_order", "default_order"}
)
"""What `current_setting` may be asked for; others tell of the machine."""


def check_called(names: Iterable[str]) -> None:
    """Refuse what reaches beyond the statement.

    Args:
        names: of what is called in a statement, folded; also of what only looks like a call.

    Raises:
        PermissionDenied: names it.
    """
    for name in sorted(names):
        if _REACHING.fullmatch(name):
            raise PermissionDenied(
                f"the function {name} reaches beyond the tables that a statement names, and only "
                "superusers may call it; nothing was run"
            )


def check_known(names: Iterable[str], builtin: frozenset[str]) -> None:
    """Refuse what DuckDB does not bring along.

    Raises:
        PermissionDenied: names it, and a function of DuckDB's own that is called much the same.
    """
    for name in sorted(set(names) - builtin):
        near = get_close_matches(name, builtin, 1)
        # As DuckDB says it, which is not asked here.
        hint = f'\nDid you mean "{near[0]}"?' if near else ""
        raise PermissionDenied(
            f"{name} is no function of DuckDB's own, and a macro may read anything: only "
            f"superusers may call it; nothing was run{hint}"
        )
