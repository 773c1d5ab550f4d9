"""A client as small as can be: pyarrow.flight, and the messages of `flightsql.wire`."""

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.auth import keys
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.node import Node
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack, unpack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql

_ACTION = "Action"
_REQUEST = "Request"
PATIENCE_S = 10.0
LATE = "late|lost the reason"
"""Of about one late error in a hundred DuckDB 1.5 does not tell the reason."""


def basic(user: str, password: str = "", *, padded: bool = True) -> str:
    """The value of a Basic authorization header."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return "Basic " + (encoded if padded else encoded.rstrip("="))


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)


class _Recorder(flight.ClientMiddlewareFactory):
    """Remembers the headers and trailers of the last answer, and takes up tokens."""

    def __init__(self) -> None:
        self.received: dict[str, str] = {}
        self.token: str | None = None

    def start_call(self, info: Any) -> "_Recording":
        del info
        self.received = {}
        return _Recording(self)


class _Recording(flight.ClientMiddleware):
    def __init__(self, recorder: _Recorder) -> None:
        self._recorder = recorder

    def received_headers(self, received: Mapping[str, list[Any]]) -> None:
        for name, values in received.items():
            self._recorder.received[name.lower()] = str(values[-1])
        if authorization := self._recorder.received.get("authorization"):
            self._recorder.token = authorization


class WireClient:
    """One connection to one node, with a login of its own. Not thread-safe."""

    def __init__(self, location: str, authorization: str | None = None) -> None:
        self._recorder = _Recorder()
        self.flight = flight.FlightClient(location, middleware=[self._recorder])
        self._recorder.token = authorization
        self.extra_headers: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.flight.close()

    @property
    def received(self) -> Mapping[str, str]:
        """Headers and trailers of the last answer, lower case."""
        return self._recorder.received

    @property
    def authorization(self) -> str | None:
        """What the client sends to say who it is; follows the node's answers."""
        return self._recorder.token

    def options(self, timeout_s: float = 30) -> flight.FlightCallOptions:
        """Options of one call."""
        sent = {**self.extra_headers}
        if self._recorder.token is not None:
            sent["authorization"] = self._recorder.token
        pairs: Any = [(name.encode(), value.encode()) for name, value in sent.items()]
        return flight.FlightCallOptions(timeout=timeout_s, headers=pairs)

    def reads_only(self, asked: str = "1") -> None:
        """Ask for reads only from now on."""
        self.extra_headers[headers.READ_ONLY] = asked

    def info(self, command: Message | bytes, timeout_s: float = 30) -> flight.FlightInfo:
        """GetFlightInfo."""
        data = command if isinstance(command, bytes) else pack(command)
        descriptor = flight.FlightDescriptor.for_command(data)
        return self.flight.get_flight_info(descriptor, self.options(timeout_s))

    def schema(self, command: Message) -> pa.Schema:
        """GetSchema."""
        descriptor = flight.FlightDescriptor.for_command(pack(command))
        answer: Any = self.flight.get_schema(descriptor, self.options())
        schema: pa.Schema = answer.schema
        return schema

    def plan(self, text: str, transaction: bytes | None = None) -> flight.FlightInfo:
        """GetFlightInfo of a statement."""
        return self.info(sql.CommandStatementQuery(query=text, transaction_id=transaction))

    def get(self, ticket: flight.Ticket | bytes, timeout_s: float = 30) -> Any:
        """DoGet, as a stream."""
        if isinstance(ticket, bytes):
            ticket = flight.Ticket(ticket)
        return self.flight.do_get(ticket, self.options(timeout_s))

    def fetch(self, info: flight.FlightInfo) -> pa.Table:
        """The whole answer of what was planned."""
        table: pa.Table = self.get(info.endpoints[0].ticket).read_all()
        return table

    def command(self, command: Message) -> pa.Table:
        """Plan and fetch a command."""
        return self.fetch(self.info(command))

    def query(self, text: str, transaction: bytes | None = None) -> pa.Table:
        """Plan and fetch a statement."""
        return self.fetch(self.plan(text, transaction))

    def value(self, text: str, transaction: bytes | None = None) -> Any:
        """The one value of an answer."""
        table = self.query(text, transaction)
        assert table.shape == (1, 1)
        return table.column(0)[0].as_py()

    def put(
        self, command: Message | bytes, rows: pa.Table | None = None, timeout_s: float = 30
    ) -> bytes:
        """DoPut; the bytes of its answer."""
        data = command if isinstance(command, bytes) else pack(command)
        descriptor = flight.FlightDescriptor.for_command(data)
        table = pa.table({}) if rows is None else rows
        reader: Any
        writer, reader = self.flight.do_put(descriptor, table.schema, self.options(timeout_s))
        with writer:
            if rows is not None:
                # write_table() sends nothing at all for a table without rows.
                writer.write_batch(_one_batch(rows))
            writer.done_writing()
            answer = reader.read()
        return b"" if answer is None else bytes(answer)

    def update(self, text: str, transaction: bytes | None = None) -> int:
        """DoPut of an update; how many rows it changed."""
        answer = self.put(sql.CommandStatementUpdate(query=text, transaction_id=transaction))
        return int(sql.DoPutUpdateResult.FromString(answer).record_count)

    def action(self, name: str, body: Message | bytes) -> list[bytes]:
        """DoAction with a bare body."""
        data = body if isinstance(body, bytes) else body.SerializeToString()
        results = self.flight.do_action(flight.Action(name, data), self.options())
        return [result.body.to_pybytes() for result in results]

    def act(self, request: Message) -> Message | None:
        """DoAction of a Flight SQL request; its answer, if it has one."""
        name = request.DESCRIPTOR.name.removeprefix(_ACTION).removesuffix(_REQUEST)
        answers = self.action(name, pack(request))
        assert len(answers) <= 1
        return unpack(answers[0]) if answers else None

    def begin(self) -> bytes:
        """Open a transaction; its id."""
        answer = self.act(sql.ActionBeginTransactionRequest())
        assert isinstance(answer, sql.ActionBeginTransactionResult)
        return answer.transaction_id

    def end(self, transaction: bytes, *, commit: bool = True) -> None:
        """End a transaction."""
        kind = sql.ActionEndTransactionRequest
        action = kind.END_TRANSACTION_COMMIT if commit else kind.END_TRANSACTION_ROLLBACK
        self.act(kind(transaction_id=transaction, action=action))

    def prepare(
        self, text: str, transaction: bytes | None = None
    ) -> sql.ActionCreatePreparedStatementResult:
        """Prepare a statement."""
        answer = self.act(
            sql.ActionCreatePreparedStatementRequest(query=text, transaction_id=transaction)
        )
        assert isinstance(answer, sql.ActionCreatePreparedStatementResult)
        return answer

    def bind(self, handle: bytes, rows: pa.Table) -> bytes:
        """Bind parameters to a prepared query; the handle that carries them."""
        answer = self.put(sql.CommandPreparedStatementQuery(prepared_statement_handle=handle), rows)
        return sql.DoPutPreparedStatementResult.FromString(answer).prepared_statement_handle

    def execute(self, handle: bytes) -> pa.Table:
        """Run a prepared query."""
        return self.command(sql.CommandPreparedStatementQuery(prepared_statement_handle=handle))

    def execute_update(self, handle: bytes, rows: pa.Table | None = None) -> int:
        """Run a prepared update, once for each row."""
        command = sql.CommandPreparedStatementUpdate(prepared_statement_handle=handle)
        return int(sql.DoPutUpdateResult.FromString(self.put(command, rows)).record_count)


class Clock:
    """A clock that stands still until it is moved. Seconds."""

    def __init__(self, now_s: float = 1_000_000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    @property
    def clocks(self) -> Clocks:
        """This clock as the one of a node that measures durations."""
        return Clocks(monotonic_s=self)


class Served:
    """A running node and the way to it."""

    def __init__(self, node: Node, location: str) -> None:
        self.node = node
        self.location = location

    def client(self, user: str = "ada", **more: Any) -> WireClient:
        """A client that logs in with its first call."""
        return WireClient(self.location, basic(user, threading.current_thread().name, **more))

    def stranger(self, authorization: str | None = None) -> WireClient:
        """A client that sends exactly this to say who it is."""
        return WireClient(self.location, authorization)

    @property
    def running(self) -> int:
        """Statements in flight."""
        return self.node._admission.running


@contextmanager
def serving(clocks: Clocks | None = None, **settings: Any) -> Iterator[Served]:
    """A node in this process, stopped at the end; its lake is not put in order unless told.

    A transaction of a lake in SQLite loses to whatever else is committed.
    """
    node = Node(NodeSettings(**{"insecure": True, "lake_upkeep_s": 0, **settings}), clocks)
    ready = node.start()
    try:
        yield Served(node, ready.location)
    finally:
        node.stop()
        assert node.wait()


@contextmanager
def sharing(home: Path, **settings: Any) -> Iterator[tuple[Served, Served]]:
    """Two nodes with the same keys that share a lake, in SQLite if nothing else is said."""
    key_file = home / "keys"
    key_file.write_bytes(keys.encode(keys.generate()))
    key_file.chmod(0o600)
    shared = {"lake": f"ducklake:sqlite:{home}/lake.sqlite", "key_file": key_file, **settings}
    with serving(**shared) as one, serving(**shared) as other:
        yield one, other


def total(column: Any) -> int:
    """The sum of a column of numbers."""
    return int(sum(column.to_pylist()))


def eventually(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> float:
    """Wait until something is true; how long it took, in seconds."""
    begin_s = time.monotonic()
    while not condition():
        waited_s = time.monotonic() - begin_s
        assert waited_s < within_s, f"not within {within_s} s"
        threading.Event().wait(0.005)
    return time.monotonic() - begin_s
