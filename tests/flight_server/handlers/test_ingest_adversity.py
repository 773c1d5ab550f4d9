"""Uploads that break off, wait for ever, collide, or outlast their node."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flight_server import node as node_module
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.node import Node
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.uploading import (
    APPEND,
    CREATE,
    CREATE_APPEND,
    endless,
    ingest,
    into,
    open_files,
    uploading,
)
from tests.flight_server.wire_client import (
    Clock,
    Served,
    WireClient,
    basic,
    eventually,
    serving,
)

ROWS = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
(BATCH,) = ROWS.to_batches()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("staging")


@pytest.fixture(scope="module")
def served(directory: Path) -> Iterator[Served]:
    with serving(temp_directory=directory, ingest_bytes_max=1 << 20) as node:
        yield node


@pytest.fixture
def client(served: Served, request: pytest.FixtureRequest) -> Iterator[WireClient]:
    with served.client(user=request.node.name) as made:
        made.update("DROP TABLE IF EXISTS t")
        yield made


def kept(directory: Path) -> bool:
    """Whether an upload is kept."""
    return len(open_files(directory)) > 0


def tables(client: WireClient) -> int:
    return int(client.value("SELECT count(*) FROM duckdb_tables()"))


def test_an_open_upload_holds_nothing_that_others_wait_for(
    client: WireClient, served: Served, directory: Path
) -> None:
    ingest(client, into("t"), ROWS)
    with uploading(client, into("t"), ROWS.schema) as (writer, reader):
        writer.write_batch(BATCH)
        eventually(lambda: kept(directory))
        assert served.running == 0
        with served.client("another") as other:
            assert other.update("UPDATE t SET a = a + 1") == 3
            other.update("ALTER TABLE t ADD COLUMN c INTEGER DEFAULT 5")
        writer.done_writing()
        assert sql.DoPutUpdateResult.FromString(bytes(reader.read())).record_count == 3
    assert client.query("FROM t")["c"].to_pylist() == [5] * 6
    eventually(lambda: not kept(directory))


def test_an_upload_whose_client_gives_up_is_not_applied(
    client: WireClient, directory: Path
) -> None:
    with uploading(client, into("t"), ROWS.schema, timeout_s=0.5) as (writer, _):
        writer.write_batch(BATCH)
        eventually(lambda: kept(directory))
        eventually(lambda: not kept(directory))
    assert tables(client) == 0


_DIES = """
import sys
import pyarrow as pa
from pyarrow import flight
location, command = sys.argv[1], bytes.fromhex(sys.argv[2])
batch = pa.record_batch({"a": [1], "b": ["x"]})
client = flight.FlightClient(location)
writer, _ = client.do_put(flight.FlightDescriptor.for_command(command), batch.schema)
writer.write_batch(batch)
print("sent", flush=True)
sys.stdin.read()
"""


def test_an_upload_whose_client_is_killed_is_not_applied(
    client: WireClient, served: Served, directory: Path
) -> None:
    arguments = [sys.executable, "-c", _DIES, served.location, pack(into("t")).hex()]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "sent\n"
        eventually(lambda: kept(directory))
        process.kill()
    eventually(lambda: not kept(directory))
    assert tables(client) == 0


def test_a_transaction_stays_open_when_an_upload_for_it_breaks_off(
    client: WireClient, directory: Path
) -> None:
    transaction = client.begin()
    client.update("CREATE TABLE t (a INTEGER, b VARCHAR)", transaction)
    command = into("t", APPEND, transaction_id=transaction)
    with uploading(client, command, ROWS.schema, timeout_s=0.5) as (writer, _):
        writer.write_batch(BATCH)
        eventually(lambda: kept(directory))
        eventually(lambda: not kept(directory))
    assert ingest(client, command, ROWS) == 3
    client.end(transaction)
    assert client.value("SELECT count(*) FROM t") == 3


def test_a_transaction_is_not_idle_while_data_for_it_arrive(directory: Path) -> None:
    clock = Clock()
    limits = {"transaction_idle_timeout_s": 10, "temp_directory": directory}
    with serving(clock.clocks, **limits) as served, served.client() as client:
        client.update("CREATE TABLE t (a INTEGER, b VARCHAR)")
        transaction = client.begin()
        command = into("t", APPEND, transaction_id=transaction)
        with uploading(client, command, ROWS.schema) as (writer, _):
            heard = served.node._sessions._transactions
            for _ in range(3):
                clock.now_s += 9
                writer.write_batch(BATCH)
                eventually(lambda: [t.used_s for t in heard.values()] == [clock.now_s])

            def is_over() -> bool:
                # Again and again, because the last batch may be heard of once more.
                clock.now_s += 11
                return not heard

            eventually(is_over)
            with pytest.raises(KeyError, match="rolled back after being idle"):
                endless(writer)


def test_damaged_data_are_refused(client: WireClient, directory: Path) -> None:
    offsets = pa.array([0, 2_000_000_000, 3], pa.int32()).buffers()[1]
    damaged = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"abc")])
    with pytest.raises(pa.ArrowInvalid, match="not valid Arrow data; nothing was run"):
        ingest(client, into("t"), pa.table({"a": damaged}))
    assert (tables(client), kept(directory)) == (0, False)


def test_more_than_a_node_takes_is_refused_on_the_way(client: WireClient, directory: Path) -> None:
    big = pa.record_batch({"a": range(100_000), "b": ["x"] * 100_000})
    with (
        uploading(client, into("t"), big.schema) as (writer, _),
        pytest.raises(pa.ArrowInvalid, match="bigger than 1048576 bytes"),
    ):
        endless(writer, big)
    assert (tables(client), kept(directory)) == (0, False)


def test_a_node_without_room_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        serving(temp_directory=tmp_path / "file") as served,
        served.client() as client,
        pytest.raises(Exception, match=r"could not keep the upload.*nothing was applied") as caught,
    ):
        ingest(client, into("t"), ROWS)
    assert str(tmp_path) not in str(caught.value)


def together(clients: list[WireClient], command: Any) -> list[object]:
    """The same ingest by several clients at once; what became of each."""
    ends: list[object] = []
    ready = threading.Barrier(len(clients))

    def run(client: WireClient) -> None:
        with uploading(client, command, ROWS.schema) as (writer, reader):
            writer.write_batch(BATCH)
            ready.wait()
            try:
                writer.done_writing()
                answer = reader.read()
                writer.close()
                ends.append(sql.DoPutUpdateResult.FromString(bytes(answer)).record_count)
            except (flight.FlightError, pa.ArrowException) as exc:
                ends.append(str(exc))

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


@pytest.fixture
def clients(served: Served, client: WireClient) -> Iterator[list[WireClient]]:
    del client
    made = [served.client(user=f"{number}") for number in range(8)]
    yield made
    for one in made:
        one.flight.close()


def test_uploads_into_one_table_all_arrive(clients: list[WireClient], client: WireClient) -> None:
    client.update("CREATE TABLE t (a INTEGER, b VARCHAR)")
    assert together(clients, into("t", APPEND)) == [3] * 8
    assert client.value("SELECT count(*) FROM t") == 24


@pytest.mark.parametrize("mode", [CREATE, CREATE_APPEND], ids=["create", "create or append"])
def test_uploads_that_make_one_table_arrive_or_say_why_not(
    clients: list[WireClient], client: WireClient, mode: Any
) -> None:
    ends = together(clients, into("t", mode))
    arrived = [end for end in ends if end == 3]
    assert client.value("SELECT count(*) FROM t") == 3 * len(arrived) > 0
    for end in set(ends) - {3}:
        assert "already exists" in str(end) or "write-write conflict" in str(end)
        assert "nothing was applied" in str(end)


def test_two_uploads_of_one_session_do_not_share_a_fate(client: WireClient, served: Served) -> None:
    client.update("CREATE TEMP TABLE mine (a INTEGER CHECK (a > 0), b VARCHAR)")
    bad = pa.table({"a": [-1], "b": ["x"]})
    good: list[object] = []
    failed: list[object] = []

    def load(rows: pa.Table, ends: list[object]) -> None:
        with WireClient(served.location, client.authorization) as own:
            for _ in range(10):
                with suppress(pa.ArrowInvalid):
                    ends.append(ingest(own, into("mine", APPEND, temporary=True), rows))

    threads = [
        threading.Thread(target=load, args=arguments) for arguments in ((ROWS, good), (bad, failed))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (good, failed) == ([3] * 10, [])
    assert client.value("SELECT count(*) FROM mine") == 30


def test_a_leaving_node_takes_no_new_upload_and_finishes_the_open_ones(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The open one says nothing while the other one is refused, which a busy machine does slowly.
    monkeypatch.setattr("flightkeeper.flight_server.node._SILENT_S", 60.0)
    with serving(temp_directory=directory) as served, served.client() as client:
        client.update("CREATE TABLE t (a INTEGER, b VARCHAR)")
        with uploading(client, into("t"), ROWS.schema) as (writer, reader):
            writer.write_batch(BATCH)
            eventually(lambda: kept(directory))
            served.node.drain()
            eventually(lambda: served.node._admission._closed)
            with (
                served.client() as other,
                uploading(other, into("t"), ROWS.schema) as (refused, _),
                pytest.raises(flight.FlightUnavailableError, match="this node is leaving"),
            ):
                endless(refused)
            assert not served.node._ended.is_set()
            writer.done_writing()
            assert sql.DoPutUpdateResult.FromString(bytes(reader.read())).record_count == 3
        assert served.node.wait()


def test_an_upload_that_never_ends_does_not_keep_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "_SHUTDOWN_MAX_S", 0.5)
    node = Node(NodeSettings(insecure=True))
    location = node.start().location
    with (
        WireClient(location, basic("ada")) as client,
        uploading(client, into("t"), ROWS.schema) as (writer, _),
    ):
        writer.write_batch(BATCH)
        eventually(lambda: node._staging.receiving(within_s=60) == 1)
        node.stop()
        assert not node.wait()
        with pytest.raises(flight.FlightUnavailableError, match="this node is leaving"):
            writer.close()
