"""DoExchange: a table up, a query over it, a table back."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.uploading import endless, exchanged, open_files
from tests.flight_server.wire_client import LATE, Served, WireClient, eventually, serving, total

ROWS = pa.table({"k": ["a", "b", "a"], "v": [1, 2, 3]})
_MANY = 1_000_000
_LONG = (
    "SELECT count(*) FROM input, range(100000000) a, range(100000) b WHERE (a.range * v) % 7 = 3"
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("staging")


@pytest.fixture(scope="module")
def served(directory: Path) -> Iterator[Served]:
    with serving(temp_directory=directory) as node:
        yield node


@pytest.fixture
def many() -> pa.Table:
    return pa.table({"v": range(_MANY)})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("SELECT k, sum(v)::INT AS s FROM input GROUP BY k ORDER BY k", [("a", 4), ("b", 2)]),
        ("FROM input", [("a", 1), ("b", 2), ("a", 3)]),
        ("SELECT count(*) FROM input x JOIN input y USING (k)", [(5,)]),
        ("SELECT max(v) FROM input WHERE v > 5", [(None,)]),
        ("WITH i AS (FROM input) SELECT i.v, r FROM i, range(i.v) t(r) WHERE v < 3", None),
        ("SUMMARIZE input", None),
        ("SELECT 'b'::ENUM ('a', 'b') AS e FROM input", [("b",)] * 3),
    ],
)
def test_a_query_reads_what_was_sent(
    client: WireClient, text: str, answer: list[tuple[object, ...]] | None
) -> None:
    found = [tuple(row.values()) for row in exchanged(client, text, ROWS).to_pylist()]
    assert found == answer or (answer is None and len(found) >= 2)


def test_a_query_joins_what_was_sent_with_what_is_here(client: WireClient) -> None:
    client.update("CREATE SCHEMA s; CREATE TABLE s.names (k VARCHAR, name VARCHAR)")
    client.update("INSERT INTO s.names VALUES ('a', 'Ada'); USE s")
    answer = exchanged(client, "SELECT name, v FROM input JOIN names USING (k) ORDER BY v", ROWS)
    assert answer.to_pylist() == [{"name": "Ada", "v": 1}, {"name": "Ada", "v": 3}]
    client.update("USE main; DROP SCHEMA s CASCADE")


def test_a_query_over_nothing_has_an_answer(client: WireClient) -> None:
    answer = exchanged(client, "SELECT count(*) AS n FROM input", ROWS.slice(0, 0))
    assert answer.to_pylist() == [{"n": 0}]
    assert exchanged(client, "FROM input", ROWS.slice(0, 0)).schema.names == ["k", "v"]


def test_who_writes_everything_before_reading_anything_is_served(
    client: WireClient, many: pa.Table
) -> None:
    answer = exchanged(client, "SELECT v, v * 2 AS w, v::VARCHAR AS t FROM input", many)
    assert (answer.num_rows, total(answer["w"])) == (_MANY, _MANY * (_MANY - 1))


def test_the_name_means_nothing_afterwards_and_hides_nothing(client: WireClient) -> None:
    client.update("CREATE TABLE input (mine INTEGER); CREATE TEMP VIEW other AS SELECT 1 AS a")
    assert exchanged(client, "SELECT count(*) AS n FROM input", ROWS)["n"].to_pylist() == [3]
    text = "SELECT count(*) AS n FROM memory.main.input"
    assert exchanged(client, text, ROWS)["n"].to_pylist() == [0]
    assert client.query("FROM input").schema.names == ["mine"]
    assert client.value("SELECT count(*) FROM duckdb_views() WHERE NOT internal") == 1
    client.update("DROP TABLE input; DROP VIEW other")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("INSERT INTO input VALUES ('c', 4)", "one statement that is a pure read"),
        ("CREATE TABLE t AS FROM input", "one statement that is a pure read"),
        ("FROM input; FROM input", "one statement that is a pure read"),
        ("SELECT nextval('s') FROM input", "one statement that is a pure read"),
        ("SELECT nothing FROM input", "Referenced column"),
        ("SELECT FROM input", "(?i)syntax error|SELECT clause"),
        ("", "empty"),
    ],
)
def test_a_query_that_cannot_be_run_is_refused_before_data_are_sent(
    client: WireClient, text: str, why: str
) -> None:
    descriptor = flight.FlightDescriptor.for_command(pack(sql.CommandStatementQuery(query=text)))
    writer, _ = client.flight.do_exchange(descriptor, client.options())

    def send() -> None:
        writer.begin(ROWS.schema)
        endless(writer, ROWS.to_batches()[0])

    with pytest.raises(pa.ArrowInvalid, match=why) as caught:
        send()
    assert "Traceback" not in str(caught.value)


def test_what_is_not_a_read_is_marked_as_that(client: WireClient) -> None:
    with pytest.raises(pa.ArrowInvalid, match="pure read"):
        exchanged(client, "CREATE TABLE t AS FROM input", ROWS)
    assert client.received[headers.REASON] == headers.Reason.NOT_READ_ONLY


def test_an_exchange_is_no_part_of_a_transaction(client: WireClient) -> None:
    transaction = client.begin()
    with pytest.raises(pa.ArrowInvalid, match="outside of transactions; nothing was run"):
        exchanged(client, "FROM input", ROWS, transaction)
    client.end(transaction)


def test_an_error_in_the_middle_of_the_answer_arrives(
    client: WireClient, served: Served, many: pa.Table
) -> None:
    text = f"SELECT CASE WHEN v = {_MANY - 1} THEN error('late')::INT ELSE v END FROM input"
    with pytest.raises((pa.ArrowInvalid, flight.FlightServerError), match=LATE) as caught:
        exchanged(client, text, many)
    assert "Traceback" not in str(caught.value)
    eventually(lambda: served.running == 0)


def test_damaged_data_are_refused(client: WireClient) -> None:
    offsets = pa.array([0, 2_000_000_000, 3], pa.int32()).buffers()[1]
    damaged = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"abc")])
    with pytest.raises(pa.ArrowInvalid, match="not valid Arrow data; nothing was run"):
        exchanged(client, "FROM input", pa.table({"v": damaged}))


@pytest.mark.parametrize("while_", ["sending", "computing", "answering"])
def test_a_client_that_gives_up_leaves_nothing(
    client: WireClient, served: Served, directory: Path, many: pa.Table, while_: str
) -> None:
    text = {"sending": "FROM input", "computing": _LONG, "answering": "FROM input, range(1000)"}
    command = pack(sql.CommandStatementQuery(query=text[while_]))
    descriptor = flight.FlightDescriptor.for_command(command)
    writer, reader = client.flight.do_exchange(descriptor, client.options(timeout_s=1))
    writer.begin(many.schema)
    writer.write_table(many)
    eventually(lambda: len(open_files(directory)) > 0)
    if while_ != "sending":
        writer.done_writing()
        eventually(lambda: served.running == 1)
    if while_ == "answering":
        assert reader.read_chunk().data is not None
    eventually(lambda: not open_files(directory) and served.running == 0)
    with pytest.raises((flight.FlightTimedOutError, flight.FlightCancelledError)):
        writer.close()


def test_a_statement_has_its_time_limit_also_when_nobody_reads_the_answer(
    client: WireClient, served: Served, directory: Path
) -> None:
    client.extra_headers[headers.OPTION_PREFIX + "statement-timeout"] = "300ms"
    command = pack(sql.CommandStatementQuery(query="FROM input, range(1000000000)"))
    descriptor = flight.FlightDescriptor.for_command(command)
    writer, reader = client.flight.do_exchange(descriptor, client.options())
    writer.begin(ROWS.schema)
    writer.write_table(ROWS)
    writer.done_writing()
    eventually(lambda: served.running == 1)
    eventually(lambda: served.running == 0)
    with pytest.raises(flight.FlightTimedOutError, match="time limit of 300 ms"):
        reader.read_all()
    eventually(lambda: not open_files(directory))


def test_exchanges_do_not_see_each_other(served: Served) -> None:
    answers: dict[int, list[object]] = {}

    def run(number: int) -> None:
        with served.client("the same") as own:
            rows = pa.table({"v": [number] * 1000})
            answers[number] = exchanged(own, "SELECT DISTINCT v FROM input", rows)["v"].to_pylist()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: [number] for number in range(16)}
