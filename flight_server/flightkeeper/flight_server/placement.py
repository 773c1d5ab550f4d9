"""Where a statement runs: on a lent connection, on its session's, or on its transaction's.

A plain statement borrows a connection for itself; a statement in a transaction runs on the
transaction's; a statement that leaves something behind in the session, and everything after it,
runs on the session's. Owns the pin: a caller whose session has state here is told so through its
token, and a token that says where the state is, is not served without that state.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from flightkeeper.flight_server import options
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.statement import Control, Statement
from flightkeeper.flight_server.errors import InvalidArgument, NotFound
from flightkeeper.flight_server.session_state import Session, Transaction
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Transaction as TransactionBody

_ADBC = "ADBC "
"""How ADBC's driver calls itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement runs.

    Attributes:
        release: what to do when it ended.
        turn: within it the statement is begun; nobody else uses the connection meanwhile.
    """

    connection: Connection
    release: Callable[[], None]
    turn: Callable[[], AbstractContextManager[None]] = nullcontext


class Placement:
    """Chooses connections. Thread-safe; one per node."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        signer: Signer,
        tokens: Tokens,
        clocks: Clocks,
        incarnation: str,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._signer = signer
        self._tokens = tokens
        self._clocks = clocks
        self._incarnation = incarnation

    @property
    def lake(self) -> str:
        """The name of the lake that the connections see; empty = none."""
        return self._database.lake

    def place(
        self,
        call: Call,
        statements: Sequence[Statement],
        transaction_id: bytes,
        *,
        stateful: bool = False,
    ) -> Place:
        """The connection for these statements of a caller.

        Args:
            stateful: they leave something behind in the session, whatever their text says.

        Raises:
            InvalidArgument: they would leave state behind where the caller wants none.
            NotFound: the transaction, or the state of the caller's session, is lost.
            Unavailable: the node holds as many sessions as it may.
        """
        try:
            return self._placed(call, statements, transaction_id, stateful=stateful)
        except NotFound:
            if not call.sent_before or [each.control for each in statements] != [Control.COMMIT]:
                raise
            # Of what is lost here any connection can tell whether it was committed elsewhere.
            return self.lent()

    def _placed(
        self,
        call: Call,
        statements: Sequence[Statement],
        transaction_id: bytes,
        *,
        stateful: bool,
    ) -> Place:
        stateful = stateful or any(statement.stateful for statement in statements)
        if transaction_id:
            return self._in_transaction(call, transaction_id, stateful=stateful)
        if stateful and call.stateless:
            raise InvalidArgument(
                "SET, USE, BEGIN, temporary tables and the like stay on one node, and the next "
                "statement may run on another; nothing was run: use a transaction"
            )
        if statements and all(map(_is_option, statements)):
            stateful = False
        session = self.session(call) if stateful else self.find(call)
        if session is None or (session.connection is None and not stateful):
            return self.lent() if session is None else self._lent_to(session)
        if session.holder is None or (stateful and _only_leave_behind(statements)):
            return self._at(session, stateful=stateful)
        if _leave_open(statements):
            raise InvalidArgument(
                "a transaction of this session is open already; nothing was run: end it, or name "
                "it in the statements that belong to it"
            )
        if any(statement.stateful and not statement.control for statement in statements):
            # Left beside the transaction, it would be gone with the connection; and the other
            # statements are no part of the transaction.
            raise InvalidArgument(
                "SET, temporary tables and the like join the open transaction of this session, and "
                "other statements do not; nothing was run: send them apart from each other, or "
                "name the transaction"
            )
        beside = self._sessions.beside(session)
        return Place(beside, beside.close)

    def beside(self, call: Call) -> Place:
        """A connection for this work alone, which looks names up where the caller's others do."""
        connection = self._sessions.beside(self.find(call))
        return Place(connection, connection.close)

    def lent(self) -> Place:
        """A connection that belongs to nobody's session."""
        connection = self._database.lend()
        return Place(connection, lambda: self._database.take_back(connection))

    def heard(self, call: Call, transaction_id: bytes) -> None:
        """The caller is still at work: neither its session nor its transaction is idle.

        Raises:
            NotFound: one of them has ended meanwhile.
        """
        self.find(call)
        if transaction_id:
            self._transaction(call, transaction_id)

    def in_transaction(self, call: Call, transaction_id: bytes) -> bool:
        """Whether the caller has begun something that the engine will not forget by itself.

        Raises:
            NotFound: the transaction, or the state of the caller's session, is lost.
        """
        if transaction_id:
            connection = self._transaction(call, transaction_id).connection
        else:
            session = self.find(call)
            connection = None if session is None else session.connection
        return connection is not None and connection.in_transaction

    def for_metadata(self, call: Call) -> Place:
        """Where questions about the catalog see what the caller's statements see.

        That includes the tables of the caller's open transaction: drivers ask without naming it.
        """
        transaction = self._sessions.open_transaction(call.session_key)
        connection = None if transaction is None else transaction.connection
        if (
            connection is not None
            and connection.in_transaction
            and not connection.working
            and connection.sound
        ):
            return Place(connection, _nothing)
        return self.place(call, (), b"")

    def implied_transaction(self, call: Call) -> bytes:
        """The handle of the transaction that a caller means without naming it; empty for none.

        ADBC's driver leaves the transaction out of bulk ingests. Its users mean the one that the
        connection has open, as with ADBC's other drivers; it has no second one.
        """
        transaction = self._sessions.open_transaction(call.session_key)
        if transaction is None or not call.user_agent.startswith(_ADBC):
            return b""
        body = TransactionBody(incarnation=self._incarnation, transaction=transaction.transaction)
        return self._signer.sign(Kind.TRANSACTION, body)

    def find(self, call: Call) -> Session | None:
        """The caller's session, if it has one here.

        Raises:
            NotFound: the caller had a session before, and its state is lost.
        """
        session = self._sessions.find(call.session_key, self._clocks.monotonic_s())
        # A token that says where the session's state is, is not served without that state.
        if session is None and call.identity.pin is not None:
            raise NotFound(
                "this session's settings, temporary tables or open transaction lived on a node "
                "that was restarted or is gone, or timed out; connect again to begin a new session",
                reason=Reason.SESSION_LOST,
            )
        return session

    def options(self, call: Call) -> Mapping[str, Any]:
        """What is set in the caller's session, by the options' fields.

        Raises:
            NotFound: the caller had a session before, and its state is lost.
        """
        try:
            session = self.find(call)
        except NotFound:
            if not call.sent_before:
                raise
            # All that is served without its session is a COMMIT which another node was sent.
            return {}
        return {} if session is None else session.options

    def session(self, call: Call) -> Session:
        """The caller's session, made if need be; the caller is told that it is here.

        Raises:
            NotFound: the caller had a session before, and its state is lost.
            Unavailable: the node holds as many sessions as it may.
        """
        session = self.find(call)
        if session is None:
            session = self._sessions.ensure(call.session_key, self._clocks.monotonic_s())
        identity = call.identity
        if identity.session_id and identity.pin != self._incarnation:
            token = self._tokens.renew(identity, self._clocks.wall_s(), self._incarnation)
            call.answer_header("authorization", f"Bearer {token}")
        return session

    def session_connection(self, call: Call) -> Connection:
        """The connection of the caller's session, made if need be."""
        return self._sessions.connection(self.session(call))

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

    def _transaction(self, call: Call, transaction_id: bytes) -> Transaction:
        name = self.transaction_name(transaction_id)
        now_s = self._clocks.monotonic_s()
        return self._sessions.transaction(name, call.owner, now_s)

    def _in_transaction(self, call: Call, transaction_id: bytes, *, stateful: bool) -> Place:
        transaction = self._transaction(call, transaction_id)
        connection = self._sessions.placed(transaction)
        turn = partial(self._sessions.enter, transaction, connection)
        if stateful and not call.stateless:
            self.session(call)
            session = self._sessions.leave_behind(transaction, self._clocks.monotonic_s())
            if session.connection is connection:
                release = partial(self._sessions.remember, session)
                return Place(connection, release, turn)
        return Place(connection, _nothing, turn)

    def _at(self, session: Session, *, stateful: bool) -> Place:
        release = partial(self._sessions.remember, session) if stateful else _nothing
        return Place(self._sessions.connection(session), release)

    def _lent_to(self, session: Session) -> Place:
        """A lent connection; the session is in use until it is given back."""
        connection = self._database.lend()
        self._sessions.hold(session)

        def release() -> None:
            self._database.take_back(connection)
            self._sessions.let_go(session, self._clocks.monotonic_s())

        return Place(connection, release)


def _is_option(statement: Statement) -> bool:
    """Whether it sets an option of ours, which is kept in the session and not in a connection."""
    return statement.setting is not None and options.known(statement.setting.name) is not None


def _only_leave_behind(statements: Sequence[Statement]) -> bool:
    """Whether each of them leaves something in the session, and none begins a transaction."""
    return all(statement.stateful and not statement.control for statement in statements)


def _leave_open(statements: Sequence[Statement]) -> bool:
    """Whether they begin a transaction that they do not end."""
    controls = [statement.control for statement in statements if statement.control]
    return bool(controls) and controls[-1] is Control.BEGIN


def _nothing() -> None:
    """A connection of a session or transaction is not given back."""
