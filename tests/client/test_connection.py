"""What a user holds: connect, query, execute, close."""

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import flightkeeper.client
from flightkeeper.client import (
    AuthenticationFailed,
    Connection,
    ConnectionClosed,
    InvalidUrl,
    NoNodeAvailable,
    OutcomeUnknown,
    StatementCancelled,
    StatementTimeout,
    connect,
)
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import open_registry
from tests.support.stub_process import StubProcess, eventually, url_of

Start = Callable[..., StubProcess]


@pytest.fixture
def connection(node: StubProcess) -> Iterator[Connection]:
    with connect(url_of(node)) as connection:
        yield connection


def test_a_query_is_an_arrow_reader(connection: Connection) -> None:
    reader = connection.query("rows 10 3")
    assert isinstance(reader.reader, pa.RecordBatchReader)
    assert reader.schema == pa.schema([("n", pa.int64())])
    assert reader.read_all().column("n").to_pylist() == list(range(10)) * 3
    assert connection.query("rows 10 0").read_all().num_rows == 0


def test_an_update_returns_the_affected_rows(connection: Connection) -> None:
    assert connection.execute("write 12") == 12
    assert connection.execute("write 12", [1, 2, 3]) == 15


def test_deadlines(connection: Connection, node: StubProcess) -> None:
    with pytest.raises(StatementTimeout):
        connection.query("stall-plan", timeout_s=0.3)
    with pytest.raises(StatementTimeout):
        connection.query("stall-after 5", timeout_s=0.3).read_all()
    with pytest.raises(OutcomeUnknown):
        connection.execute("stall-write", timeout_s=0.3)
    with (
        connect(url_of(node), statement_timeout_s=0.3) as impatient,
        pytest.raises(StatementTimeout),
    ):
        impatient.query("stall-plan")


def test_where_a_query_would_go_is_told_and_nothing_is_run(
    connection: Connection, node: StubProcess
) -> None:
    before = len(node.lines("plan"))
    (line,) = connection.route("SELECT 1").lines()
    assert line.endswith("the only one left; load 0")
    assert len(node.lines("plan")) == before


def test_a_dropped_reader_stops_the_statement(connection: Connection) -> None:
    reader = connection.query("stall-after 5")
    reader.read_next_batch()
    assert connection.nodes()[0].in_flight == 1
    del reader
    gc.collect()
    eventually(lambda: connection.nodes()[0].in_flight == 0)


def test_close_ends_results_and_threads(node: StubProcess) -> None:
    connection = connect(url_of(node))
    reader = connection.query("stall-after 4")
    for _ in range(4):
        reader.read_next_batch()
    errors: list[BaseException] = []

    def read() -> None:
        try:
            reader.read_next_batch()
        except StatementCancelled as exc:
            errors.append(exc)

    thread = threading.Thread(target=read, name="reader", daemon=True)
    thread.start()
    started = time.monotonic()
    connection.close()
    connection.close()
    assert time.monotonic() - started < 6
    eventually(lambda: errors)
    assert not [t for t in threading.enumerate() if t.name == "flightkeeper-router"]
    with pytest.raises(ConnectionClosed):
        connection.query("rows 1 1")
    with pytest.raises(ConnectionClosed):
        connection.execute("write 1")
    assert repr(connection).endswith(", closed>")


def test_nodes_and_repr(connection: Connection, node: StubProcess) -> None:
    connection.query("rows 1 1").read_all()
    (status,) = connection.nodes()
    assert status.instance.location == f"grpc://{node.address}"
    assert (status.health, status.absent, status.in_flight) == ("closed", False, 0)
    assert status.reported_load == 7
    assert repr(connection) == f"<Connection '{url_of(node)}', 1 nodes>"


def test_many_threads_share_one_connection(connection: Connection) -> None:
    counts: list[int] = []

    def ask() -> None:
        counts.extend(connection.query("rows 10 3").read_all().num_rows for _ in range(20))

    threads = [threading.Thread(target=ask, name=f"ask-{number}") for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counts == [30] * 160


def test_a_wrong_url(tmp_path: Path) -> None:
    with pytest.raises(InvalidUrl):
        connect("http://h:1")
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InvalidUrl, match="the path is wrong"):
        connect(f"flightsql+dir://{file}")


def test_a_forked_child_is_told_to_connect_again(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = os.getpid()
    # A real fork of this process would inherit the locks of all its other threads.
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    with pytest.raises(ConnectionClosed, match="forked"):
        connection.query("rows 1 1")
    connection.close()
    assert [t for t in threading.enumerate() if t.name == "flightkeeper-router"]


def test_login_and_its_renewal_are_not_seen(
    start_node: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The stub's tokens end after three calls.
    node = start_node(user="me:secret")
    with connect(url_of(node, user="me"), password="secret") as connection:
        assert [connection.execute("write 1") for _ in range(8)] == [1] * 8
        assert "secret" not in repr(connection)
    monkeypatch.setenv("FLIGHTKEEPER_PASSWORD", "secret")
    with connect(url_of(node), user="me") as connection:
        assert connection.execute("write 1") == 1
    with pytest.raises(AuthenticationFailed, match="unknown user or wrong password") as caught:
        connect(url_of(node, user="me"), password="other")
    assert "other" not in str(caught.value)
    with connect(url_of(node)) as connection, pytest.raises(AuthenticationFailed):
        connection.query("rows 1 1")


def test_a_login_goes_to_a_node_that_is_there(start_node: Start) -> None:
    gone, node = start_node(user="me:pw"), start_node(user="me:pw")
    gone.kill()
    for _ in range(4):
        with connect(url_of(gone, node, user="me"), password="pw") as connection:
            assert connection.execute("write 1") == 1
    node.kill()
    with pytest.raises(NoNodeAvailable) as caught:
        connect(url_of(gone, node, user="me"), password="pw")
    assert set(caught.value.reasons) == {gone.address, node.address}


def test_nodes_from_a_directory_registry(start_node: Start, tmp_path: Path) -> None:
    folder, cache = tmp_path / "registry", tmp_path / "cache"
    registry = open_registry(f"dir://{folder}")
    for name in ("n1", "n2"):
        location = f"grpc://{start_node().address}"
        registration = registry.register(Instance("flights", name, location, f"{name}-one"))
        assert registration.wait(10)
    url = f"flightsql+dir://{folder}?service=flights"
    with connect(url, cache_dir=cache) as connection:
        eventually(lambda: len(connection.nodes()) == 2)
        assert connection.query("rows 10 3").read_all().num_rows == 30
        eventually(lambda: list(cache.glob("topology-*.json")))
        registry.close()
        eventually(lambda: all(node.absent for node in connection.nodes()))
        # The registry has lost them; they answer, so they are used.
        assert connection.query("rows 10 3").read_all().num_rows == 30


def test_a_service_without_nodes(tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    with pytest.raises(NoNodeAvailable, match="'flights'"):
        connect(
            f"flightsql+dir://{tmp_path}/registry?service=flights",
            timeout_s=0.5,
            cache_dir=tmp_path,
        )
    assert not [t for t in threading.enumerate() if t.name == "flightkeeper-router"]


def test_the_import_loads_no_server_and_no_registry_client() -> None:
    unwanted = {"kazoo", "duckdb", "sqlglot", "pydantic", "structlog", "typer", "rich"}
    unwanted |= {"google.protobuf", "asyncio"}  # loaded with the first statement that needs them
    program = "import sys, flightkeeper.client; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    assert unwanted & set(loaded.stdout.split()) == set()


def test_everything_public_is_there() -> None:
    for name in flightkeeper.client.__all__:
        assert getattr(flightkeeper.client, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = flightkeeper.client.nothing
