"""Answers about the catalog, to those who may not know of all."""

from typing import Any

import pyarrow as pa

from flightkeeper.discovery.principals.model import Securable
from flightkeeper.flight_server.handlers.visibility import Visibility

SEEN = {Securable("c"), Securable("c", "s"), Securable("c", "s", "t")}
VISIBILITY = Visibility(
    SEEN.__contains__, lambda table: frozenset({"a"}) if table.table == "t" else None
)
_COLUMNS: list[Any] = [("A", pa.int32()), ("secret", pa.string()), ("b", pa.int8())]
SCHEMA = pa.schema(_COLUMNS)


def test_rows_about_what_is_not_seen_are_left_out() -> None:
    catalogs = pa.table({"catalog_name": ["c", "d"]})
    assert VISIBILITY.rows(catalogs).to_pydict() == {"catalog_name": ["c"]}
    tables = pa.table(
        {"catalog_name": ["C", "c"], "db_schema_name": ["S", "s"], "table_name": ["T", "u"]}
    )
    assert VISIBILITY.rows(tables)["table_name"].to_pylist() == ["T"]


def test_a_key_is_seen_if_both_of_its_tables_are() -> None:
    both = {"pk_catalog_name": "c", "pk_db_schema_name": "s", "pk_table_name": "t"}
    keys = pa.Table.from_pylist(
        [
            {**both, "fk_catalog_name": "c", "fk_db_schema_name": "s", "fk_table_name": name}
            for name in ("t", "u")
        ]
    )
    assert VISIBILITY.rows(keys)["fk_table_name"].to_pylist() == ["t"]


def test_schemas_of_tables_show_the_columns_that_are_seen() -> None:
    row = {"catalog_name": "c", "db_schema_name": "s", "table_name": "t"}
    found = VISIBILITY.rows(
        pa.Table.from_pylist([{**row, "table_schema": SCHEMA.serialize().to_pybytes()}])
    )
    (shown,) = found["table_schema"].to_pylist()
    assert shown is not None
    assert pa.ipc.read_schema(pa.py_buffer(shown)).names == ["A"]
    assert VISIBILITY.schema(Securable("c", "s", "u"), SCHEMA) == SCHEMA


def test_what_names_nothing_is_for_everybody() -> None:
    types = pa.table({"type_name": ["INTEGER"]})
    assert VISIBILITY.rows(types) == types
