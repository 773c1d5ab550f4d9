"""The runner: makes statements under a scope, runs them, and hands out their results.

Owns the results that are open, from being handed out until they end or the connection closes. The
one thing that connections, sessions, transactions and metadata have in common.
"""

import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakSet, ref

from flightkeeper.client.attempts import Attempts, Operation, Statement
from flightkeeper.client.control import Control
from flightkeeper.client.delivery import Delivery
from flightkeeper.client.errors import ConnectionClosed
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.login import Login
from flightkeeper.client.pool import Pool
from flightkeeper.client.result import Result
from flightkeeper.client.router import Router
from flightkeeper.client.selection import Hints
from flightkeeper.client.transport import Channel, OnAnswer
from flightkeeper.discovery.records import Instance

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """What statements run under.

    Attributes:
        pinned: the only node that can run them, or None.
        transaction_id: the transaction they belong to, or None.
        read_only: nothing but pure reads is run.
        options: of the nodes, by header.
        session: whose login they carry instead of the connection's, or None.
        timeout_s: for a whole statement; None = no limit.
        on_answer: sees the headers of each answer to them.
        on_loss: called when an answer to one of them is lost.
        role: of the nodes that may run them; "" = any.
    """

    pinned: Instance | None = None
    transaction_id: bytes | None = None
    read_only: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    session: Login | None = None
    timeout_s: float | None = None
    on_answer: OnAnswer = lambda _: None
    on_loss: Callable[[], object] = lambda: None
    role: str = ""

    def kind(self, wanted: StatementKind) -> StatementKind:
        """What a read or write is, as far as repeating it is concerned."""
        if self.transaction_id is not None:
            return StatementKind.TRANSACTION
        return StatementKind.READ if self.read_only else wanted


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants of one statement, beyond its scope.

    Attributes:
        timeout_s: for the whole statement; None = the scope's.
        read_only: it must not be run unless it is a pure read.
        preferred: the node to ask first, or None.
        options: of the nodes, by header; they go before the scope's.
        control: the caller's view of it, or None.
        affinity: statements with the same text here prefer the same node; see `affinity`.
    """

    timeout_s: float | None = None
    read_only: bool = False
    preferred: Instance | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    control: Control | None = None
    affinity: str = ""


class Runner:
    """Runs statements. Thread-safe."""

    def __init__(self, attempts: Attempts, pool: Pool, router: Router) -> None:
        self._attempts = attempts
        self._router = router
        self.pool = pool
        # Guards the two below.
        self._lock = threading.Lock()
        self._results: WeakSet[Delivery] = WeakSet()
        self._closed = False
        self._process_id = os.getpid()

    @property
    def closed(self) -> bool:
        """Whether nothing is run any more."""
        return self._closed

    @property
    def forked(self) -> bool:
        """Whether this is a forked child, in which neither our threads nor gRPC's live on."""
        return os.getpid() != self._process_id

    def statement(self, kind: StatementKind, scope: Scope, wish: Wish | None = None) -> Statement:
        """A statement that is to be run now.

        Raises:
            ConnectionClosed: nothing is run any more, or not in this process.
        """
        if self._closed:
            raise ConnectionClosed("the connection is closed; nothing was run: connect again")
        if self.forked:
            raise ConnectionClosed(
                "the connection was made before this process was forked, and works in its parent"
                " only; nothing was run: connect again in this process"
            )
        wish = wish or Wish()
        limit_s = scope.timeout_s if wish.timeout_s is None else wish.timeout_s
        control = wish.control or Control()
        control.statement_id = uuid.uuid4().hex
        return Statement(
            control.statement_id,
            kind,
            None if limit_s is None else time.monotonic() + limit_s,
            scope.pinned,
            preferred=wish.preferred,
            hints=Hints(scope.role, wish.affinity),
            read_only=scope.read_only or wish.read_only,
            options={**scope.options, **wish.options},
            session=scope.session,
            on_answer=scope.on_answer,
            on_loss=scope.on_loss,
            control=control,
        )

    def run(self, statement: Statement, operation: Operation[T]) -> T:
        """Run something that is over when it has answered.

        Raises:
            FlightkeeperError: see `attempts`.
        """
        return self._attempts.run(statement, operation)

    def deliver(self, statement: Statement, operation: Operation[Delivery]) -> Result:
        """Run something that answers with rows, and hand them out.

        Raises:
            FlightkeeperError: see `attempts`.
        """
        delivery = self._attempts.run(statement, operation, keep=True)
        node = delivery.node
        delivery.hand_out(lambda failure: self._router.report(node, failure))
        with self._lock:
            self._results.add(delivery)
            closed = self._closed
        statement.control.delivers(_stop(delivery))
        if closed:
            delivery.cancel("the connection was closed")
        return Result(delivery, statement.control)

    def on_channel(self, location: str, call: Callable[[Channel], None]) -> None:
        """Make a call to the node at a location that is no statement; not when all is closed."""
        if self._closed or self.forked:
            return
        lease = self.pool.lease(Instance("", location, location, ""))
        try:
            call(lease.channel)
        finally:
            lease.release()

    def close(self) -> None:
        """Run nothing any more, and stop the results that are open. Idempotent."""
        with self._lock:
            self._closed = True
            results = list(self._results)
        # What a forked child holds belongs to its parent.
        for result in () if self.forked else results:
            result.cancel("the connection was closed")


def _stop(delivery: Delivery) -> Callable[[], None]:
    """Stops a result; does not keep it, because dropping a result stops it as well."""
    weak = ref(delivery)

    def stop() -> None:
        result = weak()
        if result is not None:
            result.cancel()

    return stop
