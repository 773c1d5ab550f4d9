"""The relay: carries one call of a client to the node that can serve it, or from node to node.

Owns nothing but what it needs for a call: the client's `Attempts` do the loop, `failover` decides.
While a call waits for a node the watcher asks whether its client is still there; if not, the node
is told to stop, because gRPC's calls cannot be ended from outside in Python.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast

from google.protobuf.wrappers_pb2 import StringValue
from pyarrow import flight

from flightkeeper.client.attempts import Attempt, Attempts, Statement
from flightkeeper.client.errors import SessionLost
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.gateway.channel import NodeChannel
from flightkeeper.client.gateway.destinations import Destination, Login, login
from flightkeeper.client.gateway.everywhere import ask_all
from flightkeeper.client.gateway.memory import Memory
from flightkeeper.client.gateway.passing import AUTHORIZATION, Pair, back
from flightkeeper.client.gateway.stoppers import STOP_TIMEOUT_S, Stoppers
from flightkeeper.client.pool import Pool
from flightkeeper.client.router import Router
from flightkeeper.client.transport import CallSettings
from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.cancellation import CancelWatcher

T = TypeVar("T")
Operation = Callable[["Turn"], T]


class Turn:
    """One node's turn at a call.

    Attributes:
        sent: what is sent along with calls.
    """

    def __init__(self, attempt: Attempt, sent: Sequence[Pair]) -> None:
        self.attempt = attempt
        self.sent = _sent_again(sent) if attempt.sent_before else sent

    @property
    def node(self) -> Instance:
        """Whose turn it is."""
        return self.attempt.lease.instance

    @property
    def channel(self) -> NodeChannel:
        """The connection to use."""
        return cast("NodeChannel", self.attempt.channel)

    def begins(self) -> None:
        """From now on the node may do what is asked."""
        self.attempt.sent = True

    @property
    def read_only(self) -> bool:
        """The node is asked to refuse what is no read, because it may be asked of others too."""
        return self.attempt.kind is StatementKind.READ


def _sent_again(sent: Sequence[Pair]) -> list[Pair]:
    """What is sent along with a call that another node may have carried out."""
    others = [pair for pair in sent if pair[0] != headers.SENT_BEFORE]
    return [*others, (headers.SENT_BEFORE, "1")]


class Caller:
    """One call of a client: what it sent along, and whether it still waits. For one thread."""

    def __init__(
        self,
        context: flight.ServerCallContext,
        sent: Sequence[Pair],
        on_token: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`on_token` is told of the newer token that a node answers."""
        self._context = context
        self._on_token = on_token
        own = next((str(v) for n, v in sent if n == headers.STATEMENT_ID), "")
        self.statement_id = own or uuid.uuid4().hex
        self.sent = list(sent)
        if not own:
            named = (headers.STATEMENT_ID, self.statement_id)
            self.sent += [named, (headers.SENT_BEFORE, "0")]

    @property
    def authorization(self) -> str:
        """Who it says it is."""
        return next((str(v) for n, v in self.sent if n == AUTHORIZATION), "")

    @property
    def peer(self) -> str:
        """Whose connection it comes from."""
        return str(self._context.peer())

    @property
    def who(self) -> Login:
        """Whose session it is."""
        return login(self.authorization)

    def gone(self) -> bool:
        """Whether nobody waits for the answer any more; while the call lasts."""
        return bool(self._context.is_cancelled())

    def answer(self, pairs: Iterator[Pair]) -> None:
        """Send headers with the answer."""
        for name, value in pairs:
            self._context.add_header(name, cast("Any", value))
            if name == AUTHORIZATION:
                self._on_token(str(value))

    def mark(self, pairs: Sequence[Pair]) -> None:
        """Send trailers with the answer."""
        for name, value in pairs:
            self._context.add_trailer(name, cast("Any", value))


def _told_of(caller: Caller, to: Destination) -> str:
    """Under which name it is noted that any node can tell of a transaction's COMMIT.

    What has no name is known by its session, as long as all of that comes this way.
    """
    return f"told of {to.transaction or f'{caller.peer} {to.session}'}"


def lost() -> SessionLost:
    """What is said when the node of a transaction is gone before a call could be sent to it."""
    return SessionLost(
        "the node that held the transaction is gone; nothing of it was committed, and nothing was"
        " run: end it and begin again"
    )


class Relay:
    """Carries calls. Thread-safe; `close` ends its threads.

    Attributes:
        memory: where callers left something.
        watcher: asks whether callers are still there.
    """

    def __init__(
        self,
        router: Router,
        pool: Pool,
        attempts: Attempts,
        may_show_login: Callable[[str], bool],
    ) -> None:
        """`may_show_login` says where clients may be sent, who bring their logins there."""
        self._router = router
        self._pool = pool
        self._attempts = attempts
        self._may_show_login = may_show_login
        self.memory = Memory()
        self.watcher = CancelWatcher()
        self._stoppers = Stoppers()

    def knows(self, incarnation: str) -> bool:
        """Whether a node of this life is there."""
        return self._instance(incarnation) is not None

    def others(self, than: Instance) -> Iterator[str]:
        """Where further nodes are that work, as far as is known."""
        routes = self._router.routes
        for member in routes.topology.members.values():
            node = member.instance
            works = node.state is NodeState.UP and not routes.health_of(node).ejected
            elsewhere = not member.absent and node.node_id != than.node_id
            if works and elsewhere and self._may_show_login(node.location):
                yield node.location

    def run(
        self, caller: Caller, to: Destination, operation: Operation[T], *, keep: bool = False
    ) -> T:
        """Have an operation done by the nodes of a plan, one after the other, until it succeeds.

        Args:
            keep: do not release the lease of the attempt that succeeds; the result holds it.

        Raises:
            FlightkeeperError: what `failover` decided.
            SessionLost: the node it belongs to is gone; nothing was run.
        """
        pinned, preferred = self._instance(to.pinned), self._instance(to.preferred)
        if to.pinned and pinned is None:
            raise lost()
        key = _told_of(caller, to)
        statement = Statement(
            *(caller.statement_id, to.kind),
            pinned=pinned,
            told=to.kind is not StatementKind.COMMIT or bool(self.memory.place(key)),
            on_loss=partial(self.memory.forget, key),
        )
        if pinned is None:
            statement = replace(statement, preferred=preferred)

        def attempt(made: Attempt) -> T:
            if caller.gone():
                raise CallFailed(Failure(Kind.CANCELLED, "the caller left before it was sent"))
            turn = Turn(made, caller.sent)
            with self._stopped_when_gone(caller, turn):
                return operation(turn)

        return self._attempts.run(statement, attempt, keep=keep)

    def heard(self, caller: Caller, to: Destination, turn: Turn, answered: Sequence[Pair]) -> None:
        """Pass on what came with an answer, and note what it says of the transaction."""
        caller.answer(back(answered))
        said = [value for name, value in answered if name == headers.COMMIT_TOLD]
        if said == ["1"]:
            self.memory.note(_told_of(caller, to), turn.node.incarnation)
        elif said:
            self.memory.forget(_told_of(caller, to))

    def everywhere(self, ask: Callable[[NodeChannel], list[bytes]]) -> list[bytes] | None:
        """Ask all nodes at once, in bounded time; see `everywhere.ask_all`."""
        members = self._router.routes.topology.members.values()
        nodes = [member.instance for member in members]
        return ask_all(nodes, self._pool, self._stoppers, ask)

    def report(self, node: Instance, failure: Failure) -> None:
        """A call broke while its result was handed out."""
        self._router.report(node, failure)

    def close(self) -> None:
        """End the threads. Idempotent, bounded."""
        self.watcher.close()
        self._stoppers.close()

    @contextmanager
    def _stopped_when_gone(self, caller: Caller, turn: Turn) -> Iterator[None]:
        stopping: list[Future[None]] = []

        def stop() -> None:
            # Again while the call lasts, because the first time may have been too early.
            if not stopping or stopping[-1].done():
                tell = partial(self._stop, caller, turn.channel)
                stopping[:] = [self._stoppers.soon(turn.node.node_id, tell)]

        key = self.watcher.watch(caller.gone, stop)
        try:
            yield
        finally:
            self.watcher.forget(key)
            # The call has ended; a node that is slow to hear need not hear of it.
            for told in stopping:
                told.cancel()

    @staticmethod
    def _stop(caller: Caller, channel: NodeChannel) -> None:
        body = StringValue(value=caller.statement_id).SerializeToString()
        settings = CallSettings(caller.authorization, timeout_s=STOP_TIMEOUT_S)
        with suppress(CallFailed):
            channel.act(headers.CANCEL_ACTION, body, settings)

    def _instance(self, incarnation: str) -> Instance | None:
        if not incarnation:
            return None
        members = self._router.routes.topology.members.values()
        return next((m.instance for m in members if m.instance.incarnation == incarnation), None)
