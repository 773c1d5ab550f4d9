"""GetXdbcTypeInfo as a table: every column in its place, in the order of the specification."""

from flightkeeper.flightsql import schemas, xdbc
from flightkeeper.flightsql.xdbc import DataType, Searchable, Subcode, TypeInfo

_TYPES = [
    TypeInfo("VARCHAR", DataType.VARCHAR, None, "'", "'", ("length",), searchable=Searchable.FULL),
    TypeInfo(
        "DATE",
        DataType.DATE,
        10,
        "DATE '",
        "'",
        sql_data_type=DataType.DATETIME,
        datetime_subcode=Subcode.DATE,
    ),
    TypeInfo("UBIGINT", DataType.BIGINT, 20, unsigned_attribute=True, num_prec_radix=10),
    TypeInfo("BIGINT", DataType.BIGINT, 19, unsigned_attribute=False, num_prec_radix=10),
]


def test_types_are_ordered_by_number_then_name() -> None:
    answer = xdbc.table(_TYPES)
    answer.validate(full=True)
    assert answer.schema == schemas.XDBC_TYPE_INFO
    assert answer["type_name"].to_pylist() == ["BIGINT", "UBIGINT", "VARCHAR", "DATE"]
    assert answer["data_type"].to_pylist() == [-5, -5, 12, 91]


def test_one_number_can_be_asked_for() -> None:
    assert xdbc.table(_TYPES, -5)["type_name"].to_pylist() == ["BIGINT", "UBIGINT"]
    assert xdbc.table(_TYPES, 0).num_rows == 0


def test_a_row_has_every_column() -> None:
    (row,) = xdbc.table(_TYPES, 91).to_pylist()
    assert row == {
        "type_name": "DATE",
        "data_type": 91,
        "column_size": 10,
        "literal_prefix": "DATE '",
        "literal_suffix": "'",
        "create_params": None,
        "nullable": 1,
        "case_sensitive": False,
        "searchable": 2,
        "unsigned_attribute": None,
        "fixed_prec_scale": False,
        "auto_increment": None,
        "local_type_name": None,
        "minimum_scale": None,
        "maximum_scale": None,
        "sql_data_type": 9,
        "datetime_subcode": 1,
        "num_prec_radix": None,
        "interval_precision": None,
    }


def test_what_is_no_date_is_its_own_generic_type() -> None:
    (row,) = xdbc.table(_TYPES, 12).to_pylist()
    assert row["sql_data_type"] == 12
    assert row["create_params"] == ["length"]
