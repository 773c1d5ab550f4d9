"""Runs statements for calls: under which slot, options and time limit, and how they are stopped."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import pyarrow as pa

from flightkeeper.flight_server import options, scripts
from flightkeeper.flight_server.admission import Admission, Slot
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.commands import Commands
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine import settings
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.dictionaries import plain_result
from flightkeeper.flight_server.engine.result import Batches, Result
from flightkeeper.flight_server.engine.statement import Script, Statement
from flightkeeper.flight_server.errors import PermissionDenied, Unavailable
from flightkeeper.flight_server.options import Options
from flightkeeper.flight_server.placement import Place, Placement
from flightkeeper.flight_server.scripts import Rows
from flightkeeper.flight_server.time_limit import Limit

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot and a connection for a piece of a call's work, until it is released."""

    place: Place
    release: "_Once"
    limit: Limit

    @property
    def connection(self) -> Connection:
        """What the work is done on."""
        return self.place.connection


class Execution:
    """Runs statements. Thread-safe; one per node."""

    def __init__(
        self,
        placement: Placement,
        admission: Admission,
        clocks: Clocks,
        defaults: Options,
        commands: Commands,
    ) -> None:
        """`defaults` are the options of callers who ask for nothing."""
        self._commands = commands
        self._sets_all = True
        self._placement = placement
        self._admission = admission
        self._clocks = clocks
        self._defaults = defaults

    def options(self, call: Call) -> Options:
        """What the caller's statements run under.

        Raises:
            InvalidArgument: a header holds no value of its option.
            NotFound: the state of the caller's session is lost.
        """
        middleware = call.middleware
        if middleware.options is None:
            session = self._placement.find(call)
            set_here = session.options if session else {}
            middleware.options = options.resolve(self._defaults, set_here, call.headers)
        return middleware.options

    def default_to(self, defaults: Options) -> None:
        """The options of callers who ask for nothing, from the next call on."""
        self._defaults = defaults

    def let_sql_set(self, *, everything: bool) -> None:
        """Whether SQL may set what is not the session's own, from the next statement on."""
        self._sets_all = everything

    def implied_transaction(self, call: Call) -> bytes:
        """The transaction that a caller means without naming it; empty for none."""
        return self._placement.implied_transaction(call)

    def set_option(self, call: Call, name: str, text: str | None) -> None:
        """Set an option of the caller's session; None puts it back to its default.

        Raises:
            InvalidArgument: the text is not a value of this option; nothing has changed.
        """
        changed = options.parsed(name, text) if text is not None else {}
        session = self._placement.session(call)
        kept = {k: v for k, v in session.options.items() if k != options.field_of(name)}
        session.options = {**kept, **changed}
        call.middleware.options = None

    def query(
        self,
        call: Call,
        script: Script,
        rows: Rows = (),
        *,
        transaction_id: bytes = b"",
        timeout_ms: int = 0,
        plain: bool = False,
        continues: bool = False,
        prepare: Callable[[Connection], None] | None = None,
    ) -> Result:
        """Run a script whose last statement answers with rows.

        Args:
            rows: parameters of the last statement; it runs once for each, answers concatenated.
            transaction_id: the transaction's handle; empty = none.
            timeout_ms: how long it may run, to its last batch; 0 = for ever.
            plain: the caller does not read dictionaries.
            continues: belongs to work that was admitted before.
            prepare: makes ready the connection of its own on which it then runs.

        Returns: a result that holds a slot and a connection until it is closed.
        Raises: NodeError.
        """
        self._check_sets(script)
        place = partial(self._placement.place, call, script, transaction_id)
        if prepare:
            place = partial(self._placement.beside, call)
        lease = self._claim(call, place, transaction_id, timeout_ms, continues=continues)
        try:
            with lease.limit, lease.place.turn():
                if prepare:
                    prepare(lease.connection)
                result = scripts.run(
                    lease.connection, script, rows, _Outside(self, call, self._commands)
                )
        except BaseException:
            lease.release()
            raise
        owned = _owned(result, lease)
        return plain_result(owned, lease.connection.batch_bytes) if plain else owned

    def update(
        self,
        call: Call,
        script: Script,
        rows: Rows | None = None,
        *,
        transaction_id: bytes = b"",
        timeout_ms: int = 0,
    ) -> int:
        """Run a script for its effect; how many rows its last statement changed.

        Args:
            rows: parameters; several rows run as one atomic execution, and none at all run
                nothing. None = the statement is run once, without parameters.
        """
        self._check_sets(script)
        with self.working(call, script, transaction_id, timeout_ms) as connection:
            return scripts.update(connection, script, rows, self._outside(call))

    @contextmanager
    def working(
        self,
        call: Call,
        statements: Sequence[Statement] = (),
        transaction_id: bytes = b"",
        timeout_ms: int = 0,
        *,
        stateful: bool = False,
        continues: bool = False,
    ) -> Iterator[Connection]:
        """A slot and a connection, for as long as the caller waits and the limit allows.

        Args:
            stateful: something is left behind in the session, whatever the statements' text says.
            continues: belongs to work that was admitted before.

        Raises:
            TimedOut: what was done inside was interrupted at its time limit.
        """
        place = partial(self._placement.place, call, statements, transaction_id, stateful=stateful)
        lease = self._claim(call, place, transaction_id, timeout_ms, continues=continues)
        try:
            with lease.limit, lease.place.turn():
                yield lease.connection
        finally:
            lease.release()

    def heard(self, call: Call, transaction_id: bytes = b"") -> None:
        """The caller is still sending what it wants done.

        Raises:
            NotFound: its session or transaction has ended meanwhile.
        """
        self._placement.heard(call, transaction_id)

    def describe(self, call: Call, statement: Statement, transaction_id: bytes = b"") -> pa.Schema:
        """The schema a query answers with, without running it."""
        with self.borrowed(call, transaction_id) as connection:
            return connection.describe(statement)

    @contextmanager
    def borrowed(
        self, call: Call, transaction_id: bytes = b"", *, beside: bool = False
    ) -> Iterator[Connection]:
        """A connection that sees what the caller's statements see, for questions of our own.

        Args:
            beside: one that nobody else uses; it sees neither transactions nor temporary tables.
        """
        if beside:
            place = self._placement.beside(call)
        elif transaction_id:
            place = self._placement.place(call, (), transaction_id)
        else:
            place = self._placement.for_metadata(call)
        with _used(call, place) as connection:
            yield connection

    @contextmanager
    def lent(self, call: Call) -> Iterator[Connection]:
        """A connection for questions that have nothing to do with anybody's session."""
        with _used(call, self._placement.lent()) as connection:
            yield connection

    def _claim(
        self,
        call: Call,
        find_place: Callable[[], Place],
        transaction_id: bytes,
        timeout_ms: int,
        *,
        continues: bool,
    ) -> Lease:
        """A slot and a connection, with one way to give both back."""
        slot = self._enter(call, transaction_id, continues=continues)
        try:
            place = find_place()
        except BaseException:
            slot.release()
            raise
        release = _Once(place.release, slot.release)
        limit = Limit(timeout_ms, self._clocks.monotonic_s)
        call.stop_when_over(_stopper(place.connection, release), limit.over)
        return Lease(place, release, limit)

    def _enter(self, call: Call, transaction_id: bytes, *, continues: bool) -> Slot:
        try:
            return self._admission.enter(continues=continues)
        except Unavailable:
            if not self._placement.in_transaction(call, transaction_id):
                raise
            # A full or leaving node still takes the rest of what was begun here.
            return self._admission.enter(continues=True)

    def _check_sets(self, script: Script) -> None:
        if self._sets_all:
            return
        for statement in script:
            if statement.sets is not None and not (
                settings.is_of_a_session(statement.sets) or options.known(statement.sets)
            ):
                raise PermissionDenied(
                    f"{statement.sets} is a setting of the whole node, which SQL may not change "
                    "here (sql_settings); nothing was run"
                )

    def around(
        self, call: Call, connection: Connection, statement: Statement, run: Callable[[], _T]
    ) -> _T:
        """Make a change of ours: on the engine, or on what the cluster owns if it is about that.

        Args:
            run: does it on the connection; called again when somebody else was faster.
        """
        return self._commands.around(call, connection, statement, run)

    def _outside(self, call: Call) -> "_Outside":
        return _Outside(self, call, self._commands)


@dataclass(frozen=True, slots=True)
class _Outside:
    """What one call's texts reach besides the engine."""

    execution: Execution
    call: Call
    commands: Commands

    def set_option(self, name: str, value: str | None) -> None:
        self.execution.set_option(self.call, name, value)

    def command(self, connection: Connection, command: Command) -> pa.Table | None:
        return self.commands.run(self.call, connection, command)

    def around(self, connection: Connection, statement: Statement, run: Callable[[], _T]) -> _T:
        return self.commands.around(self.call, connection, statement, run)


def _owned(result: Result, lease: Lease) -> Result:
    """The result, giving its place back when it is closed; at once if all of it is here."""
    if result.rows is not None:
        lease.release()
        return result

    def close() -> None:
        result.close()
        lease.release()

    return Result(
        result.schema,
        _limited(result, lease.limit),
        stop=result.stop,
        close=close,
        over=lease.limit.over,
    )


def _limited(result: Result, limit: Limit) -> Batches:
    with limit:
        yield from result


@contextmanager
def _used(call: Call, place: Place) -> Iterator[Connection]:
    """The connection of a place, for as long as the caller waits."""
    release = _Once(place.release)
    call.stop_when_over(_stopper(place.connection, release))
    try:
        with place.turn():
            yield place.connection
    finally:
        release()


def _stopper(connection: Connection, release: "_Once") -> Callable[[], None]:
    """Interrupts what the connection does for this thread, the call's own.

    Nothing once it was given back: threads and connections serve one call after another.
    """
    thread = threading.get_ident()

    def stop() -> None:
        with release.lock:
            if not release.done:
                connection.interrupt(thread)

    return stop


class _Once:
    """Runs actions once. The lock is for those who must not act after they ran."""

    def __init__(self, *actions: Callable[[], None]) -> None:
        self.lock = threading.Lock()
        self.done = False
        self._actions = actions

    def __call__(self) -> None:
        with self.lock:
            if self.done:
                return
            self.done = True
        for action in self._actions:
            action()
