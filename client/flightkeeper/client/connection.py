"""The connection: what a user of the client holds, and the composition of its parts.

Owns the lives of pool, router and login, in this order of closing: results, router, pool. Knows
nothing of nodes or retries. Thread-safe: one connection serves any number of threads.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Self

from flightkeeper.client.adbc import open_adbc
from flightkeeper.client.affinity import key_of
from flightkeeper.client.attempts import Attempt, Attempts, Text
from flightkeeper.client.control import Control
from flightkeeper.client.errors import InvalidUrl
from flightkeeper.client.explanation import Explanation
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import CallFailed, Failure
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.options import Options, parse_url
from flightkeeper.client.pool import Pool
from flightkeeper.client.result import Result
from flightkeeper.client.router import NodeStatus, Router
from flightkeeper.client.runner import Runner, Scope, Wish
from flightkeeper.client.saved_topology import SavedTopology, cache_directory
from flightkeeper.client.selection import Hints
from flightkeeper.client.session import Session, SessionLogin, Value
from flightkeeper.client.statements import PARALLEL_MAX, endpoints
from flightkeeper.client.transaction import Transactional
from flightkeeper.client.transport import CallSettings, Channel
from flightkeeper.client.trust import may_show_login
from flightkeeper.discovery.errors import InvalidRegistryUrl
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Membership, open_registry
from flightkeeper.discovery.tls import RegistryTls
from flightkeeper.flightsql.headers import LOAD, PROBE_ACTION

if TYPE_CHECKING:
    from flightkeeper.client.partitions import Partition, Partitions

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
    read_only: bool = False,
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
        read_only: have nodes refuse every statement that is not a pure read.

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
        read_only=read_only,
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


class Connection(Transactional):
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
        read_only: bool = False,
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
            options.service,
            self._pool,
            self._loads,
            self._probe,
            zone=options.zone,
            saved=saved,
            rng=rng,
        )
        attempts = Attempts(self._router, self._pool, login, rng)
        runner = Runner(attempts, self._pool, self._router)
        scope = Scope(read_only=read_only, timeout_s=limits.statement_s, role=options.role)
        super().__init__(runner, scope)

    def open(self) -> None:
        """Start the router, wait for the first node, and log in."""
        nodes = (_fixed(self._options.service, location) for location in self._options.locations)
        self._router.start(tuple(nodes), self._registry)
        self._router.wait_for_nodes(self._limits.connect_s)
        if self._login.named:
            wish = Wish(self._limits.connect_s)
            statement = self._runner.statement(StatementKind.BEGIN, self._scope, wish)
            self._runner.run(statement, Attempt.settings)

    def session(self, **options: Value) -> Session:
        """Statements under options of their own, whichever node runs them.

        Args:
            options: such as `schema="sales"`, `catalog=…`, `TimeZone="Europe/Berlin"`,
                `dialect="trino"`, `statement_timeout="5s"`; see docs/sessions.md.
        """
        user, password = self._login.credentials

        def login(staying: Mapping[str, Value]) -> SessionLogin:
            return SessionLogin(user, password, staying)

        return Session(self._runner, self._scope, login, options)

    def partitions(
        self,
        sql: str,
        parameters: Sequence[Any] | None = None,
        *,
        parts: int = PARALLEL_MAX,
        timeout_s: float | None = None,
    ) -> "Partitions":
        """Start a query, and return the parts of its result instead of its rows.

        Each is a value that can be pickled and read once by `read_partition`, anywhere. The node
        keeps them ready for about ten seconds; later it runs the part again, if the data are still
        the same, and says so if they are not.

        Args:
            parts: how many there may be; what cannot be divided is one.
        """
        from flightkeeper.client import partitions  # noqa: PLC0415  loads protobuf

        wish = Wish(timeout_s, read_only=True, options=endpoints(parts), affinity=key_of(sql))
        statement = self._runner.statement(StatementKind.READ, self._scope, wish)
        text = Text(sql, parameters)
        return self._runner.run(statement, lambda attempt: partitions.plan(attempt, text))

    def read_partition(
        self,
        partition: "Partition",
        *,
        timeout_s: float | None = None,
        control: Control | None = None,
    ) -> Result:
        """The rows of a part, from the node that has it ready, or another one that can make it."""
        from flightkeeper.client import partitions  # noqa: PLC0415  loads protobuf

        preferred = partitions.owner(partition)
        wish = Wish(timeout_s, read_only=True, preferred=preferred, control=control)
        statement = self._runner.statement(StatementKind.READ, self._scope, wish)
        pool = self._pool
        return self._runner.deliver(statement, lambda a: partitions.read(a, partition, pool))

    def adbc(self, *, autocommit: bool = True) -> Any:
        """A connection of the stock ADBC driver, to a node that answers just now; the caller's own.

        Raises:
            FlightkeeperError: the driver is not installed.
            NoNodeAvailable: no node answers.
        """

        def greet(attempt: Attempt) -> tuple[str, str]:
            attempt.channel.act(PROBE_ACTION, b"", attempt.settings())
            return attempt.channel.location, attempt.token

        statement = self._runner.statement(StatementKind.BEGIN, self._scope)
        location, token = self._runner.run(statement, greet)
        return open_adbc(location, token, self._tls_roots, autocommit=autocommit)

    def nodes(self) -> tuple[NodeStatus, ...]:
        """What this connection knows of each node, in the order of their ids."""
        return self._router.nodes()

    def check_nodes(self) -> tuple[NodeStatus, ...]:
        """The same after asking each node for a sign of life, which takes a second at most."""
        self._router.check()
        return self._router.nodes()

    def route(self, sql: str) -> Explanation:
        """Which nodes a query would be sent to now, in which order, and why; runs nothing."""
        return self._router.explain(Hints(self._options.role, key_of(sql)))

    def close(self) -> None:
        """Stop open results, the router and the channels. Idempotent, bounded.

        In a forked child nothing is stopped: all of it belongs to the parent.
        """
        self._runner.close()
        if self._runner.forked:
            return
        self._router.close()
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._runner.closed else f"{len(self.nodes())} nodes"
        return f"<Connection {self._options.url!r}, {state}>"

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
        settings = CallSettings(
            self._login.token, timeout_s=PROBE_TIMEOUT_S, on_answer=self._login.note
        )
        try:
            channel.act(PROBE_ACTION, b"", settings)
        except CallFailed as exc:
            return exc.failure
        return None


def _fixed(service: str, location: str) -> Instance:
    """A node of a static list: known by its address, and by nothing else."""
    return Instance(service, location.partition("://")[2], location, incarnation="")
