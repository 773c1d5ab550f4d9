"""The one Flight server: unpack, find the handler in the tables, translate errors.

Every RPC goes through `_answer`, the only place where errors meet the wire.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import pyarrow as pa
import structlog
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.call import Call, call_of
from flightkeeper.flight_server.engine.result import Batches, Result
from flightkeeper.flight_server.errors import (
    DEFECT,
    Cancelled,
    Internal,
    InvalidArgument,
    NodeError,
    Unavailable,
    Unimplemented,
    details_for,
    to_untraced,
    to_wire,
)
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flight_server.options import COMPRESSIONS
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.cancellation import CancelWatcher
from flightkeeper.flightsql.messages import MalformedMessage, parse, unpack
from flightkeeper.flightsql.statuses import STATUS_DETAILS
from flightkeeper.flightsql.tickets import ForgedHandle
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Path

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)
_QUOTED = re.compile(r"'(?:[^']|'')*'?")

_CODECS: Mapping[str, Any] = {name: name for name in COMPRESSIONS} | {"none": None}
_WRITE_OPTIONS = {
    name: pa.ipc.IpcWriteOptions(compression=codec) for name, codec in _CODECS.items()
}


class FlightSqlService(flight.FlightServerBase):
    """Serves Flight SQL by the tables it is given. Listens from construction on."""

    def __init__(
        self,
        routes: Routes,
        admission: Admission,
        watcher: CancelWatcher,
        compression: Callable[[Call], str],
        heard: Callable[[Call], None],
        **server: Any,
    ) -> None:
        """Listen.

        Args:
            heard: told of every call before it is served; raises NodeError to refuse it.
            compression: what a caller wants its batches compressed with.
            server: goes to pyarrow: location, certificates, middleware.
        """
        self._routes = routes
        self._admission = admission
        self._watcher = watcher
        self._compression = compression
        self._heard = heard
        super().__init__(**server)

    def get_flight_info(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        """Plan a command."""

        def answer(call: Call) -> flight.FlightInfo:
            command = _command(descriptor)
            handler = _found(self._routes.flight_info, command)
            info: flight.FlightInfo = handler(call, command, descriptor)
            self._report(call)
            return info

        return self._answer(context, answer)

    def get_schema(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> Any:
        """The schema a command would answer with, as a `SchemaResult`."""

        def answer(call: Call) -> flight.SchemaResult:
            command = _command(descriptor)
            return flight.SchemaResult(_found(self._routes.schema, command)(call, command))

        return self._answer(context, answer, convert=to_untraced)

    def do_get(
        self, context: flight.ServerCallContext, ticket: flight.Ticket
    ) -> flight.FlightDataStream:
        """Deliver a ticket's result."""

        def answer(call: Call) -> flight.FlightDataStream:
            message = unpack(ticket.ticket)
            result = _found(self._routes.get, message)(call, message)
            # A stream that is dropped before its first batch never enters its generator.
            call.at_end(result.close)
            return self._stream(result, _write_options(self._compression(call)))

        return self._answer(context, answer)

    def do_put(
        self,
        context: flight.ServerCallContext,
        descriptor: flight.FlightDescriptor,
        reader: flight.MetadataRecordBatchReader,
        writer: flight.FlightMetadataWriter,
    ) -> None:
        """Take parameters or run an update; the answer is written last, when nothing can fail."""

        def answer(call: Call) -> None:
            command = _command(descriptor)
            result = _found(self._routes.put, command)(call, command, reader)
            self._report(call)
            try:
                writer.write(pa.py_buffer(result.SerializeToString()))
            except (OSError, pa.ArrowException) as exc:
                if call.cancelled:
                    raise Cancelled("the caller left before it was told; it took effect") from exc
                raise

        self._answer(context, answer)

    def do_action(
        self, context: flight.ServerCallContext, action: flight.Action
    ) -> Iterator[bytes]:
        """Run an action."""
        route = self._routes.actions.get(action.type)

        def answer(call: Call) -> list[bytes]:
            if route is None:
                raise Unimplemented(f"there is no action {action.type[:80]!r} here")
            results = list(route.handler(call, _action_body(route, action.body.to_pybytes())))
            self._report(call)
            return results

        return iter(self._answer(context, answer, silent=route is not None and route.silent))

    def list_actions(self, context: flight.ServerCallContext) -> Any:
        """Every action that `do_action` knows."""
        del context
        return [(name, action.description) for name, action in self._routes.actions.items()]

    def list_flights(
        self, context: flight.ServerCallContext, criteria: Any
    ) -> Iterator[flight.FlightInfo]:
        """What can be fetched by path."""

        def answer(call: Call) -> list[flight.FlightInfo]:
            return list(self._routes.flights[""](call, _text(criteria)))

        return iter(self._answer(context, answer, convert=_to_stream))

    def do_exchange(
        self,
        context: flight.ServerCallContext,
        descriptor: flight.FlightDescriptor,
        reader: flight.MetadataRecordBatchReader,
        writer: flight.MetadataRecordBatchWriter,
    ) -> None:
        """Answer a stream with a stream."""

        def answer(call: Call) -> None:
            command = _command(descriptor)
            result = _found(self._routes.exchange, command)(call, command, reader)
            writer.begin(result.schema, options=_write_options(self._compression(call)))
            for batch in result:
                writer.write_batch(batch)

        self._answer(context, answer, convert=_to_stream)

    def _stream(self, result: Result, options: pa.ipc.IpcWriteOptions) -> flight.FlightDataStream:
        """An answer that is whole already needs no Python any more while it is delivered."""
        if result.rows is not None:
            table = pa.Table.from_batches(list(result), result.schema)
            return flight.RecordBatchStream(table, options)
        return flight.GeneratorStream(result.schema, self._delivered(result, options), options)

    def _delivered(
        self, result: Result, options: pa.ipc.IpcWriteOptions
    ) -> Iterator[flight.FlightDataStream]:
        """The batches, then the error they ended with, if any.

        One stream within the stream, because that is written without Python's lock and with each
        dictionary once; and its errors apart, because only those of a generator keep their code.
        """
        failures: list[BaseException] = []
        batches = pa.RecordBatchReader.from_batches(result.schema, _apart(result, failures))
        yield flight.RecordBatchStream(batches, options)
        for failure in failures:
            error = self._node_error(failure)
            _log.info("result failed", error=type(error).__name__, text=_first_line(error))
            raise _to_stream(error) from None

    def _node_error(self, exc: BaseException) -> NodeError:
        error = _node_error(exc)
        if isinstance(error, Cancelled) and self._admission.ended:
            return Unavailable("the node ended before the statement did; ask another node")
        return error

    def _report(self, call: Call) -> None:
        call.answer_header(headers.LOAD, str(self._admission.running))
        if (told := call.middleware.commit_told) is not None:
            call.answer_header(headers.COMMIT_TOLD, "1" if told else "0")

    def _answer(
        self,
        context: flight.ServerCallContext,
        handler: Callable[[Call], _T],
        convert: Callable[[NodeError], Exception] = to_wire,
        *,
        silent: bool = False,
    ) -> _T:
        call = call_of(context, self._watcher)
        try:
            if not silent:
                self._heard(call)
            return handler(call)
        except BaseException as exc:  # noqa: BLE001 - the border: nothing may pass unconverted
            error = self._node_error(exc)
        _log.info(
            "call failed",
            error=type(error).__name__,
            text=_first_line(error),
            statement=call.middleware.statement_id,
            principal=call.identity.principal,
        )
        _mark(context, error, call)
        raise convert(error) from None


def _command(descriptor: flight.FlightDescriptor) -> Message:
    if descriptor.descriptor_type == flight.DescriptorType.PATH:
        return Path(path=[_text(part) for part in descriptor.path or ()])
    return unpack(descriptor.command or b"")


def _action_body(route: Action, body: bytes) -> Message:
    if not route.packed:
        return parse(route.request, body)
    message = unpack(body)
    if not isinstance(message, route.request):
        raise InvalidArgument(
            f"the action wants a {route.request.DESCRIPTOR.name}, not a {message.DESCRIPTOR.name}"
        )
    return message


def _found(table: Any, message: Message) -> Any:
    handler = table.get(type(message))
    if handler is None:
        raise Unimplemented(f"{message.DESCRIPTOR.name} is not served here")
    return handler


def _apart(batches: Iterable[pa.RecordBatch], failures: list[BaseException]) -> Batches:
    """The batches up to their error, which goes to `failures`."""
    try:
        yield from batches
    except GeneratorExit:
        raise
    except BaseException as exc:  # noqa: BLE001 - converted by who looks into `failures`
        failures.append(exc)


def _node_error(exc: BaseException) -> NodeError:
    match exc:
        case NodeError():
            return exc
        case MalformedMessage() | ForgedHandle():
            return InvalidArgument(str(exc))
        case _:
            _log.error("defect", exc_info=exc)
            return Internal(DEFECT)


def _first_line(error: NodeError) -> str:
    """What of an error is for the log.

    The engine's later lines quote the statement, and its first may quote a value: either may be
    secret.
    """
    return _QUOTED.sub("'…'", str(error).partition("\n")[0])


def _mark(context: flight.ServerCallContext, error: NodeError, call: Call) -> None:
    """Tell programs more than the gRPC code does."""
    if (details := details_for(error, call.user_agent)) is not None:
        binary: Any = details  # its stubs know texts only
        name = headers.FORWARDED_DETAILS if call.forwarded else STATUS_DETAILS
        context.add_trailer(name, binary)
    if error.reason is not None:
        context.add_trailer(headers.REASON, error.reason.value)
    if error.retry_after_ms is not None:
        context.add_trailer(headers.RETRY_AFTER_MS, str(error.retry_after_ms))


def _write_options(compression: str) -> pa.ipc.IpcWriteOptions:
    return _WRITE_OPTIONS[compression]


def _to_stream(error: NodeError) -> Exception:
    """Like `to_wire`; but pyarrow's clients take CANCELLED in a stream for Ctrl-C."""
    return to_untraced(error) if isinstance(error, Cancelled) else to_wire(error)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise InvalidArgument("a path or expression is not UTF-8") from exc
