"""A node reduced to what the client's tests need: canned answers and faults, in a real server.

Speaks just enough Flight SQL over real pyarrow.flight. What it does is written in the statement
itself, so that a test needs no second channel:

    rows N BATCHES        a result of BATCHES batches of N rows each
    stall-plan            never answers GetFlightInfo
    stall-first           sends the schema, then nothing
    stall-after N         delivers N batches of a MiB each, then nothing
    fail-after N          delivers N batches of a MiB each, then an error
    write ROWS            an update; appended to the journal file
    stall-write           journals the update, never answers it
    bad                   a SQL error

An ingest is counted and journalled; into the table `stall`, it is never answered.

Run as a process it prints its port; `--refuse REASON` makes it answer every statement with that
mark, `--user NAME:PASSWORD` asks for a login.
"""

import argparse
import base64
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import flight

from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack, unpack
from flightkeeper.flightsql.wire import flight_sql_pb2 as wire

SCHEMA = pa.schema([("n", pa.int64())])
ROWS_PER_MIB = 1024 * 1024 // 8


class StubNode(flight.FlightServerBase):
    """The server."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        middleware: dict[str, flight.ServerMiddlewareFactory] = {"headers": _RecordHeaders()}
        if arguments.user:
            middleware["login"] = _Logins(arguments.user)
        super().__init__(
            f"grpc://127.0.0.1:{arguments.port}",
            auth_handler=_Handshake() if arguments.user else None,
            middleware=middleware,
        )
        self._refuse: str = arguments.refuse
        self._journal: Path | None = arguments.journal
        self._handles: dict[bytes, tuple[str, int]] = {}
        self._transactions = itertools.count(1)

    def get_flight_info(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        context.add_header(headers.LOAD, "7")
        sql, parameters = self._sql(unpack(descriptor.command or b""))
        self._note("plan", sql)
        self._check(context)
        if sql == "stall-plan":
            _for_ever()
        if sql == "bad":
            raise ValueError("Parser Error: bad at line 1")
        read_only = _header(context, headers.READ_ONLY)
        if sql.startswith(("write", "stall-write")):
            if read_only:
                context.add_trailer(headers.REASON, headers.Reason.NOT_READ_ONLY)
                raise ValueError("not a pure read")
            self._note("applied", sql)
            sql = "rows 1 1"
        endpoints = [
            flight.FlightEndpoint(f"{part} {parameters}".encode(), []) for part in sql.split(" + ")
        ]
        return flight.FlightInfo(SCHEMA, descriptor, endpoints)

    def do_get(
        self, context: flight.ServerCallContext, ticket: flight.Ticket
    ) -> flight.FlightDataStream:
        *words, parameters = ticket.ticket.decode().split(" ")
        del context
        return flight.GeneratorStream(SCHEMA, _batches(words, int(parameters)))

    def do_put(
        self,
        context: flight.ServerCallContext,
        descriptor: flight.FlightDescriptor,
        reader: flight.MetadataRecordBatchReader,
        writer: flight.FlightMetadataWriter,
    ) -> None:
        command = unpack(descriptor.command or b"")
        chunks = list(reader)
        rows = [chunk.data for chunk in chunks if chunk.data is not None]
        if isinstance(command, wire.CommandStatementIngest):
            writer.write(self._ingested(context, command, chunks))
            return
        if isinstance(command, wire.CommandPreparedStatementQuery):
            handle = f"bound-{len(self._handles)}".encode()
            sql, _ = self._handles[command.prepared_statement_handle]
            self._handles[handle] = (sql, rows[0].num_columns)
            answer = wire.DoPutPreparedStatementResult(prepared_statement_handle=handle)
            writer.write(pa.py_buffer(answer.SerializeToString()))
            return
        sql, _ = self._sql(command)
        self._check(context)
        if sql == "bad":
            raise ValueError("Parser Error: bad at line 1")
        self._note("applied", sql)
        if sql == "stall-write":
            _for_ever()
        count = int(sql.split(" ")[1]) + sum(batch.num_columns for batch in rows)
        counted = wire.DoPutUpdateResult(record_count=count)
        writer.write(pa.py_buffer(counted.SerializeToString()))

    def _ingested(
        self, context: flight.ServerCallContext, command: Any, chunks: list[Any]
    ) -> pa.Buffer:
        complete = bool(chunks) and chunks[-1].app_metadata is not None
        assert complete or context.is_cancelled(), "an upload ended without its mark"
        count = sum(chunk.data.num_rows for chunk in chunks if chunk.data is not None)
        self._check(context)
        self._note("applied", f"{command.table} {count}")
        if command.table == "stall":
            _for_ever()
        counted = wire.DoPutUpdateResult(record_count=count)
        return pa.py_buffer(counted.SerializeToString())

    def do_action(self, context: flight.ServerCallContext, action: flight.Action) -> Any:
        self._note("action", action.type)
        body = action.body.to_pybytes()
        if action.type == headers.PROBE_ACTION:
            yield flight.Result(b"{}")
            return
        if action.type == "EndTransaction":
            return
        self._check(context)
        if action.type == "BeginTransaction":
            name = f"transaction-{next(self._transactions)}".encode()
            yield flight.Result(pack(wire.ActionBeginTransactionResult(transaction_id=name)))
        else:
            request = unpack(body)
            assert isinstance(request, wire.ActionCreatePreparedStatementRequest)
            handle = f"prepared-{len(self._handles)}".encode()
            self._handles[handle] = (request.query, 0)
            answer = wire.ActionCreatePreparedStatementResult(prepared_statement_handle=handle)
            yield flight.Result(pack(answer))

    def _sql(self, command: Any) -> tuple[str, int]:
        if hasattr(command, "prepared_statement_handle"):
            return self._handles[command.prepared_statement_handle]
        return command.query, 0

    def _check(self, context: flight.ServerCallContext) -> None:
        if self._refuse:
            context.add_trailer(headers.REASON, self._refuse)
            context.add_trailer(headers.RETRY_AFTER_MS, "10")
            raise flight.FlightUnavailableError(f"refused: {self._refuse}")

    def _note(self, what: str, sql: str) -> None:
        if self._journal is not None:
            with self._journal.open("a") as file:
                file.write(f"{what} {sql}\n")


class _Handshake(flight.ServerAuthHandler):
    def authenticate(self, outgoing: Any, incoming: Any) -> None:
        del incoming
        outgoing.write(b"")

    def is_valid(self, token: Any) -> Any:
        return token


class _Token(flight.ServerMiddleware):
    def __init__(self, token: str) -> None:
        self._token = token

    def sending_headers(self) -> Any:
        return {"authorization": f"Bearer {self._token}"}


class _Logins(flight.ServerMiddlewareFactory):
    """Hands out tokens for three calls, so that a client meets an ended one."""

    USES = 3

    def __init__(self, credentials: str) -> None:
        self._basic = base64.b64encode(credentials.encode()).decode()
        self._uses: dict[str, int] = {}

    def start_call(self, info: flight.CallInfo, headers: Any) -> flight.ServerMiddleware | None:
        del info
        scheme, _, value = headers.get("authorization", [""])[0].partition(" ")
        if scheme == "Basic" and value == self._basic:
            token = f"token-{len(self._uses)}"
            self._uses[token] = 0
            return _Token(token)
        if scheme == "Bearer" and self._uses.get(value, self.USES) < self.USES:
            self._uses[value] += 1
            return None
        raise flight.FlightUnauthenticatedError("unknown user or wrong password")


def _batches(words: list[str], parameters: int) -> Iterator[pa.RecordBatch]:
    kind, *numbers = words
    rows, count = ROWS_PER_MIB, 0
    if kind == "rows":
        rows, count = int(numbers[0]), int(numbers[1])
    elif numbers:
        count = int(numbers[0])
    for _ in range(count):
        yield pa.record_batch([pa.array(range(rows + parameters), pa.int64())], schema=SCHEMA)
    if kind == "fail-after":
        raise ValueError("Conversion Error: in the middle")
    if kind.startswith("stall"):
        _for_ever()


def _header(context: flight.ServerCallContext, name: str) -> bool:
    recorder = context.get_middleware("headers")
    return isinstance(recorder, _Headers) and name in recorder.names


class _Headers(flight.ServerMiddleware):
    def __init__(self, names: frozenset[str]) -> None:
        self.names = names


class _RecordHeaders(flight.ServerMiddlewareFactory):
    def start_call(self, info: flight.CallInfo, headers: Any) -> flight.ServerMiddleware | None:
        del info
        return _Headers(frozenset(headers))


def _for_ever() -> None:
    threading.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--refuse", default="")
    parser.add_argument("--user", default="")
    parser.add_argument("--journal", type=Path)
    server = StubNode(parser.parse_args())
    print(server.port, flush=True)  # noqa: T201  the parent reads it
    server.serve()


if __name__ == "__main__":
    main()
