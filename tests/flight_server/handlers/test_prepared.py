"""Prepared statements: handles that any node can execute, parameters, atomic executions."""

import pyarrow as pa
import pytest

from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient


def schema_of(encoded: bytes) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(encoded))


@pytest.mark.parametrize(
    ("text", "is_update", "names"),
    [
        ("SELECT 1 AS a", False, ["a"]),
        ("SELECT ? AS a", False, ["a"]),
        ("INSERT INTO p VALUES (?)", True, None),
        ("INSERT INTO p VALUES (?) RETURNING a", False, []),
        ("CREATE TABLE later (a INT)", True, None),
        ("CREATE TEMP TABLE later (a INT); SELECT * FROM later", False, []),
        ("SELECT $b + $a", False, ["($b + $a)"]),
        ("PIVOT (SELECT 1 a, 2 b) ON a USING sum(b)", False, []),
    ],
)
def test_preparing_says_what_comes(
    client: WireClient, text: str, names: list[str] | None, *, is_update: bool
) -> None:
    client.update("CREATE OR REPLACE TABLE p (a INT)")
    prepared = client.prepare(text)
    assert prepared.HasField("is_update")
    assert prepared.is_update is is_update
    if names is None:
        assert prepared.dataset_schema == b""
    else:
        assert schema_of(prepared.dataset_schema).names == names
    assert client.value("SELECT count(*) FROM p") == 0


def test_parameters_have_fields_in_order(client: WireClient) -> None:
    text = "SELECT " + ", ".join("?" * 11)
    names = schema_of(client.prepare(text).parameter_schema).names
    assert names == [str(number) for number in range(1, 12)]
    assert schema_of(client.prepare("SELECT $b, $aa, $a").parameter_schema).names == [
        "a",
        "b",
        "aa",
    ]


@pytest.mark.parametrize("text", ["FROM nowhere", "SELECT 'x'::INT + y", "selec"])
def test_what_is_wrong_is_said_when_it_is_prepared(client: WireClient, text: str) -> None:
    with pytest.raises(pa.ArrowInvalid, match="Error"):
        client.prepare(text)


def test_a_query_runs_once_for_each_row(client: WireClient) -> None:
    handle = client.prepare("SELECT ?::INT AS a, ? AS b").prepared_statement_handle
    bound = client.bind(handle, pa.table({"0": [1, 2], "1": ["x", "y"]}))
    assert client.execute(bound).to_pydict() == {"a": [1, 2], "b": ["x", "y"]}
    again = client.bind(bound, pa.table({"0": [7], "1": ["z"]}))
    assert client.execute(again).to_pydict() == {"a": [7], "b": ["z"]}
    assert client.schema(
        sql.CommandPreparedStatementQuery(prepared_statement_handle=handle)
    ).names == ["a", "b"]


def test_big_answers_for_several_rows_come_one_after_another(client: WireClient) -> None:
    handle = client.prepare("SELECT i + ? AS a FROM range(300000) t(i)").prepared_statement_handle
    answer = client.execute(client.bind(handle, pa.table({"0": [0, 1_000_000]})))
    assert answer["a"].to_pylist() == [*range(300_000), *range(1_000_000, 1_300_000)]


def test_rows_that_lead_to_other_types_are_refused(client: WireClient) -> None:
    handle = client.prepare("SELECT ? AS a").prepared_statement_handle
    rows = pa.table({"0": pa.array([{"a": 1}, None], pa.struct([("a", pa.int64())]))})
    with pytest.raises(pa.ArrowInvalid, match="answers of different types; cast"):
        client.execute(client.bind(handle, rows))


def test_names_of_columns_do_not_matter_for_positions(client: WireClient) -> None:
    handle = client.prepare("SELECT ?::INT AS a, ?::INT AS b").prepared_statement_handle
    rows = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["", ""])
    assert client.execute(client.bind(handle, rows)).to_pylist() == [{"a": 1, "b": 2}]


def test_names_matter_for_named_parameters(client: WireClient) -> None:
    handle = client.prepare("SELECT $x::INT - $y::INT AS a").prepared_statement_handle
    assert client.execute(client.bind(handle, pa.table({"y": [1], "x": [3]}))).to_pylist() == [
        {"a": 2}
    ]
    with pytest.raises(pa.ArrowInvalid, match=r"parameters are \['x', 'y'\], the values are named"):
        client.execute(client.bind(handle, pa.table({"z": [1], "x": [3]})))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_and_too_many_values_are_refused(client: WireClient, count: int) -> None:
    handle = client.prepare("SELECT ?::INT, ?::INT").prepared_statement_handle
    rows = pa.table({str(number): [number] for number in range(count)})
    bound = client.bind(handle, rows) if count else handle
    with pytest.raises(pa.ArrowInvalid, match=f"has 2 parameters and {count} values were given"):
        client.execute(bound)


def test_an_update_runs_for_every_row_or_for_none(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE u (a INT PRIMARY KEY)")
    handle = client.prepare("INSERT INTO u VALUES (?)").prepared_statement_handle
    assert client.execute_update(handle, pa.table({"0": [1, 2, 3]})) == 3
    assert client.execute_update(handle, pa.table({"0": pa.array([], pa.int64())})) == 0
    with pytest.raises(pa.ArrowInvalid, match="Constraint Error"):
        client.execute_update(handle, pa.table({"0": [4, 5, 1, 6]}))
    with pytest.raises(pa.ArrowInvalid, match="Conversion Error"):
        client.execute_update(handle, pa.table({"0": ["4", "x"]}))
    assert client.query("FROM u ORDER BY a").to_pydict() == {"a": [1, 2, 3]}


def test_a_change_that_answers_rows_runs_for_every_row_or_for_none(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE r (a INT PRIMARY KEY)")
    handle = client.prepare("INSERT INTO r VALUES (?) RETURNING a * 2 AS b")
    bound = client.bind(handle.prepared_statement_handle, pa.table({"0": [1, 2]}))
    assert client.execute(bound).to_pydict() == {"b": [2, 4]}
    bound = client.bind(handle.prepared_statement_handle, pa.table({"0": [3, 1]}))
    with pytest.raises(pa.ArrowInvalid, match="Constraint Error"):
        client.execute(bound)
    assert client.execute_update(handle.prepared_statement_handle, pa.table({"0": [8, 9]})) == 2
    assert client.value("SELECT count(*) FROM r") == 4


def test_a_failed_execution_leaves_its_transaction_to_the_caller(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE w (a INT PRIMARY KEY)")
    transaction = client.begin()
    handle = client.prepare("INSERT INTO w VALUES (?)", transaction).prepared_statement_handle
    assert client.execute_update(handle, pa.table({"0": [1, 2]})) == 2
    with pytest.raises(pa.ArrowInvalid, match="Constraint Error"):
        client.execute_update(handle, pa.table({"0": [3, 1]}))
    client.end(transaction, commit=False)
    assert client.value("SELECT count(*) FROM w") == 0


def test_an_update_without_parameters(client: WireClient) -> None:
    handle = client.prepare("CREATE OR REPLACE TABLE n (a INT)").prepared_statement_handle
    assert client.execute_update(handle) == 0
    handle = client.prepare("INSERT INTO n VALUES (1), (2)").prepared_statement_handle
    assert client.execute_update(handle) == 2


def test_a_handle_is_its_users_own(served: Served, client: WireClient) -> None:
    handle = client.prepare("SELECT 1").prepared_statement_handle
    with served.client(user="eve") as eve, pytest.raises(KeyError, match="another user"):
        eve.execute(handle)
    close = sql.ActionClosePreparedStatementRequest
    assert client.act(close(prepared_statement_handle=handle)) is None
    with pytest.raises(pa.ArrowInvalid, match="not a prepared handle"):
        client.act(close(prepared_statement_handle=b"nonsense"))
