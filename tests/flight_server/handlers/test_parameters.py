"""Parameters from outside: checked before use, bounded, and back as they were."""

import struct
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.type_info import TYPE_NAME
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.handlers import parameters
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.any_arrow import made
from tests.flight_server.wire_client import WireClient

_TABLE = pa.table({"a": [1, None], "b": ["x", "y"]})
_TEXTS = pa.array(["a", "b"])
_BYTES = pa.array([1], pa.int8())
_ONE = pa.field("a", pa.int8())


def raw(kind: Any, rows: int, *buffers: bytes | None, children: Any = None) -> Any:
    found = [None if buffer is None else pa.py_buffer(buffer) for buffer in buffers]
    return pa.Array.from_buffers(kind, rows, found, children=children)


def ints(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}i", *numbers)


def wrong_index() -> Any:
    return pa.DictionaryArray.from_arrays(pa.array([7], pa.int8()), _TEXTS, safe=False)


def far(number: int, kind: pa.DataType) -> Any:
    return pa.array([number], pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)


DAMAGED: dict[str, Callable[[], Any]] = {
    "offsets that point elsewhere": lambda: raw(
        pa.string(), 2, None, ints(0, 2_000_000_000, 3), b"abc"
    ),
    "offsets that go backwards": lambda: raw(
        pa.list_(pa.int8()), 2, None, ints(1, 0, 1), children=[_BYTES]
    ),
    "text that is not UTF-8": lambda: raw(pa.string(), 1, None, ints(0, 2), b"\xff\xfe"),
    "such text in a list": lambda: pa.ListArray.from_arrays(
        [0, 1], raw(pa.string(), 1, None, ints(0, 2), b"\xff\xfe")
    ),
    "an index beyond its dictionary": wrong_index,
    "such an index in a list": lambda: pa.ListArray.from_arrays([0, 1], wrong_index()),
    "a view of no buffer": lambda: raw(
        pa.string_view(), 1, None, struct.pack("<i4sii", 20, b"abcd", 3, 0)
    ),
    "a view beyond its buffer": lambda: raw(
        pa.string_view(), 1, None, struct.pack("<i4sii", 20, b"abcd", 0, 100), b"abcd" * 8
    ),
    "a list view beyond its values": lambda: raw(
        pa.list_view(pa.int8()), 1, None, ints(500), ints(5), children=[_BYTES]
    ),
    "a member that a union has not": lambda: raw(
        pa.sparse_union([_ONE]), 1, None, b"\x09", children=[_BYTES]
    ),
    "a place beyond a member of a union": lambda: raw(
        pa.dense_union([_ONE]), 1, None, b"\0", ints(900), children=[_BYTES]
    ),
    "a decimal of too many digits": lambda: raw(
        pa.decimal128(3, 0), 1, None, (10**30).to_bytes(16, "little")
    ),
    "a time after midnight": lambda: far(90_000_000_000, pa.time64("us")),
    "a date with hours": lambda: far(5, pa.date64()),
}

WITHOUT_A_PLACE: dict[str, tuple[Callable[[], Any], str]] = {
    "a far date": (lambda: far(-(2**31), pa.date32()), "calendar"),
    "a far moment": (lambda: far(2**62, pa.timestamp("s")), "calendar"),
    "the first moment": (lambda: far(-(2**63), pa.timestamp("us")), "calendar"),
    "a far moment in a list": (
        lambda: pa.ListArray.from_arrays([0, 1], far(2**62, pa.timestamp("ms"))),
        "calendar",
    ),
    "a far moment somewhere": (lambda: far(2**62, pa.timestamp("s", "No/Where")), "Casting"),
    "a long duration": (lambda: far(2**62, pa.duration("s")), "Casting"),
    "nanoseconds": (lambda: pa.array([(0, 0, 1)], pa.month_day_nano_interval()), "nanoseconds"),
    "a wide decimal": (lambda: pa.array([1], pa.decimal256(76, 0)), "38 digits"),
    "equal names": (lambda: made(pa.struct([_ONE, pa.field("A", pa.int8())]), [(1, 2)]), "names"),
    "equal keys": (lambda: made(pa.map_(pa.int8(), pa.int8()), [[(1, 1), (1, 2)]]), "duplicate"),
    "no JSON": (lambda: made(pa.json_(), ["{no"]), "Malformed JSON"),
    "bytes of DuckDB's": (lambda: made(pa.opaque(pa.binary(), "bit", "DuckDB"), [b""]), "text"),
    "a union in a list": (lambda: made(pa.list_(pa.dense_union([_ONE])), [[(0, 1)]]), "table"),
}


def test_a_handle_carries_them_and_gives_them_back() -> None:
    decoded = parameters.decode(parameters.encode(_TABLE))
    assert decoded == _TABLE
    assert parameters.rows_of(decoded) == [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]


def test_none_stay_none() -> None:
    assert parameters.encode(None) == b""
    assert parameters.decode(b"") is None
    assert parameters.rows_of(None) is None


def test_what_a_column_says_of_itself_travels_along() -> None:
    field = pa.field("a", pa.string(), metadata={TYPE_NAME: b"BIT"})
    table = pa.table([pa.array(["101"])], schema=pa.schema([field]))
    decoded = parameters.decode(parameters.encode(table))
    assert decoded is not None
    assert decoded.schema.equals(table.schema, check_metadata=True)


def test_a_handle_carries_only_so_much() -> None:
    with pytest.raises(InvalidArgument, match="load them into a table and join it"):
        parameters.encode(pa.table({"a": ["x" * 2_000_000]}))


def sent(client: WireClient, where: str, array: Any) -> None:
    handle = client.prepare("SELECT ?").prepared_statement_handle
    command = {
        "bind": sql.CommandPreparedStatementQuery,
        "update": sql.CommandPreparedStatementUpdate,
    }[where](prepared_statement_handle=handle)
    answer = client.put(command, pa.table({"0": array}))
    if where == "bind":
        bound = sql.DoPutPreparedStatementResult.FromString(answer).prepared_statement_handle
        client.execute(bound)


@pytest.mark.parametrize("where", ["bind", "update"])
@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_arrow_data_is_refused(client: WireClient, where: str, damage: str) -> None:
    with pytest.raises(pa.ArrowInvalid, match="are not valid Arrow data"):
        sent(client, where, DAMAGED[damage]())
    assert client.value("SELECT 1") == 1


@pytest.mark.parametrize("where", ["bind", "update"])
@pytest.mark.parametrize("value", WITHOUT_A_PLACE)
def test_a_value_without_a_place_is_refused(client: WireClient, where: str, value: str) -> None:
    make, why = WITHOUT_A_PLACE[value]
    with pytest.raises(pa.ArrowInvalid, match=f"(?s){why}.*nothing was run|nothing was run.*{why}"):
        sent(client, where, make())
    assert client.value("SELECT 1") == 1


@pytest.mark.parametrize("where", ["bind", "update"])
def test_a_union_without_rows_does_no_harm(client: WireClient, where: str) -> None:
    with pytest.raises(pa.ArrowInvalid, match="load it into a table"):
        sent(client, where, made(pa.list_(pa.sparse_union([_ONE])), [None]))
    assert client.value("SELECT 1") == 1


def test_too_much_is_refused(client: WireClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "_PARAMETERS_BYTES_MAX", 1 << 20)
    client.update("CREATE OR REPLACE TABLE much (a VARCHAR)")
    handle = client.prepare("INSERT INTO much VALUES (?)").prepared_statement_handle
    with pytest.raises(pa.ArrowInvalid, match="more than 1 MiB of parameters; nothing was run"):
        client.execute_update(handle, pa.table({"0": ["x" * 2_000_000]}))
    assert client.value("SELECT count(*) FROM much") == 0


@pytest.mark.parametrize(
    ("query", "values", "answer"),
    [
        ("SELECT count(*) FROM range(10) t(i) WHERE i IN (?, ?)", [1, 2], 2),
        ("SELECT sum(i) FROM (FROM range(10) t(i) LIMIT ? OFFSET ?)", [2, 1], 3),
        ("SELECT round(1.25::DOUBLE, ?)", [1], 1.3),
        ("SELECT ? * 1000000", [5000], 5_000_000_000),
        ("SELECT count(*) FROM (SELECT DATE '2024-02-29' AS d) WHERE d = ?", ["2024-02-29"], 1),
        ("SELECT (?::DATE + ?)::VARCHAR", ["2024-02-28", 1], "2024-02-29"),
        ("SELECT list_contains(?, 2)", [[1, 2]], True),
        ("SELECT ? || 'x' || ?", ["a", "b"], "axb"),
        ("SELECT coalesce(?, 5)", [None], 5),
        ("SELECT count(*) FROM range(3) WHERE range = ANY(?)", [[0, 2]], 2),
    ],
)
def test_plain_values_fit_wherever_a_parameter_may_stand(
    client: WireClient, query: str, values: list[Any], answer: object
) -> None:
    rows = pa.table({str(number): [value] for number, value in enumerate(values)})
    transaction = client.begin()
    handle = client.prepare(query, transaction).prepared_statement_handle
    assert client.execute(client.bind(handle, rows)).column(0).to_pylist() == [answer]
    assert client.value("SELECT 1", transaction) == 1
    client.end(transaction)


def test_a_change_takes_the_type_of_its_columns(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE kept (d DATE, n TINYINT, u UUID, h HUGEINT)")
    handle = client.prepare("INSERT INTO kept VALUES (?::DATE + ?, ?, ?, ?)")
    rows = pa.table({"a": ["2024-02-28"], "b": [1], "c": [5], "d": ["0" * 32], "e": ["170"]})
    assert client.execute_update(handle.prepared_statement_handle, rows) == 1
    assert client.query("SELECT d::VARCHAR AS d, n, u, h::INT AS h FROM kept").to_pylist() == [
        {"d": "2024-02-29", "n": 5, "u": "00000000-0000-0000-0000-000000000000", "h": 170}
    ]
