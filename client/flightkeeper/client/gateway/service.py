"""The gateway's Flight server: every call goes to a node as it came, and its answer comes back.

Knows no command and no action: `destinations` reads from a call where it has to go, `relay` carries
it there, and `answers` says what went wrong. Errors meet the wire in `_answer` alone.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar, cast

import pyarrow as pa
from pyarrow import flight

from flightkeeper.client.errors import AuthenticationFailed, FlightkeeperError
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.gateway import answers, destinations
from flightkeeper.client.gateway.anonymous import PRINCIPAL, Anonymous
from flightkeeper.client.gateway.answers import Leaving
from flightkeeper.client.gateway.channel import NodeChannel, NodeRefused
from flightkeeper.client.gateway.destinations import Destination
from flightkeeper.client.gateway.locations import directed
from flightkeeper.client.gateway.middleware import MIDDLEWARE, Passing
from flightkeeper.client.gateway.passing import AUTHORIZATION, Pair, back
from flightkeeper.client.gateway.relay import Caller, Relay, Turn
from flightkeeper.client.gateway.results import PassingResult
from flightkeeper.client.gateway.stoppers import STOP_TIMEOUT_S
from flightkeeper.client.gateway.uploads import PassingUpload
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.headers import CANCEL_ACTION
from flightkeeper.flightsql.messages import MalformedMessage, unpack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql

_T = TypeVar("_T")
_COMPRESSION = headers.OPTION_PREFIX + "compression"

_log = logging.getLogger(__name__)


class Data(StrEnum):
    """How results reach clients."""

    DIRECT = "direct"
    """Straight from the nodes."""
    PROXY = "proxy"
    """Through the gateway."""


class Gateway(flight.FlightServerBase):
    """Serves Flight SQL by asking nodes. Listens from construction on."""

    def __init__(self, relay: Relay, data: Data, **server: Any) -> None:
        """Listen.

        Args:
            server: goes to pyarrow: location, certificates, middleware.
        """
        self._relay = relay
        self._data = data
        self._anonymous = Anonymous(time.time)
        # Guards the two below.
        self._lock = threading.Lock()
        self._running = 0
        self._draining = False
        super().__init__(**server)

    @property
    def running(self) -> int:
        """Calls in progress, streams included."""
        return self._running

    def drain(self) -> None:
        """Take nothing new; what runs, and what belongs to what was begun, goes on."""
        self._draining = True

    def get_flight_info(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        """Have a node plan a command."""

        def answer(caller: Caller) -> flight.FlightInfo:
            command = descriptor.command or b""
            to = self._admitted(self._destination(caller, command, StatementKind.READ))

            def ask(turn: Turn) -> flight.FlightInfo:
                turn.begins()
                answered = turn.channel.info(descriptor, _as_read(turn))
                self._relay.heard(caller, to, turn, answered.headers)
                return flight.FlightInfo.deserialize(self._located(answered.value, turn))

            return self._relay.run(caller, to, ask)

        return self._answer(context, answer)

    def get_schema(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> Any:
        """Have a node tell the schema that a command answers with."""

        def answer(caller: Caller) -> Any:
            command = descriptor.command or b""
            to = self._admitted(self._destination(caller, command, StatementKind.BEGIN))
            return self._relay.run(
                caller, to, lambda turn: turn.channel.schema(descriptor, turn.sent).value
            )

        return self._answer(context, answer, answers.within_stream)

    def do_get(
        self, context: flight.ServerCallContext, ticket: flight.Ticket
    ) -> flight.FlightDataStream:
        """Pass a result on, from the node that has it."""

        def answer(caller: Caller) -> flight.FlightDataStream:
            # A node runs a ticket again only if that is harmless; so it may be asked again.
            to = self._destination(caller, ticket.ticket, StatementKind.BEGIN)
            at_end = _passing(context).at_end
            result = self._relay.run(
                caller,
                to,
                lambda turn: PassingResult(turn, turn.channel.get(ticket, turn.sent)),
                keep=True,
            )
            at_end.append(result.close)
            caller.answer(back(result.headers))
            key = self._relay.watcher.watch(caller.gone, result.cancel)
            at_end.append(lambda: self._relay.watcher.forget(key))

            def converted(error: FlightkeeperError) -> Exception:
                refusal = answers.refusal(error)
                caller.mark(refusal.trailers)
                return answers.cancelled_within_stream(refusal.error)

            def failed(refused: NodeRefused) -> None:
                self._relay.report(result.node, refused.failure)

            return result.stream(_write_options(caller), failed, converted)

        return self._answer(context, answer)

    def do_put(
        self,
        context: flight.ServerCallContext,
        descriptor: flight.FlightDescriptor,
        reader: flight.MetadataRecordBatchReader,
        writer: flight.FlightMetadataWriter,
    ) -> None:
        """Pass an update, parameters or a bulk ingest on."""

        def answer(caller: Caller) -> None:
            command = descriptor.command or b""
            to = self._admitted(self._put_destination(caller, command))
            upload = PassingUpload(caller, descriptor, reader)

            def send(turn: Turn) -> list[bytes]:
                answered = upload.put(turn)
                self._relay.heard(caller, to, turn, answered.headers)
                self._relay.memory.note(to.handle, turn.node.incarnation)
                return answered.value

            for result in self._relay.run(caller, to, send):
                writer.write(pa.py_buffer(result))

        self._answer(context, answer)

    def do_action(
        self, context: flight.ServerCallContext, action: flight.Action
    ) -> Iterator[bytes]:
        """Pass an action on."""
        name, body = action.type, action.body.to_pybytes()

        def answer(caller: Caller) -> list[bytes]:
            to = destinations.of_action(name, body, caller.who, self._relay.knows)
            to = self._remembered(to)
            if name not in _ENDING:
                self._admitted(to)

            def ask(turn: Turn) -> list[bytes]:
                turn.begins()
                answered = turn.channel.action(action, turn.sent)
                self._relay.heard(caller, to, turn, answered.headers)
                if name == "BeginTransaction":
                    self._relay.memory.note(to.session, turn.node.incarnation)
                return answered.value

            try:
                if name == CANCEL_ACTION:
                    known = self._relay.everywhere(partial(_told, action, caller.sent))
                    if known is not None:
                        return known
                return self._relay.run(caller, to, ask)
            finally:
                # However it ends: a transaction that is lost is over as well.
                if name == "EndTransaction":
                    self._relay.memory.forget(to.session)

        return iter(self._answer(context, answer))

    def list_actions(self, context: flight.ServerCallContext) -> Any:
        """Every action that a node knows."""

        def answer(caller: Caller) -> list[Any]:
            to = self._admitted(Destination(StatementKind.BEGIN))
            return self._relay.run(caller, to, lambda turn: turn.channel.actions(turn.sent).value)

        return self._answer(context, answer)

    def list_flights(
        self, context: flight.ServerCallContext, criteria: Any
    ) -> Iterator[flight.FlightInfo]:
        """What can be fetched by path."""

        def answer(caller: Caller) -> list[flight.FlightInfo]:
            to = self._admitted(self._destination(caller, b"", StatementKind.BEGIN))
            return self._relay.run(
                caller, to, lambda turn: turn.channel.flights(criteria, turn.sent).value
            )

        return iter(self._answer(context, answer, answers.cancelled_within_stream))

    def do_exchange(
        self,
        context: flight.ServerCallContext,
        descriptor: flight.FlightDescriptor,
        reader: flight.MetadataRecordBatchReader,
        writer: flight.MetadataRecordBatchWriter,
    ) -> None:
        """Pass a query over uploaded data on: what comes first, then what is answered."""

        def answer(caller: Caller) -> None:
            command = descriptor.command or b""
            to = self._admitted(self._destination(caller, command, StatementKind.BEGIN))
            upload = PassingUpload(caller, descriptor, reader)
            result = self._relay.run(caller, to, upload.exchanged, keep=True)
            _passing(context).at_end.append(result.close)
            caller.answer(back(result.headers))
            key = self._relay.watcher.watch(caller.gone, result.cancel)
            _passing(context).at_end.append(lambda: self._relay.watcher.forget(key))
            writer.begin(result.schema, options=_write_options(caller))
            failures: list[NodeRefused] = []
            for batch in result.batches(failures):
                writer.write_batch(batch)
            for failure in failures:
                self._relay.report(result.node, failure.failure)
                raise result.error(failure)

        self._answer(context, answer, answers.cancelled_within_stream)

    def _answer(
        self,
        context: flight.ServerCallContext,
        handler: Callable[[Caller], _T],
        convert: Callable[[Exception], Exception] = lambda error: error,
    ) -> _T:
        passing = _passing(context)
        try:
            self._enter(passing)
            caller = self._caller(context, passing)
            return handler(caller)
        except BaseException as exc:  # noqa: BLE001 - the border: nothing may pass unconverted
            refusal = answers.refusal(exc)
            if isinstance(exc, AuthenticationFailed):
                self._anonymous.forget(str(context.peer()))
            if isinstance(exc, FlightkeeperError):
                _log.info("call failed: %s: %s", type(exc).__name__, str(exc).partition("\n")[0])
            else:
                _log.exception("defect")
        for name, value in refusal.trailers:
            context.add_trailer(name, cast("Any", value))
        raise convert(refusal.error) from None

    def _enter(self, passing: Passing) -> None:
        with self._lock:
            self._running += 1
        passing.at_end.append(self._leave)

    def _leave(self) -> None:
        with self._lock:
            self._running -= 1

    def _admitted(self, to: Destination) -> Destination:
        """The same, if it may begin now: in a drain only what goes on with a transaction."""
        if self._draining and not to.pinned:
            raise Leaving("the gateway is leaving; nothing was run: connect again")
        return to

    def _caller(self, context: flight.ServerCallContext, passing: Passing) -> Caller:
        caller = Caller(context, passing.sent)
        if caller.authorization:
            return caller
        peer = context.peer()
        token = self._anonymous.token(str(peer), lambda: self._log_in_anonymously(caller))
        if not token:
            return caller
        return Caller(
            context,
            [*caller.sent, (AUTHORIZATION, token)],
            lambda newer: self._anonymous.note(str(peer), newer),
        )

    def _log_in_anonymously(self, caller: Caller) -> str:
        try:
            return self._relay.run(
                caller,
                Destination(StatementKind.BEGIN),
                lambda turn: turn.channel.handshake(PRINCIPAL, "").value,
            )
        except AuthenticationFailed:
            return ""

    def _destination(self, caller: Caller, command: bytes, kind: StatementKind) -> Destination:
        to = destinations.of_command(command, kind, caller.who, self._relay.knows)
        return self._remembered(to)

    def _put_destination(self, caller: Caller, command: bytes) -> Destination:
        message = _unpacked(command)
        binds = isinstance(message, sql.CommandPreparedStatementQuery)
        kind = StatementKind.BEGIN if binds else StatementKind.WRITE
        to = self._destination(caller, command, kind)
        if isinstance(message, sql.CommandStatementIngest) and not to.pinned:
            # What drivers send without naming their open transaction is part of it all the same.
            home = self._relay.memory.place(to.session)
            # Is that gone, the ingest is refused: elsewhere it would be committed on its own.
            to = replace(to, kind=StatementKind.TRANSACTION, pinned=home) if home else to
        return to if binds else replace(to, handle="")

    def _remembered(self, to: Destination) -> Destination:
        """The same, with what is remembered of where its caller left something."""
        if to.pinned or to.preferred:
            return to
        memory = self._relay.memory
        return replace(to, preferred=memory.place(to.handle) or memory.place(to.session))

    def _located(self, info: bytes, turn: Turn) -> bytes:
        if self._data is Data.PROXY:
            return info
        again = turn.read_only or turn.attempt.kind is StatementKind.BEGIN
        replicas = tuple(self._relay.others(turn.node)) if again else ()
        return directed(info, turn.node.location, replicas)


_ENDING = frozenset(
    {
        *("EndTransaction", "ClosePreparedStatement", "CloseSession"),
        *("CancelFlightInfo", "CancelQuery", "RenewFlightEndpoint", CANCEL_ACTION),
    }
)
"""Actions that only go on with what was begun."""


def _told(action: flight.Action, sent: Sequence[Pair], channel: NodeChannel) -> list[bytes]:
    return channel.action(action, sent, STOP_TIMEOUT_S).value


def _passing(context: flight.ServerCallContext) -> Passing:
    passing = context.get_middleware(MIDDLEWARE)
    assert isinstance(passing, Passing)
    return passing


def _as_read(turn: Turn) -> Sequence[Pair]:
    if not turn.read_only:
        return turn.sent
    return [*(p for p in turn.sent if p[0] != headers.READ_ONLY), (headers.READ_ONLY, "1")]


def _unpacked(command: bytes) -> object:
    try:
        return unpack(command)
    except MalformedMessage:
        return None


def _write_options(caller: Caller) -> pa.ipc.IpcWriteOptions:
    """As the client asked for it in a header; a session's wish is known to its node alone."""
    wanted = next((str(v) for n, v in caller.sent if n == _COMPRESSION), "none")
    codec: Any = wanted if wanted in {"lz4", "zstd"} else None
    return pa.ipc.IpcWriteOptions(compression=codec)
