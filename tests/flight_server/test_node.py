"""A node's life: it starts or says why not, is found, leaves in order, and ends."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import open_registry
from flightkeeper.discovery.topology import Event, Listed
from flightkeeper.flight_server import node as node_module
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flight_server.node import Node
from flightkeeper.flightsql import headers
from tests.flight_server.wire_client import Clock, Served, eventually, serving

_LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE (a.range * b.range) % 7 = 3"
_HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"


def settings(**changed: object) -> NodeSettings:
    return NodeSettings(**{"insecure": True, **changed})  # type: ignore[arg-type]


@pytest.fixture
def registry_url(tmp_path: Path) -> str:
    return f"dir://{tmp_path}/registry"


class Watching:
    """What a registry lists, as it changes."""

    def __init__(self, url: str) -> None:
        self.listed: tuple[Instance, ...] = ()
        self._registry = open_registry(url)
        self._watch = self._registry.watch("flightsql", self._hear)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Listed):
            self.listed = tuple(event.instances)

    def close(self) -> None:
        self._watch.close()
        self._registry.close()


@pytest.fixture
def watching(registry_url: str) -> Iterator[Watching]:
    made = Watching(registry_url)
    yield made
    made.close()


def test_a_node_is_ready_when_it_says_so() -> None:
    node = Node(settings(node_id="n"))
    ready = node.start()
    assert ready.node_id == "n"
    with Served(node, ready.location).client() as client:
        assert client.value("SELECT 1") == 1
    node.stop()
    node.stop()
    assert node.wait()
    assert not node._watcher._thread.is_alive()


def test_a_node_is_found_by_the_address_it_advertises(
    registry_url: str, watching: Watching
) -> None:
    with serving(
        registry=registry_url, advertise="grpc://db.example:0", zone="z", weight=7
    ) as node:
        assert node.location.startswith("grpc://db.example:")
        assert not node.location.endswith(":0")
        eventually(lambda: bool(watching.listed))
        (instance,) = watching.listed
        assert (instance.location, instance.zone, instance.weight) == (node.location, "z", 7)
    eventually(lambda: not watching.listed)


def test_nodes_of_one_registry_share_their_keys(registry_url: str) -> None:
    with (
        serving(registry=registry_url) as one,
        serving(registry=registry_url) as two,
        one.client() as here,
    ):
        handle = here.prepare("SELECT 42 AS a").prepared_statement_handle
        with two.stranger(here.authorization) as there:
            assert there.execute(handle).to_pydict() == {"a": [42]}


def test_a_name_that_is_taken_is_refused(registry_url: str) -> None:
    with serving(registry=registry_url, node_id="n"):
        twin = Node(settings(registry=registry_url, node_id="n"))
        with pytest.raises(StartFailed, match="choose another --node-id"):
            twin.start()


def test_a_registry_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartFailed, match="the registry dir://"):
        Node(settings(registry=f"dir://{tmp_path}/file")).start()


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"grpc://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StartFailed, match=f"cannot listen on {listen}: the port is in use"):
            Node(settings(listen=listen)).start()


def test_a_locked_database_names_its_holder(tmp_path: Path) -> None:
    path = str(tmp_path / "held.db")
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StartFailed, match=f"locked by process {holder.pid};"):
            Node(settings(database=path)).start()
        holder.communicate("\n", timeout=10)


def test_a_database_file_is_named_but_not_shown_whole(
    tmp_path: Path, registry_url: str, watching: Watching
) -> None:
    with serving(database=str(tmp_path / "data.db"), registry=registry_url) as node:
        with node.client() as client:
            client.update("CREATE TABLE t AS SELECT 1 AS a")
        eventually(lambda: bool(watching.listed))
        assert watching.listed[0].databases == ("data.db",)
    database = str(tmp_path / "data.db")
    with serving(database=database, read_only=True) as node, node.client() as client:
        assert client.value("FROM t") == 1


@pytest.mark.parametrize("damage", ["", "not pem"])
def test_a_certificate_that_is_no_use_is_refused(tmp_path: Path, damage: str) -> None:
    (tmp_path / "pem").write_text(damage)
    pem = str(tmp_path / "pem")
    with pytest.raises(StartFailed, match="certificate is not usable"):
        Node(settings(tls_cert=pem, tls_key=pem, tls_client_ca=pem)).start()


def test_draining_finishes_what_runs_and_takes_nothing_new(
    registry_url: str, watching: Watching
) -> None:
    node = Node(settings(registry=registry_url))
    served = Served(node, node.start().location)
    eventually(lambda: bool(watching.listed))
    with served.client() as client, served.client(user="other") as other:
        client.update("CREATE TABLE t (a INT)")
        other.value("SELECT 1")
        transaction, unused = client.begin(), client.begin()
        client.update("INSERT INTO t VALUES (1)", transaction)
        client.update("BEGIN")
        client.update("INSERT INTO t VALUES (2)")
        stream = client.get(client.plan("FROM range(3000000)").endpoints[0].ticket)
        total = stream.read_chunk().data.num_rows
        node.drain()
        node.drain()
        eventually(lambda: not watching.listed)
        eventually(lambda: node._admission._closed)
        with pytest.raises(flight.FlightUnavailableError, match="leaving; nothing was run"):
            other.query("SELECT 1")
        assert other.received[headers.REASON] == "draining"
        for begun in (client.begin, lambda: client.query("SELECT 1", unused)):
            with pytest.raises(flight.FlightUnavailableError, match="leaving; nothing was run"):
                begun()
        client.update("INSERT INTO t VALUES (3)", transaction)
        assert total + stream.read_all().num_rows == 3_000_000
        client.end(transaction)
        client.update("COMMIT")
    assert node.wait()


def test_what_does_not_finish_is_interrupted() -> None:
    node = Node(settings(drain_timeout_s=0.2))
    served = Served(node, node.start().location)
    with served.client() as client:
        failures: list[BaseException] = []
        thread = threading.Thread(target=_fail, args=(served, failures))
        thread.start()
        stream = client.get(client.plan("FROM range(20000000000)").endpoints[0].ticket)
        reading = threading.Thread(target=_read, args=(stream, failures))
        reading.start()
        eventually(lambda: served.running == 2)
        began_s = time.monotonic()
        node.drain()
        assert node.wait()
        assert time.monotonic() - began_s < 10
        thread.join(10)
        reading.join(10)
        assert len(failures) == 2


def _read(stream: Any, failures: list[BaseException]) -> None:
    try:
        for _ in stream:
            pass
    except flight.FlightError as exc:
        failures.append(exc)


def _fail(served: Served, failures: list[BaseException]) -> None:
    with served.client(user="long") as client:
        try:
            client.query(_LONG)
        except flight.FlightError as exc:
            failures.append(exc)


def test_stopping_does_not_wait() -> None:
    node = Node(settings(drain_timeout_s=60))
    served = Served(node, node.start().location)
    failures: list[BaseException] = []
    thread = threading.Thread(target=_fail, args=(served, failures))
    thread.start()
    eventually(lambda: served.running == 1)
    began_s = time.monotonic()
    node.drain()
    node.stop()
    assert node.wait()
    assert time.monotonic() - began_s < 10
    thread.join(10)
    assert len(failures) == 1


@pytest.mark.parametrize("stopped", [False, True])
def test_closing_the_database_may_take_as_long_as_a_drain(
    monkeypatch: pytest.MonkeyPatch, *, stopped: bool
) -> None:
    monkeypatch.setattr(node_module, "_SHUTDOWN_MAX_S", 0.1)
    node = Node(settings(drain_timeout_s=3600))
    node.start()
    closing, written = threading.Event(), threading.Event()
    close = node._database.close

    def slow() -> None:
        closing.set()
        written.wait(30)
        close()

    monkeypatch.setattr(node._database, "close", slow)
    node.drain()
    assert closing.wait(10)
    assert not node._ended.wait(0.3)
    if stopped:
        node.stop()
    else:
        written.set()
    assert node.wait() is not stopped
    written.set()


def test_a_statement_the_node_ends_may_be_asked_elsewhere() -> None:
    """Not CANCELLED, which would say that somebody wanted that; and not a mark of a drain."""
    with serving() as node, node.client() as planning, node.client() as reading:
        stream = reading.get(reading.plan("FROM range(10000000000)").endpoints[0].ticket)
        assert stream.read_chunk().data.num_rows
        failed: list[Exception] = []

        def plan() -> None:
            try:
                planning.plan(_LONG)
            except Exception as exc:  # noqa: BLE001 - judged below
                failed.append(exc)

        thread = threading.Thread(target=plan)
        thread.start()
        eventually(lambda: node.node._admission.running == 2)
        node.node.stop()
        thread.join(10)
        with pytest.raises(flight.FlightUnavailableError, match="ask another node"):
            stream.read_all()
        assert isinstance(failed[0], flight.FlightUnavailableError)
        assert "ask another node" in str(failed[0])
        assert headers.REASON not in planning.received


def test_a_drain_does_not_wait_for_a_transaction_nobody_uses() -> None:
    clock = Clock()
    with serving(clock.clocks, drain_timeout_s=3600) as served, served.client() as client:
        client.update("CREATE TABLE t (a INT)", client.begin())
        clock.now_s += 6
        served.node.drain()
        eventually(served.node._ended.is_set)


def test_a_node_whose_engine_has_failed_ends() -> None:
    node = Node(settings())
    served = Served(node, node.start().location)
    with served.client() as client:
        client.update("CREATE SEQUENCE n")
        with pytest.raises((pa.ArrowException, flight.FlightError), match="defect of its own"):
            client.query(
                "FROM query('SELECT json_serialize_' || 'plan(''FROM range(nextval(''''n''''))'')')"
            )
    assert not node.wait()
