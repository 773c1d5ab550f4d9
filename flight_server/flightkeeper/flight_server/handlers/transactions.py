"""Transactions: BeginTransaction and EndTransaction. DuckDB has no savepoints, so none are served.

Spec: SqlInfo id 8 says so to clients.
"""

from collections.abc import Callable, Iterator

from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument, NotFound, Unimplemented
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flight_server.placement import Placement
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Transaction as TransactionBody

_End = sql.ActionEndTransactionRequest
(_COMMIT,) = parse("COMMIT")


class Transactions:
    """Serves transactions. Thread-safe."""

    def __init__(
        self,
        sessions: Sessions,
        placement: Placement,
        execution: Execution,
        admission: Admission,
        signer: Signer,
        clocks: Clocks,
        home: Callable[[], TransactionBody],
    ) -> None:
        """`home` names the node and incarnation that transactions live in."""
        self._sessions = sessions
        self._placement = placement
        self._execution = execution
        self._admission = admission
        self._signer = signer
        self._clocks = clocks
        self._home = home

    def routes(self) -> Routes:
        """What this family serves."""
        return Routes(
            actions={
                "BeginTransaction": Action(
                    sql.ActionBeginTransactionRequest, self._begin, "Opens a transaction."
                ),
                "EndTransaction": Action(
                    _End, self._end, "Commits a transaction or rolls it back."
                ),
                "BeginSavepoint": Action(
                    sql.ActionBeginSavepointRequest, _no_savepoints, "Not served: see SqlInfo 8."
                ),
                "EndSavepoint": Action(
                    sql.ActionEndSavepointRequest, _no_savepoints, "Not served: see SqlInfo 8."
                ),
            }
        )

    def _begin(self, call: Call, request: sql.ActionBeginTransactionRequest) -> Iterator[bytes]:
        del request
        # A node that would not take its first statement does not take the transaction either.
        self._admission.enter().release()
        name = self._sessions.begin(call.session_key, call.owner, self._clocks.monotonic_s())
        body = self._home()
        body.transaction = name
        handle = self._signer.sign(Kind.TRANSACTION, body)
        yield pack(sql.ActionBeginTransactionResult(transaction_id=handle))

    def _end(self, call: Call, request: sql.ActionEndTransactionRequest) -> Iterator[bytes]:
        match request.action:
            case _End.END_TRANSACTION_COMMIT:
                self._commit(call, request.transaction_id)
            case _End.END_TRANSACTION_ROLLBACK:
                self._finish(call, request.transaction_id, Connection.rollback)
            case _:
                raise InvalidArgument("say whether to commit or to roll back the transaction")
        return iter(())

    def _commit(self, call: Call, handle: bytes) -> None:
        # The handle tells it from another COMMIT under the same id.
        change = Change(_COMMIT, Connection.commit, (handle,))

        def commit(connection: Connection) -> None:
            try:
                self._execution.around(call, connection, change)
            finally:
                # Whatever comes of it: it has ended.
                connection.rollback()

        try:
            self._finish(call, handle, commit)
        except NotFound:
            if not call.sent_before:
                raise
            # It is another node's, or has ended here; what became of it can be told all the same.
            with self._execution.lent(call) as connection:
                commit(connection)

    def _finish(self, call: Call, handle: bytes, how: Callable[[Connection], object]) -> None:
        name = self._placement.transaction_name(handle)
        self._sessions.end(name, call.owner, self._clocks.monotonic_s(), how)


def _no_savepoints(call: Call, request: object) -> Iterator[bytes]:
    del call, request
    raise Unimplemented(
        "the engine has no savepoints; nothing has changed, the transaction is still open: commit "
        "it or roll it back as a whole"
    )
