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
