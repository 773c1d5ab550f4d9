"""Runs statements for calls: under which slot, options and time limit, and how they are stopped."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from flightkeeper.flight_server import options, scripts
from flightkeeper.flight_server.admission import Admission, Slot
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.cluster.authorization import EVERYTHING, Rules
from flightkeeper.flight_server.cluster.commands import Commands
from flightkeeper.flight_server.engine import settings, snapshots
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.dictionaries import plain_result
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Script, Statement
from flightkeeper.flight_server.errors import PermissionDenied, Unavailable
from flightkeeper.flight_server.lake.copies import Copies
from flightkeeper.flight_server.lake.reads import Reading, seen_at
from flightkeeper.flight_server.lake.snapshot import Snapshot
from flightkeeper.flight_server.leases import Lease, Once, stopper
from flightkeeper.flight_server.options import Options
from flightkeeper.flight_server.outside import Beyond
from flightkeeper.flight_server.placement import Place, Placement
from flightkeeper.flight_server.scripts import Rows
from flightkeeper.flight_server.system.activity import Activity
from flightkeeper.flight_server.system.reads import SystemReads, is_urgent
from flightkeeper.flight_server.system.running import Running

_T = TypeVar("_T")


class Execution:
    """Runs statements. Thread-safe; one per node.

    Attributes:
        rules: what callers may do.
    """

    def __init__(
        self,
        placement: Placement,
        admission: Admission,
        defaults: Options,
        commands: Commands,
        activity: Activity,
        system: SystemReads,
        rules: Rules = EVERYTHING,
        copies: Copies | None = None,
    ) -> None:
        """`defaults` are the options of callers who ask for nothing."""
        self._copies = copies
        self._system = system
        self._activity = activity
        self._commands = commands
        self.rules = rules
        self._sets_all = True
        self._placement = placement
        self._admission = admission
        self._defaults = defaults

    def options(self, call: Call) -> Options:
        """What the caller's statements run under.

        Raises:
            InvalidArgument: a header holds no value of its option.
            NotFound: the state of the caller's session is lost.
        """
        middleware = call.middleware
        if middleware.options is None:
            set_here = self._placement.options(call)
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
        reading: Reading | None = None,
    ) -> Result:
        """Run a script whose last statement answers with rows.

        Args:
            rows: parameters of the last statement; it runs once for each, answers concatenated.
            transaction_id: the transaction's handle; empty = none.
            timeout_ms: how long it may run, to its last batch; 0 = for ever.
            plain: the caller does not read dictionaries.
            continues: belongs to work that was admitted before.
            prepare: makes ready the connection of its own on which it then runs.
            reading: says which version of the lake it sees, and is told that.

        Returns: a result that holds a slot and a connection until it is closed.
        Raises: NodeError.
        """
        self._check_sets(script)
        place = self._place(call, script, transaction_id, beside=prepare is not None)
        begin = partial(self._activity.begin, call, script, timeout_ms)
        enter = partial(self._enter, call, script, transaction_id, continues=continues)
        lease = self._claim(call, place, enter, begin)
        try:
            with lease.running, lease.place.turn():
                self._system.fill(call, script, lease.connection)
                if prepare:
                    prepare(lease.connection)
                result = scripts.run(lease.connection, script, rows, self._outside(call, reading))
        except BaseException:
            lease.release()
            raise
        owned = _owned(result, lease)
        return plain_result(owned, lease.connection.batch_bytes) if plain else owned

    def cancel(self, call: Call, client_id: str) -> None:
        """End a statement by the id that this caller gave it."""
        self._activity.cancel(client_id, call.owner)

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
        place = self._place(call, script, transaction_id)
        begin = partial(self._activity.begin, call, script, timeout_ms)
        enter = partial(self._enter, call, script, transaction_id)
        with self._leased(call, place, enter, begin) as lease:
            self._system.fill(call, script, lease.connection)
            changed = scripts.update(lease.connection, script, rows, self._outside(call))
            lease.running.delivered(changed, 0)
            return changed

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
        about: str = "",
    ) -> Iterator[Connection]:
        """A slot and a connection, for as long as the caller waits and the limit allows.

        Args:
            about: what is done, if it has no text of SQL.
            stateful: something is left behind in the session, whatever the statements' text says.
            continues: belongs to work that was admitted before.

        Raises:
            TimedOut: what was done inside was interrupted at its time limit.
        """
        place = partial(self._placement.place, call, statements, transaction_id, stateful=stateful)
        begin = partial(self._activity.begin, call, statements, timeout_ms, about)
        enter = partial(self._enter, call, statements, transaction_id, continues=continues)
        with self._leased(call, place, enter, begin) as lease:
            yield lease.connection

    def heard(self, call: Call, transaction_id: bytes = b"") -> None:
        """The caller is still sending what it wants done.

        Raises:
            NotFound: its session or transaction has ended meanwhile.
        """
        self._placement.heard(call, transaction_id)

    def permitted(self, call: Call, connection: Connection, statement: Statement) -> Statement:
        """What the caller may run in the place of a statement, and what it is to see.

        Raises:
            PermissionDenied: nothing.
            InvalidArgument: the version of the lake that it is to see cannot be read so.
        """
        found = self.rules.permitted(call.identity.principal, connection, statement)
        asked = self.asked(call)
        if asked is None:
            return found
        access = self.rules.access(call.identity.principal)
        if access is not None and not access.superuser:
            snapshots.check_same_names(connection, found)
        return seen_at(connection, found, asked)

    def asked(self, call: Call) -> Snapshot | None:
        """The version of the lake that the caller's session is to see; None = the newest."""
        version = self.options(call).snapshot
        return Snapshot(self._placement.lake, int(version), asked=True) if version else None

    @contextmanager
    def borrowed(
        self,
        call: Call,
        transaction_id: bytes = b"",
        *,
        beside: bool = False,
        system: frozenset[str] = frozenset(),
    ) -> Iterator[Connection]:
        """A connection that sees what the caller's statements see, for questions of our own.

        Args:
            beside: one that nobody else uses; it sees neither transactions nor temporary tables.
            system: system tables that it is to have, without rows; it is beside then.
        """
        if beside or system:
            place = self._placement.beside(call)
        elif transaction_id:
            place = self._placement.place(call, (), transaction_id)
        else:
            place = self._placement.for_metadata(call)
        with _used(call, place) as connection:
            self._system.outline(call, system, connection)
            yield connection

    @contextmanager
    def lent(self, call: Call) -> Iterator[Connection]:
        """A connection for questions that have nothing to do with anybody's session."""
        with _used(call, self._placement.lent()) as connection:
            yield connection

    def _place(
        self, call: Call, script: Script, transaction_id: bytes, *, beside: bool = False
    ) -> Callable[[], Place]:
        """What finds where a script runs.

        Args:
            beside: on a connection of its own, whatever it is.
        """
        if not (beside or self._system.wanted(script)):
            return partial(self._placement.place, call, script, transaction_id)

        def place() -> Place:
            self._placement.heard(call, transaction_id)
            return self._placement.beside(call)

        return place

    @contextmanager
    def _leased(
        self,
        call: Call,
        find_place: Callable[[], Place],
        enter: Callable[[], Slot],
        begin: Callable[[], Running],
    ) -> Iterator[Lease]:
        lease = self._claim(call, find_place, enter, begin)
        try:
            with lease.running, lease.place.turn():
                yield lease
            lease.running.complete = True
        finally:
            lease.release()

    def _claim(
        self,
        call: Call,
        find_place: Callable[[], Place],
        enter: Callable[[], Slot],
        begin: Callable[[], Running],
    ) -> Lease:
        """A slot and a connection, with one way to give both back."""
        slot = enter()
        try:
            place = find_place()
        except BaseException:
            slot.release()
            raise
        running = begin()
        release = Once(place.release, slot.release, lambda: self._activity.end(running))
        call.stop_when_over(stopper(place.connection, release), running.over)
        return Lease(place, release, running)

    def _enter(
        self,
        call: Call,
        statements: Sequence[Statement],
        transaction_id: bytes,
        *,
        continues: bool = False,
    ) -> Slot:
        try:
            return self._admission.enter(continues=continues, urgent=is_urgent(statements))
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

    def around(self, call: Call, connection: Connection, change: Change[_T]) -> _T:
        """Make a change of ours: on the engine, or on what the cluster owns if it is about that."""
        return self._commands.around(call, connection, change)

    def reading(self, snapshot: Snapshot | None = None) -> Reading:
        """What lets all reads of one execution see the same version of the lake.

        Args:
            snapshot: the one that they see; None = the newest.
        """
        return Reading(self._placement.lake, snapshot, self._copies)

    def _outside(self, call: Call, reading: Reading | None = None) -> Beyond:
        return Beyond(self, call, self._commands, reading or self.reading())


def _owned(result: Result, lease: Lease) -> Result:
    """The result, giving its place back when it is closed; at once if all of it is here."""
    running = lease.running
    if result.rows is not None:
        whole = list(result)
        # Of whole buffers: `nbytes` takes microseconds for each column.
        nbytes = sum(batch.get_total_buffer_size() for batch in whole)
        running.delivered(result.rows, nbytes)
        running.complete = True
        lease.release()
        return Result(result.schema, iter(whole), rows=result.rows)

    def close() -> None:
        result.close()
        lease.release()

    owned = Result(
        result.schema,
        running.delivering(result),
        stop=result.stop,
        close=close,
        over=running.over,
    )
    running.wait_for_fetch(owned)
    return owned


@contextmanager
def _used(call: Call, place: Place) -> Iterator[Connection]:
    """The connection of a place, for as long as the caller waits."""
    release = Once(place.release)
    call.stop_when_over(stopper(place.connection, release))
    try:
        with place.turn():
            yield place.connection
    finally:
        release()
