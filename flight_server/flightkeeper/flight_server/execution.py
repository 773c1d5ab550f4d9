"""Runs statements for calls: on which connection, under which slot, and how they are stopped.

Owns the choice of the connection. A plain statement borrows one for itself; a statement in a
transaction runs on the transaction's; a statement that leaves something behind in the session, and
everything after it, runs on the session's.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server.admission import Admission, Slot
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.connection import Connection, Parameters
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Control, Script, Shape, Statement
from flightkeeper.flight_server.errors import InvalidArgument, NotFound, Unavailable
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Transaction as TransactionBody

Rows = Sequence[Mapping[str, Any]]
"""Rows of bound parameters, each by column name in the order of the columns."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement runs, and what to do when it ended."""

    connection: Connection
    release: Callable[[], None]


class Execution:
    """Runs statements. Thread-safe; one per node."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        admission: Admission,
        signer: Signer,
        tokens: Tokens,
        clocks: Clocks,
        incarnation: str,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._admission = admission
        self._signer = signer
        self._tokens = tokens
        self._clocks = clocks
        self._incarnation = incarnation

    def query(
        self,
        call: Call,
        script: Script,
        rows: Rows = (),
        *,
        transaction_id: bytes = b"",
        continues: bool = False,
    ) -> Result:
        """Run a script whose last statement answers with rows.

        Args:
            rows: parameters of the last statement; it runs once for each, answers concatenated.
            transaction_id: the transaction's handle; empty = none.
            continues: belongs to work that was admitted before.

        Returns: a result that holds a slot and a connection until it is closed.
        Raises: NodeError.
        """
        connection, release = self._claim(call, script, transaction_id, continues=continues)
        try:
            result = _run_script(connection, script, rows)
        except BaseException:
            release()
            raise
        return _owned(result, release)

    def update(
        self,
        call: Call,
        script: Script,
        rows: Rows | None = None,
        *,
        transaction_id: bytes = b"",
    ) -> int:
        """Run a script for its effect; how many rows its last statement changed.

        Args:
            rows: parameters; several rows run as one atomic execution, and none at all run
                nothing. None = the statement is run once, without parameters.
        """
        connection, release = self._claim(call, script, transaction_id, continues=False)
        try:
            return _update(connection, script, rows)
        finally:
            release()

    def describe(self, call: Call, statement: Statement, transaction_id: bytes = b"") -> pa.Schema:
        """The schema a query answers with, without running it."""
        with self.borrowed(call, transaction_id) as connection:
            return connection.describe(statement)

    @contextmanager
    def borrowed(self, call: Call, transaction_id: bytes = b"") -> Iterator[Connection]:
        """A connection that sees what the caller's statements see, for questions of our own."""
        place = self._place(call, (), transaction_id)
        try:
            yield place.connection
        finally:
            place.release()

    def session_connection(self, call: Call) -> Connection:
        """The caller's session, made if need be, as a connection.

        Raises:
            NotFound: the caller had a session before, and its state is lost.
            Unavailable: the node holds as many sessions as it may.
        """
        now_s = self._clocks.monotonic_s()
        session = self._sessions.find(call.session_key, now_s)
        if session is None:
            _check_pin(call)
            session = self._sessions.ensure(call.session_key, now_s)
        self._pin(call)
        return session.connection

    def transaction_name(self, transaction_id: bytes) -> str:
        """The transaction that a handle names, if it lives in this incarnation.

        Raises:
            NotFound: it lived elsewhere and is lost from here.
        """
        body = self._signer.open(Kind.TRANSACTION, transaction_id, TransactionBody)
        if body.incarnation != self._incarnation:
            raise NotFound(
                f"the transaction lives on node {body.node_id} and only there; if that node was "
                "restarted or is gone, nothing of the transaction was written: begin again",
                reason=Reason.SESSION_LOST,
            )
        return body.transaction

    def _claim(
        self, call: Call, script: Script, transaction_id: bytes, *, continues: bool
    ) -> tuple[Connection, "_Once"]:
        """A slot and a connection, with one way to give both back."""
        slot = self._enter(call, continues=continues or bool(transaction_id))
        try:
            place = self._place(call, script, transaction_id)
        except BaseException:
            slot.release()
            raise
        release = _Once(place.release, slot.release)
        call.stop_when_cancelled(_stopper(place.connection, release))
        return place.connection, release

    def _enter(self, call: Call, *, continues: bool) -> Slot:
        try:
            return self._admission.enter(continues=continues)
        except Unavailable:
            session = self._sessions.find(call.session_key, self._clocks.monotonic_s())
            if session is None or not session.connection.in_transaction:
                raise
            # A full or leaving node still takes the rest of a transaction, begun as text here.
            return self._admission.enter(continues=True)

    def _place(self, call: Call, script: Script, transaction_id: bytes) -> Place:
        now_s = self._clocks.monotonic_s()
        if transaction_id:
            name = self.transaction_name(transaction_id)
            transaction = self._sessions.transaction(name, call.identity.principal, now_s)
            if not transaction.connection.in_transaction:
                self._begin(transaction.connection, call, now_s)
            return Place(transaction.connection, _nothing)
        stateful = any(statement.stateful for statement in script)
        if stateful and call.stateless:
            raise InvalidArgument(
                "SET, USE, BEGIN, temporary tables and the like stay on one node, and the next "
                "statement may run on another; nothing was run: use a transaction"
            )
        if stateful or self._sessions.find(call.session_key, now_s) is not None:
            return Place(self.session_connection(call), _nothing)
        _check_pin(call)
        connection = self._database.lend()
        return Place(connection, lambda: self._database.take_back(connection))

    def _begin(self, connection: Connection, call: Call, now_s: float) -> None:
        """Begin in DuckDB, with names looked up where the caller's session looks them up."""
        session = self._sessions.find(call.session_key, now_s)
        if session is not None:
            place = catalog.namespace(session.connection)
            catalog.use(connection, place.catalog, place.schema)
        connection.begin()

    def _pin(self, call: Call) -> None:
        """Tell the caller, through its token, that its session has state here from now on."""
        identity = call.identity
        if identity.session_id and identity.pin != self._incarnation:
            token = self._tokens.renew(identity, self._clocks.wall_s(), self._incarnation)
            call.answer_header("authorization", f"Bearer {token}")


def _check_pin(call: Call) -> None:
    """A token that says where the session's state is, is not served without that state."""
    if call.identity.pin is not None:
        raise NotFound(
            "this session's settings, temporary tables or open transaction lived on a node "
            "that was restarted or is gone, or timed out; connect again to begin a new session",
            reason=Reason.SESSION_LOST,
        )


def _run_script(connection: Connection, script: Script, rows: Rows) -> Result:
    *before, last = script
    for statement in before:
        _change(connection, statement, ())
    if len(rows) <= 1:
        return connection.run(last, bind(last, rows[0] if rows else {}))
    if last.read_only:
        return _run_each(connection, last, rows)
    with _atomic(connection):
        result = _run_each(connection, last, rows)
        batches = list(result)
    return Result(result.schema, iter(batches), rows=sum(batch.num_rows for batch in batches))


def _run_each(connection: Connection, statement: Statement, rows: Rows) -> Result:
    """A query's answers for several rows of parameters, one after another."""
    results = [connection.run(statement, bind(statement, rows[0]))]
    schema = results[0].schema

    def batches() -> Iterator[pa.RecordBatch]:
        yield from results[0]
        for row in rows[1:]:
            results[0] = connection.run(statement, bind(statement, row))
            if results[0].schema != schema:
                results[0].close()
                raise InvalidArgument(
                    "the rows of parameters lead to answers of different types; "
                    "cast the parameters in the statement"
                )
            yield from results[0]

    def stop() -> None:
        results[0].stop()

    def close() -> None:
        results[0].close()

    return Result(schema, batches(), stop=stop, close=close)


def _update(connection: Connection, script: Script, rows: Rows | None) -> int:
    *before, last = script
    for statement in before:
        _change(connection, statement, ())
    if rows is None:
        return _change(connection, last, bind(last, {}))
    if len(rows) == 1:
        return _change(connection, last, bind(last, rows[0]))
    with _atomic(connection):
        return sum(_change(connection, last, bind(last, row)) for row in rows)


@contextmanager
def _atomic(connection: Connection) -> Iterator[None]:
    """All of it or nothing; within a transaction that is the transaction's business."""
    if connection.in_transaction:
        yield
        return
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _change(connection: Connection, statement: Statement, parameters: Parameters) -> int:
    match statement.control:
        case Control.BEGIN:
            connection.begin()
        case Control.COMMIT:
            connection.commit()
        case Control.ROLLBACK:
            connection.rollback()
        case None if statement.shape is Shape.ROWS:
            return sum(batch.num_rows for batch in connection.run(statement, parameters))
        case None:
            return connection.change(statement, parameters)
    return 0


def bind(statement: Statement, row: Mapping[str, Any]) -> Parameters:
    """A row of values as the statement's parameters.

    Raises:
        InvalidArgument: there are more or fewer values than parameters, or other names.
    """
    names = statement.parameters
    if len(row) != len(names):
        raise InvalidArgument(
            f"the statement has {len(names)} parameters and {len(row)} values were given"
        )
    if all(name.isdigit() for name in names):
        return list(row.values())
    if names != row.keys():
        raise InvalidArgument(
            f"the statement's parameters are {sorted(names)}, the values are named {sorted(row)}"
        )
    return row


def _owned(result: Result, release: Callable[[], None]) -> Result:
    """The result, giving its place back when it is closed; at once if nothing is left to run."""
    if result.rows is not None:
        release()
        return result

    def close() -> None:
        result.close()
        release()

    return Result(result.schema, iter(result), stop=result.stop, close=close)


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


def _nothing() -> None:
    """A connection of a session or transaction is not given back."""
