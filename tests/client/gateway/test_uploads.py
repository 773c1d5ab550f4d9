"""Uploads pass in bounded memory, once, and not at all when their client goes away."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.gateway import uploads
from flightkeeper.client.gateway.channel import Upload
from flightkeeper.client.gateway.relay import Turn
from flightkeeper.discovery.records import Instance
from flightkeeper.flightsql.headers import STATEMENT_ID, UPLOAD_COMPLETE
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.client.gateway.conftest import Front
from tests.flight_server.wire_client import Served, WireClient, eventually

_Options = sql.CommandStatementIngest.TableDefinitionOptions
BATCH = pa.record_batch({"a": pa.array(range(100_000), pa.int64())})


def ingest(table: str) -> flight.FlightDescriptor:
    options = _Options(
        if_not_exist=_Options.TABLE_NOT_EXIST_OPTION_CREATE,
        if_exists=_Options.TABLE_EXISTS_OPTION_APPEND,
    )
    command = sql.CommandStatementIngest(table_definition_options=options, table=table)
    return flight.FlightDescriptor.for_command(pack(command))


def tables(node: Served) -> list[Any]:
    with node.client() as client:
        return client.query("SELECT table_name AS t FROM duckdb_tables()")["t"].to_pylist()


def upload(client: WireClient, table: str, batches: int) -> int:
    writer, reader = client.flight.do_put(ingest(table), BATCH.schema, client.options())
    metadata: Any = reader
    with writer:
        for _ in range(batches):
            writer.write_batch(BATCH)
        writer.done_writing()
        return sql.DoPutUpdateResult.FromString(bytes(metadata.read())).record_count


def test_an_ingest_larger_than_what_is_kept_passes_once(front: Front) -> None:
    batches = 2 * uploads.AT_HAND_BYTES // BATCH.nbytes + 1
    with front.client() as client:
        assert upload(client, "large", batches) == batches * 100_000
    owners = [node for node in front.nodes.values() if "large" in tables(node)]
    assert len(owners) == 1
    with owners[0].client() as client:
        assert client.value("SELECT count(*) FROM large") == batches * 100_000


def test_an_upload_whose_client_goes_away_is_not_applied(front: Front) -> None:
    with front.client() as client:
        options: Any = client.options(timeout_s=0.5)
        writer, reader = client.flight.do_put(ingest("half"), BATCH.schema, options)
        writer.write_batch(BATCH)
        metadata: Any = reader
        assert metadata.read() is None
        with pytest.raises(flight.FlightTimedOutError):
            writer.close()
    eventually(lambda: front.running.idle)
    assert not any("half" in tables(node) for node in front.nodes.values())


def test_nothing_is_written_to_a_node_that_reads_nothing(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have ended the call by then, and its answer would be lost without an error."""
    written: list[Any] = []
    write = Upload.write

    def taken_down(self: Upload, batch: Any, metadata: Any) -> None:
        written.append(metadata.to_pybytes())
        write(self, batch, metadata)

    monkeypatch.setattr(Upload, "write", taken_down)
    with front.client() as client:
        client.update("CREATE TEMP TABLE counted (a INT)")
        assert client.update("INSERT INTO counted VALUES (1), (2)") == 2
        assert written == []
        handle = client.prepare("INSERT INTO counted VALUES (3)").prepared_statement_handle
        assert client.execute_update(handle) == 1
    # What a node does read is marked.
    assert written == [UPLOAD_COMPLETE]


def test_a_node_that_refuses_an_upload_says_so(front: Front) -> None:
    with front.client() as client:
        command = sql.CommandStatementIngest(
            table_definition_options=_Options(
                if_not_exist=_Options.TABLE_NOT_EXIST_OPTION_FAIL,
                if_exists=_Options.TABLE_EXISTS_OPTION_APPEND,
            ),
            table="missing",
        )
        with pytest.raises(pa.ArrowException, match="missing"):
            client.put(command, pa.Table.from_batches([BATCH]))


@pytest.mark.parametrize("large", [False, True])
def test_an_upload_moves_to_another_node_while_all_of_it_is_at_hand(
    start_front: Callable[[], Front], monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    """The first node that is asked fails once all rows have been sent to it."""
    front = start_front()
    failed = threading.Event()
    feed = uploads.PassingUpload._feed

    def failing(self: uploads.PassingUpload, *arguments: Any) -> None:
        if not failed.is_set():
            failed.set()
            for message in self._arriving():
                arguments[1].write(message.batch, message.metadata)
            raise CallFailed(Failure(Kind.BROKEN, "gone"))
        feed(self, *arguments)

    monkeypatch.setattr(uploads.PassingUpload, "_feed", failing)
    batches = 6 if large else 2
    with front.client() as client:
        if large:
            with pytest.raises(flight.FlightError, match="nothing of them was applied"):
                upload(client, "moved_large", batches)
        else:
            assert upload(client, "moved", batches) == batches * 100_000
    owners = sum(f"moved{'_large' * large}" in tables(node) for node in front.nodes.values())
    assert owners == (0 if large else 1)


@pytest.mark.parametrize("lake", ["", "one"])
def test_a_large_upload_whose_answer_is_lost_is_in_doubt(
    start_front: Callable[[], Front], monkeypatch: pytest.MonkeyPatch, lake: str
) -> None:
    """Where nodes share a lake, the client is told under which id the ledger knows it."""
    front = start_front()
    nodes_asked: list[str] = []

    def lost(_upload: Upload) -> Any:
        raise CallFailed(Failure(Kind.BROKEN, "gone"))

    def node(self: Turn) -> Instance:
        nodes_asked.append(self.attempt.lease.instance.node_id)
        return replace(self.attempt.lease.instance, lake=lake)

    monkeypatch.setattr(Upload, "finish", lost)
    monkeypatch.setattr(Turn, "node", property(node))
    with front.client() as client:
        client.extra_headers[STATEMENT_ID] = "mine"
        with pytest.raises(flight.FlightInternalError, match="applied once or not at all") as told:
            upload(client, "doubtful", 6)
    assert (f"{STATEMENT_ID}: mine" in str(told.value)) is bool(lake)
    assert len(set(nodes_asked)) == 1
