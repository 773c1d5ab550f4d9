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
    "PRIMARY_KEYS": "catalog_name string, db_schema_name string, table_name string!, "
    "column_name string!, key_sequence int32!, key_name string",
    "FOREIGN_KEYS": "pk_catalog_name string, pk_db_schema_name string, pk_table_name string!, "
    "pk_column_name string!, fk_catalog_name string, fk_db_schema_name string, "
    "fk_table_name string!, fk_column_name string!, key_sequence int32!, fk_key_name string, "
    "pk_key_name string, update_rule uint8!, delete_rule uint8!",
    "XDBC_TYPE_INFO": "type_name string!, data_type int32!, column_size int32, "
    "literal_prefix string, literal_suffix string, create_params list<item: string not null>, "
    "nullable int32!, case_sensitive bool!, searchable int32!, unsigned_attribute bool, "
    "fixed_prec_scale bool!, auto_increment bool, local_type_name string, minimum_scale int32, "
    "maximum_scale int32, sql_data_type int32!, datetime_subcode int32, num_prec_radix int32, "
    "interval_precision int32",
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
