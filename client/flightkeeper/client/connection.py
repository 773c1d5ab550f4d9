"""The connection: what a user of the client holds, and the composition of its parts.

Owns the lives of pool, router and login, in this order of closing: results, router, pool. Knows
nothing of nodes or retries. Thread-safe: one connection serves any number of threads.
"""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Self
from weakref import WeakSet

import pyarrow as pa

from flightkeeper.client.attempts import Attempt, Attempts, Statement, Text
from flightkeeper.client.delivery import Delivery
from flightkeeper.client.errors import ConnectionClosed, InvalidUrl
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import CallFailed, Failure
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.options import Options, parse_url
from flightkeeper.client.pool import Pool
from flightkeeper.client.router import NodeStatus, Router
from flightkeeper.client.saved_topology import SavedTopology, cache_directory
from flightkeeper.client.transaction import Means, Transaction
from flightkeeper.client.transport import CallSettings, Channel
from flightkeeper.client.trust import may_show_login
from flightkeeper.discovery.errors import InvalidRegistryUrl
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Membership, open_registry
from flightkeeper.discovery.tls import RegistryTls
from flightkeeper.flightsql.headers import LOAD, PROBE_ACTION

PASSWORD_VARIABLE = "FLIGHTKEEPER_PASSWORD"  # noqa: S105  the name of a variable
PROBE_TIMEOUT_S = 1.0
"""A node that does not answer `SELECT 1` in this time is not one to send statements to."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a connection, in seconds.

    Attributes:
        connect_s: for finding the first node and logging in.
        statement_s: for a whole statement, its result included; None = no limit.
    """

    connect_s: float = 10.0
    statement_s: float | None = None


def connect(
    url: str,
    *,
    user: str | None = None,
    password: str | None = None,
    timeout_s: float = 10.0,
    statement_timeout_s: float | None = None,
    tls_roots: bytes | None = None,
    cache_dir: Path | None = None,
) -> "Connection":
    """Connect to a service: find its nodes, and log in if there is a user.

    Args:
        url: `flightsql+zk://h1:2181,h2:2181/chroot?service=NAME`, `flightsql+dir:///path?service=…`
            or `flightsql://h1:p1,h2:p2?transport=tcp`. A node that is registered with a plain text
            address of another machine is not shown a login, unless the URL says `transport=tcp`.
        user: who to log in as, if the URL does not say.
        password: of that user; by default taken from `FLIGHTKEEPER_PASSWORD`.
        timeout_s: how long to look for a first node.
        statement_timeout_s: default limit of a statement, its result included; None = no limit.
        tls_roots: PEM certificates to trust instead of the system's.
        cache_dir: where the list of nodes is kept for a start without the registry, by default
            `$XDG_CACHE_HOME/flightkeeper` or `~/.cache/flightkeeper`.

    Raises:
        InvalidUrl: the URL does not parse; names the part.
        NoNodeAvailable: no node is known, or none could be reached for the login.
        AuthenticationFailed: wrong user or password.
    """
    options = parse_url(url)
    login = Login(user or options.user, password or os.environ.get(PASSWORD_VARIABLE))
    directory = cache_dir or cache_directory(os.environ)
    saved = SavedTopology(directory, options.url) if options.registry_url else None
    connection = Connection(
        options,
        login,
        limits=Limits(timeout_s, statement_timeout_s),
        registry=_opened(options),
        saved=saved,
        tls_roots=tls_roots,
    )
    try:
        connection.open()
    except BaseException:
        connection.close()
        raise
    return connection


def _opened(options: Options) -> Membership | None:
    if not options.registry_url:
        return None
    try:
        return open_registry(options.registry_url, tls=RegistryTls.from_environment())
    except InvalidRegistryUrl as exc:
        raise InvalidUrl(options.url, exc.part, exc.reason) from exc


class Connection:
    """A service's nodes, used as one. Thread-safe; a context manager that closes itself."""

    def __init__(
        self,
        options: Options,
        login: Login,
        *,
        limits: Limits,
        registry: Membership | None = None,
        saved: SavedTopology | None = None,
        tls_roots: bytes | None = None,
    ) -> None:
        """Put the parts together; `connect` is the way to call this."""
        self._options = options
        self._login = login
        self._limits = limits
        self._registry = registry
        self._tls_roots = tls_roots
        rng = Random()  # noqa: S311  spreads load, guards nothing
        self._loads = Loads(time.monotonic)
        self._pool = Pool(self._open_channel, self._loads, time.monotonic)
        self._router = Router(
            options.service, self._pool, self._loads, self._probe, saved=saved, rng=rng
        )
        self._attempts = Attempts(self._router, self._pool, login, rng)
        # Guards the two below.
        self._lock = threading.Lock()
        self._results: WeakSet[Delivery] = WeakSet()
        self._closed = False
        self._process_id = os.getpid()

    def open(self) -> None:
        """Start the router, wait for the first node, and log in."""
        nodes = (_fixed(self._options.service, location) for location in self._options.locations)
        self._router.start(tuple(nodes), self._registry)
        self._router.wait_for_nodes(self._limits.connect_s)
        if self._login.named:
            statement = self._statement(StatementKind.BEGIN, self._limits.connect_s, None)
            self._attempts.run(statement, Attempt.settings)

    def query(
        self,
        sql: str,
        parameters: Sequence[Any] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> pa.RecordBatchReader:
        """Run a statement and return its result, when the first batch has arrived.

        A pure read goes to another node when its node fails before that. What is not a pure read
        is run once. Dropping the reader half read stops the statement.

        Args:
            parameters: values for the placeholders, in order.
            timeout_s: for the whole statement, reading its result included; None = the
                connection's default.

        Raises:
            FlightkeeperError: see `flightkeeper.client.errors`; reading the result raises
                `StreamInterrupted` when it breaks off.
        """
        statement = self._statement(StatementKind.READ, timeout_s, None)
        return self._deliver(Text(sql, parameters), statement)

    def execute(
        self,
        sql: str,
        parameters: Sequence[Any] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> int:
        """Run a statement that changes something; returns the affected rows, -1 = unknown.

        Raises:
            OutcomeUnknown: it was sent and the answer was lost; applied once or not at all.
            FlightkeeperError: any other; it had no effect.
        """
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        statement = self._statement(StatementKind.WRITE, timeout_s, None)
        text = Text(sql, parameters)
        return self._attempts.run(statement, lambda attempt: execution.update(attempt, text))

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run the block's statements in one transaction, on one node.

        Committed when the block ends, undone when it raises.

        Raises:
            SessionLost: the node is gone, and what was done in the block with it.
            OutcomeUnknown: the answer to the commit was lost.
        """
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        statement = self._statement(StatementKind.BEGIN, None, None)
        node, transaction_id = self._attempts.run(
            statement, lambda attempt: (attempt.lease.instance, execution.begin(attempt))
        )
        means = Means(self._attempts, self._statement, self._deliver)
        transaction = Transaction(means, node, transaction_id)
        try:
            yield transaction
        except BaseException:
            transaction.rollback()
            raise
        if not transaction.ended:
            transaction.commit()

    def nodes(self) -> tuple[NodeStatus, ...]:
        """What this connection knows of each node, in the order of their ids."""
        return self._router.nodes()

    def close(self) -> None:
        """Stop open results, the router and the channels. Idempotent, bounded.

        In a forked child nothing is stopped: all of it belongs to the parent.
        """
        if self._forked:
            self._closed = True
            return
        with self._lock:
            self._closed = True
            results = list(self._results)
        for result in results:
            result.cancel()
        self._router.close()
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self.nodes())} nodes"
        return f"<Connection {self._options.url!r}, {state}>"

    @property
    def _forked(self) -> bool:
        # Neither our threads nor gRPC's live on in a forked child: a call would wait for ever.
        return os.getpid() != self._process_id

    def _statement(
        self, kind: StatementKind, timeout_s: float | None, pinned: Instance | None
    ) -> Statement:
        if self._closed:
            raise ConnectionClosed("the connection is closed; nothing was run: connect again")
        if self._forked:
            raise ConnectionClosed(
                "the connection was made before this process was forked, and works in its parent"
                " only; nothing was run: connect again in this process"
            )
        limit_s = self._limits.statement_s if timeout_s is None else timeout_s
        deadline_s = None if limit_s is None else time.monotonic() + limit_s
        return Statement(uuid.uuid4().hex, kind, deadline_s, pinned)

    def _deliver(self, text: Text, statement: Statement) -> pa.RecordBatchReader:
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        def open_result(attempt: Attempt) -> Delivery:
            return execution.query(attempt, text, self._pool)

        delivery = self._attempts.run(statement, open_result, keep=True)
        node = delivery.node
        delivery.hand_out(lambda failure: self._router.report(node, failure))
        with self._lock:
            self._results.add(delivery)
        return pa.RecordBatchReader.from_batches(delivery.schema, delivery)

    def _open_channel(self, instance: Instance) -> Channel:
        location = instance.location
        return Channel(
            location,
            tls_roots=self._tls_roots,
            shows_login=may_show_login(location, self._options.transport),
            on_answer=self._on_answer(instance),
        )

    def _on_answer(self, instance: Instance) -> Callable[..., None]:
        def note(answer: "dict[str, str]") -> None:
            load = answer.get(LOAD, "")
            if load.isdecimal():
                self._loads.report(instance.node_id, int(load))
            self._login.note(answer)

        return note

    def _probe(self, instance: Instance, channel: Channel | None) -> Failure | None:
        if channel is not None:
            return self._sign_of_life(channel)
        lease = self._pool.lease(instance)
        # Never lent again: when the node comes back, a connection from before would be in backoff.
        lease.broken = True
        try:
            return self._sign_of_life(lease.channel)
        finally:
            lease.release()

    def _sign_of_life(self, channel: Channel) -> Failure | None:
        settings = CallSettings(self._login.token, timeout_s=PROBE_TIMEOUT_S)
        try:
            channel.act(PROBE_ACTION, b"", settings)
        except CallFailed as exc:
            return exc.failure
        return None


def _fixed(service: str, location: str) -> Instance:
    """A node of a static list: known by its address, and by nothing else."""
    return Instance(service, location.partition("://")[2], location, incarnation="")
