"""A node as a gateway sees it: calls passed on as they came, answers and errors kept as they are.

The transport's channel with the calls of a gateway: nothing is packed or unpacked here. Every call
ends in an answer with all its headers, or in `NodeRefused`, which keeps the node's own error.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import pyarrow as pa
from pyarrow import flight

from flightkeeper.client.failures import CallFailed, Code, Failure, Kind, classify
from flightkeeper.client.gateway.passing import AUTHORIZATION, Pair
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import LOGIN_TIMEOUT_S
from flightkeeper.client.transport import CODES, CallSettings, Channel, next_batch
from flightkeeper.discovery.records import Instance
from flightkeeper.flightsql.headers import LOAD

T = TypeVar("T")


class NodeRefused(CallFailed):
    """A call to a node failed.

    Attributes:
        original: pyarrow's exception.
        answered: headers and trailers of the node's answer; without any it did not answer.
    """

    def __init__(
        self, failure: Failure, original: Exception, answered: Sequence[Pair] = ()
    ) -> None:
        super().__init__(failure)
        self.original = original
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """What a node answered, and the headers that came with it."""

    value: T
    headers: Sequence[Pair]


class NodeChannel(Channel):
    """One connection to one node. Thread-safe."""

    def __init__(
        self,
        instance: Instance,
        loads: Loads,
        *,
        tls_roots: bytes | None,
        shows_login: bool,
        wary: bool = False,
    ) -> None:
        """Prepare a connection.

        Args:
            loads: told what the node reports.
            tls_roots: PEM certificates to trust instead of the system's.
            shows_login: passwords and tokens may be sent there; calls that would fail otherwise.
            wary: where no login may be shown, nothing else is sent either.
        """
        self._wary = wary
        self._heard = _Heard(instance.node_id, loads)
        super().__init__(
            instance.location,
            tls_roots=tls_roots,
            shows_login=shows_login,
            middleware=[self._heard],
        )

    def info(self, descriptor: flight.FlightDescriptor, sent: Sequence[Pair]) -> Answered[bytes]:
        """GetFlightInfo; the answer serialized."""
        return self._call(lambda o: self._client.get_flight_info(descriptor, o).serialize(), sent)

    def schema(self, descriptor: flight.FlightDescriptor, sent: Sequence[Pair]) -> Answered[Any]:
        """GetSchema."""
        return self._call(lambda o: self._client.get_schema(descriptor, o), sent)

    def action(
        self, action: flight.Action, sent: Sequence[Pair], timeout_s: float | None = None
    ) -> Answered[list[bytes]]:
        """DoAction; all results."""
        return self._call(
            lambda o: [r.body.to_pybytes() for r in self._client.do_action(action, o)],
            sent,
            timeout_s,
        )

    def actions(self, sent: Sequence[Pair]) -> Answered[list[Any]]:
        """ListActions."""
        return self._call(lambda o: list(self._client.list_actions(o)), sent)

    def flights(self, criteria: bytes, sent: Sequence[Pair]) -> Answered[list[flight.FlightInfo]]:
        """ListFlights."""
        return self._call(lambda o: list(self._client.list_flights(cast("Any", criteria), o)), sent)

    def get(self, ticket: flight.Ticket, sent: Sequence[Pair]) -> "Download":
        """DoGet: returns when the schema has arrived."""
        opened = self._call(lambda o: self._client.do_get(ticket, o), sent)
        return Download(opened.value, self._heard.last())

    def begin_put(
        self, descriptor: flight.FlightDescriptor, schema: pa.Schema, sent: Sequence[Pair]
    ) -> "Upload":
        """DoPut: begin to send batches."""
        opened = self._call(lambda o: self._client.do_put(descriptor, schema, o), sent)
        writer, reader = opened.value
        return Upload(writer, reader, self._heard.last())

    def begin_exchange(
        self, descriptor: flight.FlightDescriptor, schema: pa.Schema, sent: Sequence[Pair]
    ) -> "Exchange":
        """DoExchange: begin to send batches."""
        opened = self._call(lambda o: self._client.do_exchange(descriptor, o), sent)
        writer, reader = opened.value
        exchange = Exchange(writer, reader, self._heard.last())
        exchange.begin(schema)
        return exchange

    def handshake(self, user: str, password: str) -> Answered[str]:
        """Handshake: the value of the authorization header that the node answers."""
        self._check_trust()
        self._heard.begin()
        options = flight.FlightCallOptions(timeout=LOGIN_TIMEOUT_S)
        with self._using(), translated(self._heard.last):
            # The stubs say text; pyarrow answers bytes.
            pair: Any = self._client.authenticate_basic_token(user, password, options)
        return Answered(pair[1].decode(), self._heard.last().headers)

    def _options(self, settings: CallSettings) -> flight.FlightCallOptions:
        """Of the calls that are the gateway's own: probes, and telling a node to stop."""
        if self._wary:
            self._check_trust()
        return super()._options(settings)

    def _call(
        self,
        call: Callable[[flight.FlightCallOptions], T],
        sent: Sequence[Pair],
        timeout_s: float | None = None,
    ) -> Answered[T]:
        if self._wary or any(name == AUTHORIZATION for name, _ in sent):
            self._check_trust()
        self._heard.begin()
        # The stubs say text; bytes are wanted.
        pairs: Any = [(n.encode(), v if isinstance(v, bytes) else v.encode()) for n, v in sent]
        options = flight.FlightCallOptions(timeout=timeout_s, headers=pairs)
        with self._using(), translated(self._heard.last):
            value = call(options)
        return Answered(value, self._heard.last().headers)


class Download:
    """A running DoGet. `cancel` is thread-safe."""

    def __init__(
        self, reader: flight.FlightStreamReader, hearing: "Hearing", writer: object = None
    ) -> None:
        """`writer` is kept as long as the stream runs."""
        self._reader = reader
        self._writer = writer
        self._hearing = hearing
        self.schema: pa.Schema = reader.schema

    @property
    def headers(self) -> Sequence[Pair]:
        """What the node answered so far."""
        return self._hearing.headers

    def read(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end of the complete result.

        Raises:
            NodeRefused: the stream broke off or the node reported an error.
        """
        with translated(lambda: self._hearing):
            return next_batch(self._reader)

    def cancel(self) -> None:
        """Tell the node to stop; harmless when the stream has ended."""
        with suppress(pa.ArrowException, OSError):
            self._reader.cancel()


class Upload:
    """A running DoPut."""

    def __init__(self, writer: Any, reader: Any, hearing: "Hearing") -> None:
        self._writer = writer
        self._reader = reader
        self._hearing = hearing

    def write(self, batch: pa.RecordBatch | None, metadata: Any) -> None:
        """Send what a client sent; waits while the node takes no more.

        Raises:
            NodeRefused: the node gave up, or is lost.
        """
        with translated(lambda: self._hearing):
            if batch is None:
                self._writer.write_metadata(metadata)
            elif metadata is None:
                self._writer.write_batch(batch)
            else:
                self._writer.write_with_metadata(batch, metadata)

    def finish(self) -> Answered[list[bytes]]:
        """Say that this was all, and wait for all the node answers.

        Raises:
            NodeRefused: the node did not do it, or its answer was lost.
        """
        with translated(lambda: self._hearing):
            self._writer.done_writing()
            results = []
            while (result := self._reader.read()) is not None:
                results.append(bytes(result))
            self._writer.close()
        return Answered(results, self._hearing.headers)

    def close(self) -> None:
        """Frees the call. Idempotent, and harmless after `finish`."""
        # The error at hand says more than that of closing.
        with suppress(pa.ArrowException, OSError):
            self._writer.close()


class Exchange(Upload):
    """A running DoExchange: first all that is sent, then all that is answered."""

    def begin(self, schema: pa.Schema) -> None:
        """Say of which schema the batches are.

        Raises:
            NodeRefused: the node gave up, or is lost.
        """
        with translated(lambda: self._hearing):
            self._writer.begin(schema)

    def answer(self) -> Download:
        """Say that this was all; returns when the schema of the answer has arrived.

        Raises:
            NodeRefused: the node did not do it.
        """
        with translated(lambda: self._hearing):
            self._writer.done_writing()
            # Who drops the writer before the end is reached ends the call.
            return Download(self._reader, self._hearing, self._writer)


class Hearing(flight.ClientMiddleware):
    """The headers and trailers of one call's answer, all of their values, as they arrive."""

    def __init__(self, node_id: str, loads: Loads) -> None:
        self.headers: list[Pair] = []
        self._node_id = node_id
        self._loads = loads

    def received_headers(self, headers: Any) -> None:
        """Called with the headers, then with the trailers, also when the call fails."""
        self.headers += [(name, value) for name, values in headers.items() for value in values]
        load = (headers.get(LOAD) or ("",))[0]
        if str(load).isdecimal():
            self._loads.report(self._node_id, int(load))


class _Heard(flight.ClientMiddlewareFactory):
    """Ties an answer's headers to the call: both ends of a call are on the caller's thread."""

    def __init__(self, node_id: str, loads: Loads) -> None:
        self._node_id = node_id
        self._loads = loads
        self._local = threading.local()

    def start_call(self, info: flight.CallInfo) -> Hearing:
        """Called by pyarrow within each call."""
        del info
        self._local.hearing = hearing = Hearing(self._node_id, self._loads)
        return hearing

    def begin(self) -> None:
        """A new call of this thread begins."""
        self._local.hearing = Hearing(self._node_id, self._loads)

    def last(self) -> Hearing:
        """The answer to this thread's last call."""
        hearing: Hearing = self._local.hearing
        return hearing


@contextmanager
def translated(hearing: Callable[[], Hearing]) -> Iterator[None]:
    """Turns pyarrow's errors into `NodeRefused`."""
    try:
        yield
    # pyarrow raises OSError for IO statuses; all its others derive from ArrowException.
    except (pa.ArrowException, OSError) as exc:
        code = next((code for kind, code in CODES if isinstance(exc, kind)), Code.UNKNOWN)
        answered = hearing().headers
        marks = {n: v if isinstance(v, str) else v.decode(errors="replace") for n, v in answered}
        raise NodeRefused(classify(code, str(exc), marks), exc, answered) from exc


def sign_of_life(channel: Channel, action: str, timeout_s: float) -> Failure | None:
    """Ask a node for one, in bounded time; None = it works.

    That it wants a login is a sign of life.
    """
    try:
        channel.act(action, b"", CallSettings(timeout_s=timeout_s))
    except CallFailed as exc:
        return None if exc.failure.kind is Kind.UNAUTHENTICATED else exc.failure
    return None
