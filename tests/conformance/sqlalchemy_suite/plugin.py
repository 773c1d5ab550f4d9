"""What SQLAlchemy's suite has to know about the dialect `flightkeeper` on a node."""

import inspect as python
import json
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.testing import exclusions as untyped_exclusions
from sqlalchemy.testing import provision as untyped_provision
from sqlalchemy.testing.requirements import SuiteRequirements

from tests.conformance.sqlalchemy_suite.exclusions import EXCLUDED

exclusions: Any = untyped_exclusions
provision: Any = untyped_provision

OPEN = (
    "array_type", "autocommit", "check_constraint_reflection", "comment_reflection",
    "comment_reflection_full_unicode", "computed_columns", "computed_columns_virtual",
    "create_or_replace_view", "create_table_as", "create_temp_table_as", "ctes",
    "ctes_with_update_delete", "ctes_with_values", "date_historic", "datetime_historic",
    "datetime_interval", "datetime_literals", "datetime_timezone", "expression_server_defaults",
    "fetch_first", "fetch_no_order_by", "float_or_double_precision_behaves_generically",
    "get_isolation_level_values", "index_ddl_if_exists", "infinity_floats",
    "inline_check_constraint_reflection", "isolation_level", "json_array_indexes", "json_type",
    "percent_schema_names", "precision_numerics_retains_significant_digits", "regexp_match",
    "regexp_replace", "schema_create_delete", "server_defaults", "supports_bitwise_and",
    "supports_bitwise_not", "supports_bitwise_or", "supports_bitwise_shift",
    "supports_bitwise_xor", "supports_distinct_on", "supports_is_distinct_from",
    "table_ddl_if_exists", "table_value_constructor", "temporary_views", "time_timezone",
    "timestamp_microseconds", "tuple_in", "tuple_in_w_empty", "unicode_ddl", "uuid_data_type",
    "views", "window_functions",
)  # fmt: skip
"""What the suite takes for impossible unless told otherwise."""


def opened(_requirements: Any) -> Any:
    """A requirement that is fulfilled."""
    return exclusions.open()


Requirements = type("Requirements", (SuiteRequirements,), dict.fromkeys(OPEN, property(opened)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register where to write what was left out."""
    parser.addoption("--left-out", metavar="FILE", help="write what the table leaves out, as JSON")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the table says, and write what it does and does not explain."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        (left_out if reason_of(named(item)) else kept).append(item)
    names = {named(item) for item in items} | {f"{name}::" for name in unable()}
    report = {
        "tests": len({name.partition("[")[0] for name in map(named, kept)}),
        "unexplained": sorted(name for name in unable() if not reason_of(f"{name}::")),
        "unused": [rule for rule in EXCLUDED if not any(fnmatchcase(n, rule) for n in names)],
    }
    Path(config.getoption("--left-out")).write_text(json.dumps(report))
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def named(item: pytest.Item) -> str:
    """`Class::test[parameters]`, without the dialect that the suite adds to the class."""
    return f"{item.nodeid.split('::')[-2].partition('_')[0]}::{item.name}"


def reason_of(name: str) -> str | None:
    """Why a test is left out, or None."""
    return next((why for rule, why in EXCLUDED.items() if fnmatchcase(name, rule)), None)


def unable() -> set[str]:
    """Classes of the suite that do not run at all for want of a requirement.

    The suite can be imported only when SQLAlchemy's own plugin is set up, so not above.
    """
    suite = import_module("sqlalchemy.testing.suite")
    fixtures = import_module("sqlalchemy.testing.fixtures")
    plugin = import_module("sqlalchemy.testing.plugin.plugin_base")

    return {
        name
        for name, kind in python.getmembers(suite, python.isclass)
        if issubclass(kind, fixtures.TestBase)
        and not name.startswith("_")
        and any(each.startswith("test_") for each in dir(kind))
        and not any(plugin._possible_configs_for_cls(kind))
    }


def temporary(_config: Any, _engine: Any) -> dict[str, list[str]]:
    """How a temporary table is asked for."""
    return {"prefixes": ["TEMPORARY"]}


def empty(connection: Any, _config: Any, metadata: Any) -> None:
    """Empty the tables of a test; the dialect cannot list them, which the suite relies on."""
    for table in reversed(metadata.sorted_tables):
        with connection.engine.begin() as own:
            if any(key.column.table is table for key in table.foreign_keys):
                # DuckDB checks such a key after each deleted row.
                table.drop(own)
                table.create(own)
            else:
                own.execute(table.delete())


def drop(_config: Any, engine: Any) -> None:
    """Drop what a test has left, for the same reason."""
    for kind in ("view", "table"):
        listing = (
            f"SELECT schema_name, {kind}_name FROM duckdb_{kind}s()"
            " WHERE NOT internal AND schema_name IN ('main', 'test_schema')"
        )
        with engine.connect() as connection:
            found = connection.execute(text(listing)).fetchall()
        for schema, name in found:
            with engine.begin() as connection:
                connection.execute(text(f'DROP {kind} IF EXISTS "{schema}"."{name}" CASCADE'))


provision.temp_table_keyword_args.for_db("flightkeeper")(temporary)
provision.delete_from_all_tables.for_db("flightkeeper")(empty)
provision.drop_all_schema_objects_pre_tables.for_db("flightkeeper")(drop)
