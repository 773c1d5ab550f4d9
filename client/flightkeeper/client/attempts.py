"""Attempts: carries one statement from node to node until one has done it.

Owns the loop of an ordered plan, one attempt at a time, and the pauses between them. What a failed
attempt means is decided by `failover`; this module only does what that returns. Must not know what
is being run: that is a function it is given.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from random import Random
from typing import Any, NoReturn, TypeVar

import pyarrow as pa

from flightkeeper.client.control import Control
from flightkeeper.client.errors import (
    NoNodeAvailable,
    OutcomeUnknown,
    StatementCancelled,
    StatementFailed,
)
from flightkeeper.client.explain import Circumstances, error_for
from flightkeeper.client.failover import LOST, Decision, Progress, StatementKind, Step, decide
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.login import Login
from flightkeeper.client.pool import Lease, Pool
from flightkeeper.client.router import Router
from flightkeeper.client.selection import ANY, Hints
from flightkeeper.client.transport import CallSettings, Channel, OnAnswer
from flightkeeper.discovery.records import Instance

PAUSE_S = 0.1
PAUSE_MAX_S = 1.0
STOP_TIMEOUT_S = 1.0
"""For telling a node that a statement is not wanted any more."""

_WRITES = frozenset({StatementKind.WRITE, StatementKind.COMMIT})
_BREAKS = frozenset({Kind.NOT_SENT, Kind.BROKEN})
_STAYING = frozenset({Step.SAME_NODE_AS_WRITE, Step.SAME_NODE_AFTER_LOGIN, Step.SAME_NODE_AGAIN})
_ENDED = frozenset({Kind.REFUSED, Kind.GONE})
"""What a node may also say of what it was told to stop."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, the same for all attempts.

    Attributes:
        statement_id: shown in the logs of the nodes.
        deadline_s: by `time.monotonic`; None = no limit.
        pinned: the only node that can run it, or None.
        preferred: the node to ask first, or None.
        hints: which nodes suit it.
        read_only: it must not be run unless it is a pure read.
        options: what it runs under, by header.
        session: whose login it carries instead of the connection's, or None.
        told: on a lake, other nodes can look up what became of it.
        on_answer: sees the headers of each answer to it.
        on_loss: called when an answer to it is lost.
        control: the statement as other threads see it.
    """

    statement_id: str
    kind: StatementKind
    deadline_s: float | None = None
    pinned: Instance | None = None
    preferred: Instance | None = None
    hints: Hints = ANY
    read_only: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    session: Login | None = None
    told: bool = True
    on_answer: OnAnswer = lambda _: None
    on_loss: Callable[[], object] = lambda: None
    control: Control = field(default_factory=Control)


@dataclass(frozen=True, slots=True)
class Text:
    """What is to be run.

    Attributes:
        parameters: values for the placeholders, in order, or a batch of such rows for an update;
            None = there are none.
        transaction_id: the transaction it belongs to, or None.
    """

    sql: str
    parameters: Sequence[Any] | pa.RecordBatch | None = None
    transaction_id: bytes | None = None

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            StatementFailed: the text cannot be sent to any node.
        """
        try:
            self.sql.encode()
        except UnicodeEncodeError as exc:
            raise StatementFailed(
                f"the statement's text has half of a surrogate pair at position {exc.start}, which "
                "is no character; nothing was run"
            ) from exc


class Attempt:
    """One node's turn. Operations mark on it how far they came.

    Attributes:
        again: what was sent is at hand still, so that another node can be sent it.
    """

    def __init__(
        self,
        statement: Statement,
        kind: StatementKind,
        lease: Lease,
        login: Login,
        *,
        sent_before: bool = False,
    ) -> None:
        self.statement = statement
        self.kind = kind
        self.sent_before = sent_before
        self.lease = lease
        self.sent = False
        self.ran = False
        self.again = True
        self.logged_in = False
        self.token = ""
        self._login = login

    @property
    def channel(self) -> Channel:
        """The connection to use."""
        return self.lease.channel

    def settings(self, *, runs: bool = False) -> CallSettings:
        """What to send beside the next call, after a login if need be.

        Args:
            runs: the call runs the statement; what failed before it had no effect.

        Raises:
            CallFailed: the login failed, or the deadline has passed.
        """
        if not self.token and not self._login.knows(self.channel):
            self.logged_in = self._login.named
        self.token = self._login.header(self.channel)
        settings = CallSettings(
            authorization=self.token,
            statement_id=self.statement.statement_id,
            read_only=self.kind is StatementKind.READ or self.statement.read_only,
            timeout_s=self._remaining_s(),
            sent_before=self.sent_before if self.kind in _WRITES else None,
            options=self.statement.options,
            on_answer=self._noting(self._login.noting(self.channel)),
        )
        self.sent = self.sent or runs
        return settings

    def stop(self) -> None:
        """Ask the node to end what it does for this statement; by another thread."""
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        settings = CallSettings(self.token, timeout_s=STOP_TIMEOUT_S)
        # What cannot be told ends with the connection, or with the node.
        with suppress(CallFailed):
            execution.stop(self.channel, self.statement.statement_id, settings)

    def _noting(self, note: OnAnswer) -> OnAnswer:
        def heard(answer: Mapping[str, str]) -> None:
            note(answer)
            self.statement.on_answer(answer)

        return heard

    def _remaining_s(self) -> float | None:
        if self.statement.deadline_s is None:
            return None
        remaining_s = self.statement.deadline_s - time.monotonic()
        if remaining_s <= 0:
            raise CallFailed(Failure(Kind.TIMED_OUT, "no time was left to ask a node"))
        return remaining_s


Operation = Callable[[Attempt], T]


class Attempts:
    """Runs operations on the nodes of one service. Thread-safe."""

    def __init__(
        self,
        router: Router,
        pool: Pool,
        login: Login,
        rng: Random,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._router = router
        self._pool = pool
        self._login = login
        self._rng = rng
        self._sleep = sleep

    def run(self, statement: Statement, operation: Operation[T], *, keep: bool = False) -> T:
        """Run an operation on the nodes of a plan, one after the other, until it succeeds.

        Args:
            operation: makes the calls of one attempt and marks on it how far it came.
            keep: do not release the lease of the attempt that succeeds; the result holds it.

        Raises:
            FlightkeeperError: what `failover` decided, with the failures of all attempts.
        """
        login = statement.session or self._login
        run = _Run(self._router, login, statement)
        while True:
            run.check_wanted()
            lease = self._pool.lease(run.node)
            attempt = Attempt(statement, run.kind, lease, login, sent_before=run.sent_before)
            kept = False
            try:
                statement.control.asks(run.node.node_id, attempt.stop)
                # A wish that came before there was a call to stop has stopped nothing.
                run.check_wanted()
                result = operation(attempt)
                kept = keep
            except CallFailed as exc:
                attempt.lease.broken = exc.failure.kind in _BREAKS
                failure = run.understood(exc.failure)
                decision = run.failed(attempt, failure)
                if not isinstance(decision, Step):
                    raise error_for(decision, run.circumstances(failure)) from exc
                run.take(decision, exc)
            else:
                self._router.report(run.node, None)
                return result
            finally:
                statement.control.answered()
                if not kept:
                    attempt.lease.release()
            if run.pause_s:
                # Full jitter: clients that were refused together do not come back together.
                self._sleep(run.pause_s * self._rng.random())


class _Run:
    """Where one statement stands: the plan, the node whose turn it is, and what failed so far."""

    def __init__(self, router: Router, login: Login, statement: Statement) -> None:
        self._router = router
        self._login = login
        self._statement = statement
        self.kind = statement.kind
        self._plan = self._planned()
        self._reasons: dict[str, str] = {}
        self._overloads = 0
        self._taken: set[Step] = set()
        self.pause_s = 0.0
        self.sent_before = False
        self._lake = ""
        self.node = self._first()

    def check_wanted(self) -> None:
        """Go on only with what nobody has cancelled.

        Raises:
            StatementCancelled: somebody has; no node has run it.
        """
        if self._statement.control.cancelled:
            failure = Failure(Kind.CANCELLED, "it was cancelled by its caller; nothing was run")
            raise error_for(StatementCancelled, self.circumstances(failure))

    def understood(self, failure: Failure) -> Failure:
        """A failure in the light of what only this side knows."""
        if failure.kind is Kind.SESSION_LOST and self._login.restores and not self._pinned:
            # Its options are known here, so another session is as good.
            return replace(failure, kind=Kind.UNAUTHENTICATED)
        if self._statement.control.cancelled:
            # For a write only the node's own word counts.
            ended = self.kind not in _WRITES and failure.kind in _ENDED
            if ended or failure.kind is Kind.CANCELLED:
                return Failure(Kind.CANCELLED, "it was cancelled by its caller")
        return failure

    def failed(self, attempt: Attempt, failure: Failure) -> Decision:
        """Note a failed attempt, and decide."""
        self._router.report(self.node, failure)
        self._reasons[self.node.node_id] = failure.message
        self._overloads += failure.kind is Kind.OVERLOADED
        if failure.kind is Kind.UNAUTHENTICATED:
            self._login.forget(attempt.token)
        if failure.kind in LOST:
            self._statement.on_loss()
        progress = Progress(
            sent=attempt.sent,
            ran=attempt.ran,
            overloads=self._overloads,
            can_login=self._login.named
            and not attempt.logged_in
            and Step.SAME_NODE_AFTER_LOGIN not in self._taken,
            budget_left=failure.kind not in {Kind.BROKEN, Kind.OVERLOADED}
            or self._router.may_retry(),
            told=bool(self.node.lake) and attempt.again and self._statement.told,
            sent_before=self.sent_before,
            planned_again=Step.SAME_NODE_AGAIN in self._taken,
        )
        decision = decide(failure, progress, self.kind)
        if decision is Step.SAME_NODE_AS_WRITE and self._statement.read_only:
            return StatementFailed
        return decision

    def take(self, step: Step, cause: CallFailed) -> None:
        """Move on as decided.

        Raises:
            NoNodeAvailable: every node has been asked.
        """
        self.pause_s = 0.0
        self._taken.add(step)
        match step:
            case Step.SAME_NODE_AS_WRITE:
                self.kind = StatementKind.WRITE
            case Step.NEXT_NODE_LATER:
                self.pause_s = min(PAUSE_S * 2.0 ** (self._overloads - 1), PAUSE_MAX_S)
            case Step.ASK_NEXT_NODE:
                self.sent_before, self._lake = True, self.node.lake
            case Step.NEXT_NODE | Step.SAME_NODE_AFTER_LOGIN | Step.SAME_NODE_AGAIN:
                pass
        if step in _STAYING and self._is_there:
            return
        # What may have been applied is looked up in that lake and in no other.
        following = next((n for n in self._plan if self._lake in {"", n.lake}), None)
        if following is None:
            self._give_up(cause)
        self.node = following

    def circumstances(self, failure: Failure) -> Circumstances:
        """What is known, for the error."""
        return Circumstances(
            statement_id=self._statement.statement_id,
            node=self.node.node_id,
            message=failure.message,
            attempts=len(self._reasons),
            reasons=self._reasons,
        )

    @property
    def _pinned(self) -> bool:
        return self._statement.pinned is not None

    @property
    def _is_there(self) -> bool:
        """Whether the node whose turn it is may be asked again: its life is not over."""
        named = self.node in (self._statement.pinned, self._statement.preferred)
        return named or self._router.knows(self.node)

    def _planned(self) -> Iterator[Instance]:
        pinned, first = self._statement.pinned, self._statement.preferred
        if pinned and self.kind is not StatementKind.COMMIT:
            return iter((pinned,))
        plan = self._router.plan(self._statement.hints)
        if pinned:
            # Whoever is there can tell what became of it, that node as well.
            return chain((pinned,), plan)
        if first is None:
            return plan
        others = (node for node in plan if node.location != first.location)
        return chain((first,), others)

    def _first(self) -> Instance:
        node = next(self._plan, None)
        if node is None:
            self._router.wait_for_nodes(0.0)
            raise NoNodeAvailable(self._router.why_nobody(self._statement.hints))
        return node

    def _give_up(self, cause: CallFailed) -> NoReturn:
        kind = OutcomeUnknown if self.sent_before else NoNodeAvailable
        raise error_for(kind, self.circumstances(cause.failure)) from cause
