"""The schemas as the specification prints them; `!` marks what is never null."""

import pyarrow as pa
import pytest

from flightkeeper.flightsql import schemas

_SPECIFIED = {
    "CATALOGS": "catalog_name string!",
    "DB_SCHEMAS": "catalog_name string, db_schema_name string!",
    "TABLES": "catalog_name string, db_schema_name string, table_name string!, table_type string!",
    "TABLES_WITH_SCHEMA": "catalog_name string, db_schema_name string, table_name string!, "
    "table_type string!, table_schema binary!",
    "TABLE_TYPES": "table_type string!",
}
_SQL_INFO_CHILDREN = (
    "string_value string!, bool_value bool!, bigint_value int64!, int32_bitmask int32!, "
    "string_list list<item: string>!, "
    "int32_to_int32_list_map map<int32, list<item: int32>>!"
)


def _printed(fields: "list[pa.Field[pa.DataType]]") -> str:
    return ", ".join(f"{f.name} {f.type}{'' if f.nullable else '!'}" for f in fields)


@pytest.mark.parametrize("name", _SPECIFIED)
def test_metadata(name: str) -> None:
    assert _printed(list(getattr(schemas, name))) == _SPECIFIED[name]


def test_sql_info() -> None:
    names, value = schemas.SQL_INFO
    assert _printed([names]) == "info_name uint32!"
    assert (value.name, value.nullable, value.type.mode) == ("value", False, "dense")
    children = [value.type.field(code) for code in range(value.type.num_fields)]
    assert _printed(children) == _SQL_INFO_CHILDREN
    assert value.type.type_codes == list(range(6))
