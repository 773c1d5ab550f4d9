"""The transport: typed calls to one node, and the one place that knows pyarrow.flight.

Owns a Flight client per `Channel`, the headers of calls and answers, and the translation of
pyarrow's exceptions into `failures.CallFailed`. Knows nothing of nodes, plans or retries.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import pyarrow as pa
from pyarrow import flight

from flightkeeper.client.failures import CallFailed, Code, Failure, Kind, classify
from flightkeeper.flightsql import headers

AUTHORIZATION = "authorization"

CHANNEL_OPTIONS: Mapping[str, int] = {
    # A host that drops packets is given up after one second instead of twenty.
    "grpc.min_reconnect_backoff_ms": 1000,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    # A node that stopped without closing its sockets is noticed within seven seconds. Servers
    # close a connection on which only pings arrive (after about 80 s, "too many pings"), so the
    # pool lets no call be silent for longer than `pool.HEARTBEAT_S`.
    "grpc.keepalive_time_ms": 5000,
    "grpc.keepalive_timeout_ms": 2000,
    "grpc.http2.ping_timeout_ms": 2000,
}

OnAnswer = Callable[[Mapping[str, str]], None]
"""Called with the headers of every answer, from the thread that made the call."""


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What travels beside one call.

    Attributes:
        authorization: value of the header, or "" for none.
        timeout_s: for the whole call, streams included; None = no limit.
        marked: the end of what is uploaded is marked, so that a broken off upload is told from it.
        sent_before: another node may have run the statement; None = not to be said.
        options: further headers.
        on_answer: sees the headers of the answer, like the channel's own.
    """

    authorization: str = field(default="", repr=False)
    statement_id: str = ""
    read_only: bool = False
    timeout_s: float | None = None
    marked: bool = False
    sent_before: bool | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    on_answer: OnAnswer | None = None

    def to_flight(self) -> flight.FlightCallOptions:
        """As pyarrow wants it."""
        pairs = [
            (headers.STATEMENT_ID, self.statement_id),
            (AUTHORIZATION, self.authorization),
            # The next statement may run elsewhere, so none may leave something behind.
            (headers.STATELESS, "1"),
        ]
        if self.marked:
            # A pyarrow stream that is dropped half sent ends as if it were complete.
            pairs.append((headers.UPLOAD_MARKED, "1"))
        if self.sent_before is not None:
            pairs.append((headers.SENT_BEFORE, "1" if self.sent_before else "0"))
        pairs += self.options.items()
        if self.read_only:
            pairs.append((headers.READ_ONLY, "1"))
        # The stubs say text; bytes are wanted.
        sent: Any = [(name.encode(), value.encode()) for name, value in pairs if value]
        return flight.FlightCallOptions(timeout=self.timeout_s, headers=sent)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A part of a result.

    Attributes:
        locations: where it can be fetched; empty = from the node that was asked.
    """

    ticket: bytes
    locations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a result is fetched.

    Attributes:
        ordered: the rows are in an order, which is that of the endpoints.
    """

    schema: pa.Schema
    endpoints: tuple[Endpoint, ...]
    ordered: bool = False


def next_batch(reader: flight.FlightStreamReader) -> pa.RecordBatch | None:
    """The next batch of a stream, without what is metadata only; None at its end."""
    try:
        while True:
            batch = reader.read_chunk().data
            if batch is not None:
                return batch
    except StopIteration:
        return None


class Stream:
    """A running DoGet: batches of one schema, in order. `cancel` is thread-safe."""

    def __init__(self, reader: flight.FlightStreamReader, answer: "_Answer") -> None:
        self._reader = reader
        self._answer = answer
        self.schema: pa.Schema = reader.schema

    def read(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end of the complete result.

        Raises:
            CallFailed: the stream broke off or the node reported an error.
        """
        with _translated(lambda: self._answer):
            return next_batch(self._reader)

    def cancel(self) -> None:
        """Tell the node to stop; harmless when the stream has ended."""
        with suppress(pa.ArrowException, OSError):
            self._reader.cancel()


class Upload:
    """A running DoPut; marked, it is nothing to the node without `complete`."""

    def __init__(
        self,
        writer: flight.FlightStreamWriter,
        reader: Any,
        answer: "_Answer | None",
        *,
        marked: bool,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._answer = lambda: answer
        self._marked = marked

    def write(self, batch: pa.RecordBatch) -> None:
        """Send a batch; waits while the node takes no more.

        Raises:
            CallFailed: the node gave up, or is lost.
        """
        with _translated(self._answer):
            self._writer.write_batch(batch)

    def complete(self) -> bytes | None:
        """Say that this was all, and wait for the node's answer; None = it gave none.

        Raises:
            CallFailed: the node did not do it, or its answer was lost.
        """
        with _translated(self._answer):
            if self._marked:
                self._writer.write_metadata(pa.py_buffer(headers.UPLOAD_COMPLETE))
            self._writer.done_writing()
            result = self._reader.read()
            self._writer.close()
            # Nothing is an answer too: a count of zero.
            return None if result is None else bytes(result)

    def close(self) -> None:
        """Frees the call. Idempotent, and harmless after `complete`."""
        # The error at hand says more than that of closing.
        with suppress(pa.ArrowException, OSError):
            self._writer.close()


class Channel:
    """One connection to one node, made when first used. Thread-safe; HTTP/2 multiplexes calls."""

    def __init__(
        self,
        location: str,
        *,
        tls_roots: bytes | None = None,
        shows_login: bool = True,
        on_answer: OnAnswer | None = None,
        middleware: Sequence[flight.ClientMiddlewareFactory] = (),
    ) -> None:
        """Prepare a connection.

        Args:
            location: Flight URI, `grpc://host:port` or `grpc+tls://host:port`.
            tls_roots: PEM certificates to trust instead of the system's.
            shows_login: passwords and tokens may be sent there; calls that would fail otherwise.
            on_answer: sees the headers of every answer.
            middleware: further, for who makes calls of its own.

        Raises:
            CallFailed: the location is not such a URI.
        """
        self.location = location
        self._shows_login = shows_login
        self._answers = _Answers(on_answer or (lambda _headers: None))
        # Guards the two below.
        self._lock = threading.Lock()
        self._calls = 0
        self._closed = False
        try:
            self._client = flight.FlightClient(
                location,
                tls_root_certs=cast("Any", tls_roots),  # the stubs say text; bytes are wanted
                middleware=[self._answers, *middleware],
                generic_options=list(CHANNEL_OPTIONS.items()),
            )
        except pa.ArrowException as exc:
            message = f"its address {location!r} is of no kind known here; nothing was sent"
            raise CallFailed(Failure(Kind.NOT_SENT, message)) from exc

    def login(self, user: str, password: str, settings: CallSettings) -> str:
        """Trade user and password for the value of an authorization header."""
        self._check_trust()
        with self._calling(settings):
            # The stubs say text; pyarrow answers bytes.
            pair: Any = self._client.authenticate_basic_token(user, password, settings.to_flight())
        token = _text(pair[1])
        if not token:
            raise CallFailed(Failure(Kind.UNAUTHENTICATED, "the node answered without a token"))
        return token

    def plan(self, command: bytes, settings: CallSettings) -> Plan:
        """GetFlightInfo: where the result of a packed command can be fetched."""
        descriptor = flight.FlightDescriptor.for_command(command)
        with self._calling(settings):
            info = self._client.get_flight_info(descriptor, self._options(settings))
            endpoints = tuple(
                Endpoint(e.ticket.ticket, tuple(uri.uri.decode() for uri in e.locations))
                for e in info.endpoints
            )
            return Plan(info.schema, endpoints, bool(info.ordered))

    def open(self, ticket: bytes, settings: CallSettings) -> Stream:
        """DoGet: returns when the schema has arrived."""
        with self._calling(settings):
            reader = self._client.do_get(flight.Ticket(ticket), self._options(settings))
            answer = self._answers.last()
            assert answer is not None
            return Stream(reader, answer)

    def put(
        self, command: bytes, settings: CallSettings, rows: pa.RecordBatch | None = None
    ) -> bytes | None:
        """DoPut: send a packed command and at most one batch; the node's answer, if it gave one."""
        upload = self.upload(command, pa.schema([]) if rows is None else rows.schema, settings)
        try:
            if rows is not None:
                upload.write(rows)
            return upload.complete()
        finally:
            upload.close()

    def upload(self, command: bytes, schema: pa.Schema, settings: CallSettings) -> Upload:
        """DoPut: send a packed command and begin to send batches of a schema."""
        descriptor = flight.FlightDescriptor.for_command(command)
        with self._calling(settings):
            # The stubs confuse the two readers of pyarrow.
            writer, reader = self._client.do_put(descriptor, schema, self._options(settings))
            return Upload(writer, reader, self._answers.last(), marked=settings.marked)

    def act(self, action: str, body: bytes, settings: CallSettings) -> list[bytes]:
        """DoAction: the bodies of all results."""
        with self._calling(settings):
            results = self._client.do_action(flight.Action(action, body), self._options(settings))
            return [result.body.to_pybytes() for result in results]

    def close(self) -> None:
        """Let go of the connection; calls that still run keep it until they end. Idempotent."""
        with self._lock:
            due = not self._closed and not self._calls
            self._closed = True
        if due:
            self._client.close()

    def _options(self, settings: CallSettings) -> flight.FlightCallOptions:
        if settings.authorization:
            self._check_trust()
        return settings.to_flight()

    def _check_trust(self) -> None:
        if not self._shows_login:
            message = (
                f"its address {self.location} is plain text, so no login is shown there; nothing"
                " was sent: let the node use TLS, or allow it with transport=tcp in the URL"
            )
            raise CallFailed(Failure(Kind.NOT_SENT, message))

    @contextmanager
    def _using(self) -> Iterator[None]:
        """Keep the client open: pyarrow ends the process where it is closed under a beginning call.

        Heartbeats, and the wish to stop a statement, are no call's own: nobody else waits for them.
        """
        with self._lock:
            if self._closed:
                raise CallFailed(Failure(Kind.NOT_SENT, "the connection was given up before"))
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1
                due = self._closed and not self._calls
            if due:
                self._client.close()

    @contextmanager
    def _calling(self, settings: CallSettings) -> Iterator[None]:
        self._answers.begin(settings.on_answer)
        with self._using(), _translated(self._answers.last):
            yield


class _Answer(flight.ClientMiddleware):
    """The headers and trailers of one call's answer, as they arrive."""

    def __init__(self, *on_answer: OnAnswer | None) -> None:
        self.marks: dict[str, str] = {}
        self._on_answer = [listener for listener in on_answer if listener is not None]

    def received_headers(self, headers: Mapping[str, Sequence[str | bytes]]) -> None:
        """Called with the headers, then with the trailers, also when the call fails."""
        arrived = {name: _text(values[0]) for name, values in headers.items() if values}
        self.marks.update(arrived)
        for listener in self._on_answer:
            listener(arrived)


class _Answers(flight.ClientMiddlewareFactory):
    """Ties the answer's headers to the call: both ends of a call are on the caller's thread."""

    def __init__(self, on_answer: OnAnswer) -> None:
        self._on_answer = on_answer
        self._local = threading.local()

    def start_call(self, info: flight.CallInfo) -> _Answer:
        """Called by pyarrow within each call."""
        del info
        answer = _Answer(self._on_answer, getattr(self._local, "on_answer", None))
        self._local.answer = answer
        return answer

    def begin(self, on_answer: OnAnswer | None) -> None:
        """A new call of this thread begins."""
        self._local.on_answer = on_answer
        self._local.answer = None

    def last(self) -> _Answer | None:
        """The answer to this thread's last call, if it came as far as being made."""
        answer: _Answer | None = getattr(self._local, "answer", None)
        return answer


CODES: tuple[tuple[type[Exception], Code], ...] = (
    (flight.FlightUnavailableError, Code.UNAVAILABLE),
    (flight.FlightUnauthenticatedError, Code.UNAUTHENTICATED),
    (flight.FlightUnauthorizedError, Code.PERMISSION_DENIED),
    (flight.FlightTimedOutError, Code.DEADLINE_EXCEEDED),
    (flight.FlightCancelledError, Code.CANCELLED),
    (flight.FlightInternalError, Code.INTERNAL),
    (pa.ArrowNotImplementedError, Code.UNIMPLEMENTED),
    (pa.ArrowKeyError, Code.NOT_FOUND),
    (pa.ArrowInvalid, Code.INVALID_ARGUMENT),
)


@contextmanager
def _translated(answer: Callable[[], _Answer | None]) -> Iterator[None]:
    try:
        yield
    # pyarrow raises OSError for IO statuses; all its others derive from ArrowException.
    except (pa.ArrowException, OSError) as exc:
        code = next((code for kind, code in CODES if isinstance(exc, kind)), Code.UNKNOWN)
        answered = answer()
        marks = {} if answered is None else answered.marks
        raise CallFailed(classify(code, str(exc), marks)) from exc


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")
