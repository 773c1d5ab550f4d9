"""The service at the border: every RPC, every kind of failure, and nothing of ours gets out."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any as Envelope
from pyarrow import flight

from flightkeeper.flight_server import errors
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient, serving

_LEAK = re.compile(
    r"Traceback|\.py\b|\.cpp\b|site-packages|/usr/|/tmp/|/home/|File \"|line \d+, in"
    r"|OnWire|NodeError|flightkeeper\.|flight_server|RuntimeError|InvalidArgument\b|canary"
)
_URL = "type.googleapis.com/arrow.flight.protocol.sql."


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A node of one thread: with several, DuckDB 1.5 loses the words of one late error in 100."""
    with serving(threads=1) as node:
        yield node


def asks(client: WireClient, data: bytes) -> dict[str, Callable[[], object]]:
    """Every RPC with these bytes where its message stands."""
    descriptor = flight.FlightDescriptor.for_command(data)
    return {
        "GetFlightInfo": lambda: client.info(data),
        "GetSchema": lambda: client.flight.get_schema(descriptor, client.options()),
        "DoGet": lambda: client.get(data).read_all(),
        "DoPut": lambda: client.put(data),
        "DoAction": lambda: client.action("CreatePreparedStatement", data),
        "DoExchange": lambda: exchange(client, descriptor),
        "ListFlights": lambda: list(listing(client, data)),
    }


def listing(client: WireClient, data: bytes) -> Any:
    ours: Any = client.flight
    return ours.list_flights(data, client.options())


def exchange(client: WireClient, descriptor: flight.FlightDescriptor) -> object:
    writer, reader = client.flight.do_exchange(descriptor, client.options())
    try:
        writer.done_writing()
        return reader.read_all()
    finally:
        writer.close()


def failure(client: WireClient, ask: Callable[[], object]) -> str:
    """What a caller learns from a call that must fail: message, headers and trailers."""
    with pytest.raises((pa.ArrowException, flight.FlightError, KeyError, OSError)) as caught:
        ask()
    detail = getattr(caught.value, "extra_info", b"")
    return f"{caught.value} {client.received} {detail!r}"


# Not ListFlights, to which any text is a pattern.
_RPCS = ("GetFlightInfo", "GetSchema", "DoGet", "DoPut", "DoAction", "DoExchange")
_BAD = {
    "empty": b"",
    "noise": b"\xff\x00\xfe",
    "text": b"SELECT 1",
    "another Any": Envelope(type_url="a/b.C").SerializeToString(),
    "unknown command": Envelope(type_url=_URL + "CommandFrobnicate").SerializeToString(),
    "damaged command": Envelope(
        type_url=_URL + "CommandStatementQuery", value=b"\x0a\xff"
    ).SerializeToString(),
    "not served": pack(sql.CommandStatementSubstraitPlan()),
    "in the wrong place": pack(sql.DoPutUpdateResult()),
    "ingest": pack(sql.CommandStatementIngest(table="t")),
    "prepared nonsense": pack(sql.CommandPreparedStatementQuery(prepared_statement_handle=b"x")),
    "ticket nonsense": pack(sql.TicketStatementQuery(statement_handle=b"x")),
}


@pytest.mark.parametrize("data", _BAD.values(), ids=_BAD.keys())
@pytest.mark.parametrize("rpc", _RPCS)
def test_bad_bytes_are_refused_cleanly(client: WireClient, rpc: str, data: bytes) -> None:
    told = failure(client, asks(client, data)[rpc])
    assert not _LEAK.search(told), told
    assert "defect" not in told


def test_what_would_end_the_database_is_not_served(client: WireClient) -> None:
    client.update("CREATE SEQUENCE IF NOT EXISTS numbers")
    plan = "SELECT json_serialize_plan('FROM range(nextval(''numbers''))')"
    for text in (plan, plan.replace("json", '"JSON').replace("_plan", '_plan"')):
        told = failure(client, lambda text=text: client.query(text))  # type: ignore[misc]
        assert "json_serialize_plan is not served; nothing was run" in told
    assert client.value("SELECT 1") == 1


@pytest.mark.parametrize(
    "text",
    [
        "SET python_enable_replacements = true",
        'SET "python_scan_all_frames" = (1 = 1)',
        "PRAGMA python_enable_replacements=true",
        "RESET python_enable_replacements",
        "SET GLOBAL arrow_lossless_conversion = true",
        "SET produce_arrow_string_view = true",
    ],
)
def test_the_process_is_out_of_reach(client: WireClient, text: str) -> None:
    told = failure(client, lambda: client.query(text))
    assert "cannot be changed here; nothing was run" in told


@pytest.mark.parametrize(
    "text",
    [
        "COPY strict FROM STDIN",
        "COPY strict TO STDOUT (FORMAT csv)",
        "COPY (FROM strict) TO stdout",
    ],
)
def test_the_streams_of_the_process_are_out_of_reach(client: WireClient, text: str) -> None:
    told = failure(client, lambda: client.query(text))
    assert "would use the node's own; nothing was run" in told


_SQL = {
    "parser": "selec 1",
    "catalog": "FROM nowhere",
    "binder": "SELECT nope",
    "conversion": "SELECT 'x'::INT",
    "range": "SELECT 200::TINYINT",
    "constraint": "INSERT INTO strict VALUES (NULL)",
    "io": "FROM read_csv('no/such/file.csv')",
    "not implemented": "SELECT '1'::VARCHAR COLLATE nonsense",
    "own": "SELECT error('of my own')",
    "setting": "SET threads = 'many'",
    "memory": "SET memory_limit = 'much'",
    "late": "SELECT CASE WHEN i = 999999 THEN error('late') ELSE 'x' END FROM range(1000000) t(i)",
    "file": "COPY (SELECT 1) TO 'no/such/directory/x.csv'",
    "attach": "ATTACH 'no/such/directory/x.db' AS x",
    "transaction": "COMMIT; ROLLBACK; FROM nowhere",
}


@pytest.fixture(scope="module", autouse=True)
def strict(served: Served) -> Iterator[None]:
    with served.client() as client:
        client.update("CREATE TABLE strict (a INT NOT NULL)")
        yield
        client.update("DROP TABLE strict")


@pytest.mark.parametrize("text", _SQL.values(), ids=_SQL.keys())
@pytest.mark.parametrize("how", ["query", "update", "prepared", "prepared update"])
def test_errors_of_the_engine_are_its_own_words(client: WireClient, how: str, text: str) -> None:
    def ask() -> object:
        if how == "query":
            return client.query(text)
        if how == "update":
            return client.update(text)
        handle = client.prepare(text).prepared_statement_handle
        return client.execute(handle) if how == "prepared" else client.execute_update(handle)

    told = failure(client, ask)
    assert "Error" in told
    assert "defect" not in told
    assert not _LEAK.search(told.replace("no/such/", "")), told


def _broken(*_arguments: object) -> Any:
    raise RuntimeError("canary")


def _broken_late(*_arguments: object) -> Result:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [1]})
        raise RuntimeError("canary")

    return Result(pa.schema({"a": pa.int64()}), batches())


def _all(handler: Callable[..., Any]) -> Routes:
    action = Action(sql.ActionCreatePreparedStatementRequest, handler, "")
    table: Any = MappingProxyType({sql.CommandGetCatalogs: handler})
    return Routes(
        flight_info=table,
        schema=table,
        get=table,
        put=table,
        exchange=table,
        actions={"CreatePreparedStatement": action},
        flights={"": handler},
    )


@pytest.fixture
def broken(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Puts other handlers into the running node."""

    def put(handler: Callable[..., Any]) -> None:
        monkeypatch.setattr(served.node._service, "_routes", _all(handler))

    with monkeypatch.context():
        yield put


def _message(rpc: str) -> bytes:
    return pack(
        sql.ActionCreatePreparedStatementRequest()
        if rpc == "DoAction"
        else sql.CommandGetCatalogs()
    )


_HANDLED = ("GetFlightInfo", "GetSchema", "DoGet", "DoPut", "DoAction", "DoExchange", "ListFlights")


@pytest.mark.parametrize("rpc", _HANDLED)
def test_a_defect_of_ours_is_called_one_and_not_shown(
    client: WireClient, broken: Callable[..., None], rpc: str
) -> None:
    broken(_broken)
    told = failure(client, asks(client, _message(rpc))[rpc])
    assert "the node has a defect; its log has the details" in told
    assert not _LEAK.search(told), told


def test_a_defect_in_a_stream_is_not_shown_either(
    client: WireClient, broken: Callable[..., None]
) -> None:
    broken(_broken_late)
    told = failure(client, asks(client, _message("DoGet"))["DoGet"])
    assert "the node has a defect; its log has the details" in told
    assert not _LEAK.search(told), told


@pytest.mark.parametrize("kind", NodeError.__subclasses__())
@pytest.mark.parametrize("rpc", _HANDLED)
def test_every_error_reaches_the_caller_with_its_reason(
    client: WireClient, broken: Callable[..., None], rpc: str, kind: type[NodeError]
) -> None:
    def failing(*_arguments: object) -> Any:
        raise kind("what happened", reason=headers.Reason.OVERLOADED, retry_after_ms=7)

    broken(failing)
    told = failure(client, asks(client, _message(rpc))[rpc])
    assert "what happened" in told
    assert client.received[headers.REASON] == "overloaded"
    assert client.received[headers.RETRY_AFTER_MS] == "7"
    assert not _LEAK.search(told), told


def test_the_code_is_the_one_that_was_meant(
    client: WireClient, broken: Callable[..., None]
) -> None:
    for kind, wanted in (
        (errors.InvalidArgument, pa.ArrowInvalid),
        (errors.NotFound, pa.ArrowKeyError),
        (errors.Unimplemented, NotImplementedError),
        (errors.Unauthenticated, flight.FlightUnauthenticatedError),
        (errors.PermissionDenied, flight.FlightUnauthorizedError),
        (errors.Unavailable, flight.FlightUnavailableError),
        (errors.Cancelled, flight.FlightCancelledError),
        (errors.TimedOut, flight.FlightTimedOutError),
        (errors.Internal, flight.FlightInternalError),
        (errors.EngineFailed, flight.FlightServerError),
    ):

        def failing(*_arguments: object, kind: type[NodeError] = kind) -> Any:
            raise kind("x")

        broken(failing)
        with pytest.raises(wanted):
            client.info(sql.CommandGetCatalogs())


def test_what_is_served_is_listed(client: WireClient) -> None:
    actions: Any = client.flight.list_actions(client.options())
    listed = {action.type: action.description for action in actions}
    assert set(listed) == {
        "BeginTransaction",
        "EndTransaction",
        "BeginSavepoint",
        "EndSavepoint",
        "RenewFlightEndpoint",
        "CreatePreparedStatement",
        "ClosePreparedStatement",
        "CancelFlightInfo",
        "CancelQuery",
        "SetSessionOptions",
        "GetSessionOptions",
        "CloseSession",
        headers.CANCEL_ACTION,
        headers.PROBE_ACTION,
        headers.PEER_ACTION,
    }
    assert all(listed.values())


@pytest.mark.parametrize("name", ["", "NoSuchAction", "x" * 5000])
def test_unknown_actions_are_refused(client: WireClient, name: str) -> None:
    told = failure(client, lambda: client.action(name, b""))
    assert "there is no action" in told
    assert len(told) < 1000
    assert not _LEAK.search(told)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("BeginTransaction", b""),
        ("BeginTransaction", b"\xff"),
        ("BeginTransaction", pack(sql.CommandGetCatalogs())),
        ("EndTransaction", pack(sql.ActionBeginTransactionRequest())),
        ("CancelFlightInfo", b"\xff"),
        ("SetSessionOptions", b"\xff"),
        ("CancelQuery", pack(sql.ActionCancelQueryRequest(info=b"\xff"))),
    ],
)
def test_bodies_of_actions_are_checked(client: WireClient, name: str, body: bytes) -> None:
    told = failure(client, lambda: client.action(name, body))
    assert not _LEAK.search(told)
    assert "defect" not in told


def test_the_load_is_told(client: WireClient) -> None:
    client.query("SELECT 1")
    client.plan("SELECT 1")
    assert client.received[headers.LOAD] == "0"
    info = client.plan("FROM range(10000000)")
    assert client.received[headers.LOAD] == "1"
    client.action(headers.PROBE_ACTION, b"")
    assert client.received[headers.LOAD] == "1"
    client.get(info.endpoints[0].ticket).cancel()


def test_errors_name_no_file_of_the_node(tmp_path: Path) -> None:
    secret = tmp_path / "a secret place"
    secret.mkdir()
    with serving(database=str(secret / "node.db")) as node, node.client() as client:
        for text in (
            "ATTACH 'x/y.db' AS x; FROM nowhere",
            "COPY (SELECT 1) TO 'no/such/x.csv'",
            "DETACH node",
            "EXPORT DATABASE 'no/such/directory'",
        ):
            told = failure(client, lambda text=text: client.update(text))  # type: ignore[misc]
            assert "secret place" not in told
