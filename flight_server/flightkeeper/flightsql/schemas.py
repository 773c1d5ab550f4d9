"""The Arrow schemas of Flight SQL's metadata results, in the order of the specification.

ADBC compares names, types, order and nullability exactly; other clients read by position.
Spec: FlightSql.proto, "Returned schema" of each command.
"""

from typing import Any

import pyarrow as pa


def _required(name: str, kind: pa.DataType) -> "pa.Field[Any]":
    return pa.field(name, kind, nullable=False)


CATALOGS = pa.schema([_required("catalog_name", pa.utf8())])

DB_SCHEMAS = pa.schema(
    [pa.field("catalog_name", pa.utf8()), _required("db_schema_name", pa.utf8())]
)

TABLES = pa.schema(
    [
        pa.field("catalog_name", pa.utf8()),
        pa.field("db_schema_name", pa.utf8()),
        _required("table_name", pa.utf8()),
        _required("table_type", pa.utf8()),
    ]
)

TABLES_WITH_SCHEMA = TABLES.append(_required("table_schema", pa.binary()))

TABLE_TYPES = pa.schema([_required("table_type", pa.utf8())])

# The specification's comment names key_name first; its implementations, and so its clients, do not.
PRIMARY_KEYS = pa.schema(
    [
        pa.field("catalog_name", pa.utf8()),
        pa.field("db_schema_name", pa.utf8()),
        _required("table_name", pa.utf8()),
        _required("column_name", pa.utf8()),
        _required("key_sequence", pa.int32()),
        pa.field("key_name", pa.utf8()),
    ]
)

FOREIGN_KEYS = pa.schema(
    [
        pa.field("pk_catalog_name", pa.utf8()),
        pa.field("pk_db_schema_name", pa.utf8()),
        _required("pk_table_name", pa.utf8()),
        _required("pk_column_name", pa.utf8()),
        pa.field("fk_catalog_name", pa.utf8()),
        pa.field("fk_db_schema_name", pa.utf8()),
        _required("fk_table_name", pa.utf8()),
        _required("fk_column_name", pa.utf8()),
        _required("key_sequence", pa.int32()),
        pa.field("fk_key_name", pa.utf8()),
        pa.field("pk_key_name", pa.utf8()),
        _required("update_rule", pa.uint8()),
        _required("delete_rule", pa.uint8()),
    ]
)
"""Of exported and imported keys and of cross references."""

XDBC_TYPE_INFO = pa.schema(
    [
        _required("type_name", pa.utf8()),
        _required("data_type", pa.int32()),
        pa.field("column_size", pa.int32()),
        pa.field("literal_prefix", pa.utf8()),
        pa.field("literal_suffix", pa.utf8()),
        pa.field("create_params", pa.list_(_required("item", pa.utf8()))),
        _required("nullable", pa.int32()),
        _required("case_sensitive", pa.bool_()),
        _required("searchable", pa.int32()),
        pa.field("unsigned_attribute", pa.bool_()),
        _required("fixed_prec_scale", pa.bool_()),
        pa.field("auto_increment", pa.bool_()),
        pa.field("local_type_name", pa.utf8()),
        pa.field("minimum_scale", pa.int32()),
        pa.field("maximum_scale", pa.int32()),
        _required("sql_data_type", pa.int32()),
        pa.field("datetime_subcode", pa.int32()),
        pa.field("num_prec_radix", pa.int32()),
        pa.field("interval_precision", pa.int32()),
    ]
)

SQL_INFO = pa.schema(
    [
        _required("info_name", pa.uint32()),
        _required(
            "value",
            pa.dense_union(
                [
                    _required("string_value", pa.utf8()),
                    _required("bool_value", pa.bool_()),
                    _required("bigint_value", pa.int64()),
                    _required("int32_bitmask", pa.int32()),
                    _required("string_list", pa.list_(pa.field("item", pa.utf8()))),
                    _required("int32_to_int32_list_map", pa.map_(pa.int32(), pa.list_(pa.int32()))),
                ],
                type_codes=list(range(6)),
            ),
        ),
    ]
)
