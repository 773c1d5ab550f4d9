"""The endpoints of a result, opened where they live: one after the other, or side by side.

Owns the channels that fetching needs beside that of the attempt, and the threads that fetch side by
side. Any location of an endpoint is as good as the others; the next is asked when one fails before
its schema has arrived.
"""

import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import pyarrow as pa

from flightkeeper.client.attempts import Attempt
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.pool import Lease, Pool
from flightkeeper.client.transport import CallSettings, Endpoint, Stream
from flightkeeper.discovery.records import Instance

REUSE_CONNECTION = "arrow-flight-reuse-connection://?"

QUEUE_BATCHES = 2
"""Batches that wait for each thread that fetches."""
_WAIT_S = 0.1
JOIN_TIMEOUT_S = 5.0

# Elsewhere the same would come of it.
_FINAL = frozenset({Kind.TIMED_OUT, Kind.CANCELLED, Kind.DENIED, Kind.UNAUTHENTICATED})


class _Opened:
    """A stream and the lease of the node it comes from."""

    def __init__(self, stream: Stream, lease: Lease) -> None:
        self.stream = stream
        self._lease = lease

    def close(self, *, broken: bool = False) -> None:
        self._lease.broken = self._lease.broken or broken
        self._lease.release()


def _open(endpoint: Endpoint, here: Instance, settings: CallSettings, pool: Pool) -> _Opened:
    """Open an endpoint at the first of its locations that answers.

    Raises:
        CallFailed: none did; what the last one said.
    """
    places = list(_places(endpoint.locations, here))
    for place in places:
        try:
            return _opened(endpoint, pool.lease(place), settings)
        except CallFailed as exc:
            if place is places[-1] or exc.failure.kind in _FINAL:
                raise
    raise AssertionError("an endpoint is somewhere")


def _opened(endpoint: Endpoint, lease: Lease, settings: CallSettings) -> _Opened:
    """Open an endpoint over a lease, which is given back if that fails."""
    try:
        return _Opened(lease.channel.open(endpoint.ticket, settings), lease)
    except BaseException as exc:
        if isinstance(exc, CallFailed):
            lease.broken = exc.failure.kind in {Kind.BROKEN, Kind.NOT_SENT}
        lease.release()
        raise


def _places(locations: Sequence[str], here: Instance) -> Iterator[Instance]:
    """Where an endpoint can be had, in order. Spec: any listed location is equivalent."""
    if not locations or REUSE_CONNECTION in locations or here.location in locations:
        # There is a connection to it.
        yield here
    for location in locations:
        if location not in {REUSE_CONNECTION, here.location}:
            yield Instance("", location, location, "")


class InOrder:
    """Opens a result's endpoints one after the other."""

    def __init__(self, attempt: Attempt, endpoints: Iterable[Endpoint], pool: Pool) -> None:
        self._attempt = attempt
        self._endpoints = iter(endpoints)
        self._pool = pool
        self._opened: _Opened | None = None

    def open_next(self) -> Stream | None:
        """The stream of the next endpoint, or None after the last."""
        self.close()
        endpoint = next(self._endpoints, None)
        if endpoint is None:
            return None
        here = self._attempt.lease.instance
        settings = self._attempt.settings(runs=True)
        if not endpoint.locations:
            return self._attempt.channel.open(endpoint.ticket, settings)
        self._opened = _open(endpoint, here, settings, self._pool)
        return self._opened.stream

    def close(self) -> None:
        """Give back the lease of another node. Idempotent."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()


class SideBySide:
    """Opens all endpoints of a result at once, as one stream."""

    def __init__(
        self, attempt: Attempt, endpoints: Sequence[Endpoint], pool: Pool, *, ordered: bool
    ) -> None:
        self._merged: Merged | None = Merged(attempt, endpoints, pool, ordered=ordered)
        self._to_open: Merged | None = self._merged

    def open_next(self) -> Stream | None:
        """The one stream, then None.

        Raises:
            CallFailed: an endpoint could not be opened.
        """
        merged, self._to_open = self._to_open, None
        if merged is not None:
            merged.start()
        return merged

    def close(self) -> None:
        """End the threads. Idempotent, bounded."""
        merged, self._merged = self._merged, None
        if merged is not None:
            merged.close()


class Merged(Stream):
    """Several endpoints as one stream; each is fetched by a thread of its own."""

    def __init__(
        self, attempt: Attempt, endpoints: Sequence[Endpoint], pool: Pool, *, ordered: bool
    ) -> None:
        self._stopped = threading.Event()
        settings = attempt.settings(runs=True)
        here = attempt.lease.instance
        # In order, each has a queue, read to its end; else all share one.
        shared = None if ordered else queue.Queue[Item](QUEUE_BATCHES * len(endpoints))
        self._fetches = [
            _Fetch(endpoint, here, settings, pool, shared or queue.Queue(QUEUE_BATCHES))
            for endpoint in endpoints
        ]
        self._left = list(self._fetches)

    def start(self) -> None:
        """Fetch, and wait for the schema.

        Raises:
            CallFailed: an endpoint could not be opened.
        """
        for number, fetch in enumerate(self._fetches):
            fetch.start(number, self._stopped)
        schemas = [fetch.opened() for fetch in self._fetches]
        self.schema = schemas[0]
        if any(schema != self.schema for schema in schemas):
            message = "the endpoints of the result have different schemas"
            raise CallFailed(Failure(Kind.INTERNAL, message))

    def read(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end of all endpoints.

        Raises:
            CallFailed: one of them broke off.
        """
        while self._left:
            item = self._taken(self._left[0].queue)
            if isinstance(item, CallFailed):
                raise item
            if item is not None:
                return item
            # In order, it is the end of the first; else one of them has ended, whichever.
            del self._left[0]
        return None

    def _taken(self, items: "queue.Queue[Item]") -> "Item":
        """The next one; a fetch that was stopped may leave no word."""
        while not self._stopped.is_set():
            with suppress(queue.Empty):
                return items.get(timeout=_WAIT_S)
        raise CallFailed(Failure(Kind.CANCELLED, "the result was closed"))

    def cancel(self) -> None:
        """Stop them all; harmless when they have ended."""
        self._stopped.set()
        for fetch in self._fetches:
            fetch.cancel()

    def close(self) -> None:
        """Stop them all, and wait for their threads. Idempotent, bounded."""
        self.cancel()
        for fetch in self._fetches:
            fetch.join()


Item = pa.RecordBatch | CallFailed | None
"""What a fetch puts on its queue: a batch, why it broke off, or its end."""


class _Fetch:
    """One endpoint and the thread that fetches it."""

    def __init__(
        self,
        endpoint: Endpoint,
        here: Instance,
        settings: CallSettings,
        pool: Pool,
        queue: "queue.Queue[Item]",
    ) -> None:
        self._endpoint = endpoint
        self._here = here
        self._settings = settings
        self._pool = pool
        self.queue = queue
        self._started = threading.Event()
        self._schema: pa.Schema | CallFailed | None = None
        self._stream: Stream | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, number: int, stopped: threading.Event) -> None:
        """Begin, until all is fetched or `stopped` is set.

        Raises:
            CallFailed: this process can have no more threads.
        """
        self._stopped = stopped
        name = f"flightkeeper-fetch_{number}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as exc:
            message = f"no thread could be started to fetch a part of the result ({exc})"
            raise CallFailed(Failure(Kind.REFUSED, message)) from exc
        # Only one that was started can be waited for.
        self._thread = thread

    def opened(self) -> pa.Schema:
        """Wait for the schema.

        Raises:
            CallFailed: it could not be opened.
        """
        self._started.wait()
        if isinstance(self._schema, CallFailed):
            raise self._schema
        assert self._schema is not None
        return self._schema

    def cancel(self) -> None:
        """Stop the stream, if it is open."""
        stream = self._stream
        if stream is not None:
            stream.cancel()

    def join(self) -> None:
        """Wait for the thread, within a bound."""
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT_S)

    def _run(self) -> None:
        opened: _Opened | None = None
        last: CallFailed | None = None
        try:
            opened = _open(self._endpoint, self._here, self._settings, self._pool)
            self._stream = opened.stream
            self._schema = opened.stream.schema
            self._started.set()
            self._deliver(opened.stream)
        except CallFailed as exc:
            last = exc
            self._schema = self._schema or exc
        except BaseException as exc:  # noqa: BLE001 - whatever it is, it is no end
            last = CallFailed(Failure(Kind.INTERNAL, f"reading met a defect: {type(exc).__name__}"))
            last.__cause__ = exc
            self._schema = self._schema or last
        finally:
            if opened is not None:
                opened.close(broken=last is not None and last.failure.kind is Kind.BROKEN)
            self._started.set()
            self._put(last)

    def _deliver(self, stream: Stream) -> None:
        while not self._stopped.is_set() and (batch := stream.read()) is not None:
            self._put(batch)
        if self._stopped.is_set():
            stream.cancel()
            raise CallFailed(Failure(Kind.CANCELLED, "the result was closed"))

    def _put(self, item: Item) -> None:
        while True:
            try:
                self.queue.put(item, timeout=_WAIT_S)
            except queue.Full:
                if self._stopped.is_set():
                    return
            else:
                return
