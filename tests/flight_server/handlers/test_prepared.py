"""Prepared statements: handles that any node can execute, parameters, atomic executions."""

import pyarrow as pa
import pytest

from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient


def schema_of(encoded: bytes) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(encoded))


@pytest.mark.parametrize(
    ("text", "is_update"),
    [
        ("SELECT 1 AS a", False),
        ("SELECT ? AS a", False),
        ("INSERT INTO p VALUES (?)", True),
        ("INSERT INTO p VALUES (?) RETURNING a", False),
        ("CREATE TABLE later (a INT)", True),
        ("CREATE TEMP TABLE later (a INT); SELECT * FROM later", False),
        ("PIVOT (SELECT 1 a, 2 b) ON a USING sum(b)", False),
        ("CALL pragma_version()", False),
    ],
)
def test_preparing_says_whether_rows_come(
    client: WireClient, text: str, *, is_update: bool
) -> None:
    client.update("CREATE OR REPLACE TABLE p (a INT)")
    prepared = client.prepare(text)
    assert prepared.HasField("is_update")
    assert prepared.is_update is is_update
    # Older drivers look whether there are columns instead.
    assert (prepared.dataset_schema == b"") is is_update
    assert is_update or len(schema_of(prepared.dataset_schema)) > 0
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


def test_who_goes_on_with_the_old_handle_gets_what_was_bound_to_it_last(
    client: WireClient,
) -> None:
    mine, other = (client.prepare("SELECT ? AS a").prepared_statement_handle for _ in range(2))
    client.bind(mine, pa.table({"0": [1]}))
    client.bind(mine, pa.table({"0": [2, 3]}))
    for _ in range(2):
        assert client.execute(mine).to_pydict() == {"a": [2, 3]}
    for unbound in (other, client.prepare("SELECT ? AS a").prepared_statement_handle):
        with pytest.raises(pa.ArrowInvalid, match="1 parameters and 0 values"):
            client.execute(unbound)
    client.act(sql.ActionClosePreparedStatementRequest(prepared_statement_handle=mine))
    with pytest.raises(pa.ArrowInvalid, match="1 parameters and 0 values"):
        client.execute(mine)


def test_an_update_takes_what_was_bound_to_the_old_handle(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE p (a INT)")
    handle = client.prepare("INSERT INTO p VALUES (?)").prepared_statement_handle
    client.bind(handle, pa.table({"0": [1, 2]}))
    assert client.execute_update(handle) == 2
    assert client.query("FROM p ORDER BY a").to_pydict() == {"a": [1, 2]}


def test_rows_that_lead_to_other_types_are_refused(client: WireClient) -> None:
    handle = client.prepare("SELECT ? AS a").prepared_statement_handle
    rows = pa.table({"0": pa.array([{"a": 1}, None], pa.struct([("a", pa.int64())]))})
    with pytest.raises(pa.ArrowInvalid, match="answers of different types; cast"):
        client.execute(client.bind(handle, rows))


def test_names_of_columns_do_not_matter_for_positions(client: WireClient) -> None:
    handle = client.prepare("SELECT ?::INT AS a, ?::INT AS b").prepared_statement_handle
    for names in (["", ""], ["x", "x"], ["2", "1"], ["b", "a"]):
        rows = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=names)
        assert client.execute(client.bind(handle, rows)).to_pylist() == [{"a": 1, "b": 2}]


def test_names_matter_for_named_parameters(client: WireClient) -> None:
    handle = client.prepare("SELECT $x::INT - $y::INT AS a").prepared_statement_handle
    assert client.execute(client.bind(handle, pa.table({"y": [1], "x": [3]}))).to_pylist() == [
        {"a": 2}
    ]
    with pytest.raises(pa.ArrowInvalid, match=r"parameters are \['x', 'y'\], the values are named"):
        client.bind(handle, pa.table({"z": [1], "x": [3]}))


@pytest.mark.parametrize("names", [["", ""], ["0", "1"], ["1", "2"]])
def test_values_without_names_go_to_named_parameters_as_announced(
    client: WireClient, names: list[str]
) -> None:
    client.update("CREATE OR REPLACE TABLE n (a INT, b VARCHAR)")
    rows = pa.Table.from_arrays([pa.array(["x"]), pa.array([7])], names=names)
    insert = client.prepare("INSERT INTO n VALUES ($second, $a)")
    assert schema_of(insert.parameter_schema).names == ["a", "second"]
    assert client.execute_update(insert.prepared_statement_handle, rows) == 1
    query = client.prepare("SELECT $second AS a, $a AS b").prepared_statement_handle
    assert client.execute(client.bind(query, rows)).to_pydict() == {"a": [7], "b": ["x"]}
    assert client.query("FROM n").to_pydict() == {"a": [7], "b": ["x"]}


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_and_too_many_values_are_refused(client: WireClient, count: int) -> None:
    client.update("CREATE OR REPLACE TABLE few (a INT, b INT)")
    rows = pa.table({str(number): [number] for number in range(count)})
    message = f"has 2 parameters and {count} values were given; nothing was run"
    query = client.prepare("SELECT ?::INT, ?::INT").prepared_statement_handle
    with pytest.raises(pa.ArrowInvalid, match=message):
        client.bind(query, rows)
    insert = client.prepare("INSERT INTO few VALUES (?, ?)").prepared_statement_handle
    with pytest.raises(pa.ArrowInvalid, match=message):
        client.execute_update(insert, rows)


def test_no_values_at_all_are_refused_where_some_are_needed(client: WireClient) -> None:
    handle = client.prepare("SELECT ?::INT, ?::INT").prepared_statement_handle
    with pytest.raises(pa.ArrowInvalid, match="has 2 parameters and 0 values were given"):
        client.execute(handle)


def test_a_handle_may_be_executed_again(client: WireClient) -> None:
    handle = client.prepare("SELECT ?::INT AS a").prepared_statement_handle
    for value in (1, 2, 1):
        bound = client.bind(handle, pa.table({"0": [value]}))
        assert bound != handle
        for _ in range(2):
            assert client.execute(bound).to_pydict() == {"a": [value]}
    close = sql.ActionClosePreparedStatementRequest
    assert client.act(close(prepared_statement_handle=handle)) is None
    assert client.execute(bound).to_pydict() == {"a": [1]}


def test_parameters_with_holes_in_their_numbers(client: WireClient) -> None:
    prepared = client.prepare("SELECT $3::INT AS a, $2::INT AS b")
    assert schema_of(prepared.parameter_schema).names == ["2", "3"]
    rows = pa.table({"2": [1], "3": [2]})
    bound = client.bind(prepared.prepared_statement_handle, rows)
    assert client.execute(bound).to_pydict() == {"a": [2], "b": [1]}


def test_values_go_to_their_places_in_the_order_of_the_text(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE o (a VARCHAR, b VARCHAR)")
    client.update("INSERT INTO o VALUES ('x', 'y')")
    rows = pa.table({str(place): [value] for place, value in enumerate(["first", "x", "y"])})
    text = "UPDATE o SET a = ? FROM (SELECT ? AS z) q WHERE a = q.z AND b = ?"
    handle = client.prepare(text).prepared_statement_handle
    assert client.execute_update(handle, rows) == 1
    assert client.query("FROM o").to_pylist() == [{"a": "first", "b": "y"}]


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
