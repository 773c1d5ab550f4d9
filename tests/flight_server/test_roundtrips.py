"""Arrow data of any type, there and back through a real node: what was sent is what comes.

"Equal" is defined by `arrow_values.meaning`, and the DuckDB type by `engine_type` below. That is
not identity: docs/types.md has the types that come back as others.
"""

from collections.abc import Callable, Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from flightkeeper.flight_server.engine.type_info import TYPE_NAME
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.any_arrow import LEAVES, NEW, tables
from tests.flight_server.arrow_values import meaning
from tests.flight_server.wire_client import Served, WireClient

_OPTIONS = sql.CommandStatementIngest.TableDefinitionOptions
_REPLACE = _OPTIONS(
    if_not_exist=_OPTIONS.TABLE_NOT_EXIST_OPTION_CREATE,
    if_exists=_OPTIONS.TABLE_EXISTS_OPTION_REPLACE,
)
_BRACKETS = set("[]{}()")


def examples(number: int) -> settings:
    """The same ones everywhere, however slow the machine is."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=slow,
    )


@pytest.fixture(scope="module")
def wire(served: Served) -> Iterator[WireClient]:
    with served.client() as client:
        yield client


@pytest.fixture(scope="module")
def stock(served: Served) -> Iterator[Any]:
    options = {"username": "stock", "password": ""}
    connection = adbc.connect(served.location, db_kwargs=options, autocommit=True)
    with connection, connection.cursor() as cursor:
        yield cursor


_PLAIN: dict[Any, str] = {
    pa.null(): "INTEGER",
    pa.bool_(): "BOOLEAN",
    pa.bool8(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.float16(): "FLOAT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.date64(): "DATE",
    pa.time32("s"): "TIME",
    pa.time32("ms"): "TIME",
    pa.time64("us"): "TIME",
    pa.time64("ns"): "TIME_NS",
    pa.timestamp("s"): "TIMESTAMP_S",
    pa.timestamp("ms"): "TIMESTAMP_MS",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("ns"): "TIMESTAMP_NS",
    pa.timestamp("ns", "UTC"): "TIMESTAMPTZ_NS" if NEW else "TIMESTAMPTZ",
    pa.month_day_nano_interval(): "INTERVAL",
    pa.uuid(): "UUID",
    pa.json_(): "JSON",
    **dict.fromkeys((pa.string(), pa.large_string(), pa.string_view()), "VARCHAR"),
    **dict.fromkeys((pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3)), "BLOB"),
}


def engine_type(kind: Any) -> str:
    """The DuckDB type that holds what an Arrow type does."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    return str(next(make(kind) for applies, make in _MADE if applies(kind)))


def _decimal(kind: Any) -> str:
    scale = max(kind.scale, 0)
    return f"DECIMAL({kind.precision - kind.scale + scale}, {scale})"


def _fields(kind: Any) -> str:
    fields = [kind.field(number) for number in range(kind.num_fields)]
    return ", ".join(f"{quoted(field.name)} {engine_type(field.type)}" for field in fields)


_MADE: list[tuple[Callable[[Any], bool], Callable[[Any], str]]] = [
    (pa.types.is_decimal, _decimal),
    (pa.types.is_timestamp, lambda _: "TIMESTAMPTZ"),
    (pa.types.is_duration, lambda _: "INTERVAL"),
    (pa.types.is_dictionary, lambda kind: engine_type(kind.value_type)),
    (pa.types.is_run_end_encoded, lambda kind: engine_type(kind.value_type)),
    (pa.types.is_struct, lambda kind: f"STRUCT({_fields(kind)})"),
    (pa.types.is_union, lambda kind: f"UNION({_fields(kind)})"),
    (
        pa.types.is_map,
        lambda kind: f"MAP({engine_type(kind.key_type)}, {engine_type(kind.item_type)})",
    ),
    (
        pa.types.is_fixed_size_list,
        lambda kind: f"{engine_type(kind.value_type)}[{kind.list_size}]",
    ),
    (lambda _: True, lambda kind: f"{engine_type(kind.value_type)}[]"),
]


def named(field: "pa.Field[Any]") -> str:
    return (field.metadata or {})[TYPE_NAME].decode()


def expected(kind: Any) -> str:
    return str(duckdb.sqltype(engine_type(kind)))


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts(part)


def loose(kind: Any, values: Any) -> bool:
    """Whether NULLs in a bound value may have lost their type."""
    odd = not NEW and any(_BRACKETS & set(text) for text in texts(values))
    return values == [None] or "null" in str(kind) or "json" in str(kind) or odd


@examples(150)
@given(table=tables(1, unions=False))
def test_a_parameter_of_any_type_comes_back(wire: WireClient, table: pa.Table) -> None:
    marks = ", ".join(f"? AS c{number}" for number in range(table.num_columns))
    handle = wire.prepare(f"SELECT {marks}").prepared_statement_handle
    answer = wire.execute(wire.bind(handle, table))
    for sent, came, field in zip(table.columns, answer.columns, answer.schema, strict=True):
        assert meaning(came) == meaning(sent)
        assert loose(sent.type, meaning(sent)) or named(field) == expected(sent.type)


@examples(120)
@given(table=tables(3))
def test_a_table_of_any_type_comes_back(wire: WireClient, table: pa.Table) -> None:
    wire.put(sql.CommandStatementIngest(table="there", table_definition_options=_REPLACE), table)
    back = wire.query("FROM there")
    assert back.column_names == table.column_names
    for sent, came, field in zip(table.columns, back.columns, back.schema, strict=True):
        assert meaning(came) == meaning(sent)
        assert named(field) == expected(sent.type)
    # What came says what it is: sent again, it makes the same table.
    wire.put(sql.CommandStatementIngest(table="again", table_definition_options=_REPLACE), back)
    again = wire.query("FROM again")
    assert again.schema.equals(back.schema, check_metadata=True)
    assert [*map(meaning, again.columns)] == [*map(meaning, back.columns)]


@examples(40)
@given(table=tables(2))
def test_the_stock_driver_brings_it_back_too(stock: Any, table: pa.Table) -> None:
    assert stock.adbc_ingest("stocked", table, mode="replace") == 2
    back = stock.execute("FROM stocked").fetch_arrow_table()
    assert back.column_names == table.column_names
    for sent, came in zip(table.columns, back.columns, strict=True):
        assert meaning(came) == meaning(sent)


def test_a_table_without_rows_keeps_its_types(wire: WireClient) -> None:
    kinds = [kind for kind in LEAVES if not isinstance(kind, pa.BaseExtensionType)]
    fields = [pa.field(f"c{number}", kind) for number, kind in enumerate(kinds)]
    table = pa.schema(fields).empty_table()
    wire.put(sql.CommandStatementIngest(table="empty", table_definition_options=_REPLACE), table)
    back = wire.query("FROM empty")
    assert back.num_rows == 0
    assert [named(field) for field in back.schema] == [expected(kind) for kind in kinds]
