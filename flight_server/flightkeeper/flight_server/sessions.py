"""Sessions and transactions: the state of callers that lives on this node only.

Most callers have none: their statements run on any connection of any node. A session begins to
exist here with the first statement that leaves something behind (SET, USE, BEGIN, a temporary
table); from then on all its statements share one connection. A transaction is a connection of its
own. Both end when closed, when idle too long, and with the node.
Time is an argument (seconds of a monotonic clock).
"""

import secrets
import threading
from dataclasses import dataclass

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.errors import NotFound, Unavailable
from flightkeeper.flightsql.headers import Reason


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How many sessions and transactions there may be, and for how long."""

    sessions_max: int
    session_idle_timeout_s: float
    transaction_idle_timeout_s: float


@dataclass(slots=True)
class Transaction:
    """An open transaction; DuckDB hears of it with its first statement."""

    transaction: str
    session_key: str
    principal: str
    connection: Connection
    used_s: float


@dataclass(slots=True)
class Session:
    """A caller's state on this node."""

    connection: Connection
    used_s: float


class Sessions:
    """All sessions and transactions of a node. Thread-safe."""

    def __init__(self, database: Database, limits: SessionLimits) -> None:
        self._database = database
        self._limits = limits
        # Guards both tables; connections are opened and closed outside it.
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._transactions: dict[str, Transaction] = {}

    def transactions_in_use(self, now_s: float, within_s: float) -> int:
        """Transactions that hold something, of callers who were heard within so many seconds."""
        with self._lock:
            owners: list[Session | Transaction] = [
                *self._sessions.values(),
                *self._transactions.values(),
            ]
        return sum(
            owner.connection.in_transaction
            and (owner.connection.working or now_s - owner.used_s <= within_s)
            for owner in owners
        )

    def find(self, key: str, now_s: float) -> Session | None:
        """The session, if it holds state here."""
        session = self._sessions.get(key)
        if session is not None:
            session.used_s = now_s
        return session

    def ensure(self, key: str, now_s: float) -> Session:
        """The session, made if need be.

        Raises:
            Unavailable: the node holds as many as it may.
        """
        if (found := self.find(key, now_s)) is not None:
            return found
        made = Session(self._database.connect(), now_s)
        with self._lock:
            if len(self._sessions) < self._limits.sessions_max:
                kept = self._sessions.setdefault(key, made)
            else:
                kept = None
        if kept is not made:
            made.connection.close()
        if kept is None:
            raise _full("sessions", self._limits.sessions_max)
        return kept

    def begin(self, session_key: str, principal: str, now_s: float) -> str:
        """Open a transaction; its name, for `transaction`.

        Raises:
            Unavailable: the node holds as many as it may.
        """
        name = secrets.token_hex(12)
        connection = self._database.connect()
        with self._lock:
            room = len(self._transactions) < self._limits.sessions_max
            if room:
                self._transactions[name] = Transaction(
                    name, session_key, principal, connection, now_s
                )
        if not room:
            connection.close()
            raise _full("transactions", self._limits.sessions_max)
        return name

    def transaction(self, name: str, principal: str, now_s: float) -> Transaction:
        """An open transaction of this principal.

        Raises:
            NotFound: none of that name; it ended or sat idle too long.
        """
        transaction = self._transactions.get(name)
        if transaction is None or transaction.principal != principal:
            raise self._no_such_transaction()
        transaction.used_s = now_s
        return transaction

    def end(self, name: str, principal: str, now_s: float, *, commit: bool) -> None:
        """Commit or roll back, and forget the transaction either way.

        Raises:
            NotFound: no such transaction.
            EngineFailed: it could not be committed; it is rolled back.
        """
        transaction = self.transaction(name, principal, now_s)
        with self._lock:
            ended_meanwhile = self._transactions.pop(name, None) is None
        if ended_meanwhile:
            raise self._no_such_transaction()
        try:
            if commit:
                transaction.connection.commit()
            else:
                transaction.connection.rollback()
        finally:
            transaction.connection.close()

    def _no_such_transaction(self) -> NotFound:
        return NotFound(
            "there is no such open transaction: it was ended, or rolled back after being idle "
            f"for {self._limits.transaction_idle_timeout_s:.0f} s",
            reason=Reason.SESSION_LOST,
        )

    def close_session(self, key: str) -> bool:
        """End a session and its transactions; whether it had anything here."""
        with self._lock:
            session = self._sessions.pop(key, None)
            owned = [t for t in self._transactions.values() if t.session_key == key]
            for transaction in owned:
                del self._transactions[transaction.transaction]
        for transaction in owned:
            transaction.connection.close()
        if session is not None:
            session.connection.close()
        return session is not None or bool(owned)

    def expire(self, now_s: float) -> int:
        """End what sat idle too long; how many ended. Idle means: no statement began since."""
        limits = self._limits
        with self._lock:
            sessions = [
                key
                for key, session in self._sessions.items()
                if _idle(session.connection, session.used_s, now_s, _limit(limits, session))
            ]
            transactions = [
                self._transactions[name]
                for name, transaction in self._transactions.items()
                if _idle(
                    transaction.connection,
                    transaction.used_s,
                    now_s,
                    limits.transaction_idle_timeout_s,
                )
            ]
            ended = [self._sessions.pop(key).connection for key in sessions]
            for transaction in transactions:
                del self._transactions[transaction.transaction]
                ended.append(transaction.connection)
        for connection in ended:
            connection.close()
        return len(ended)

    def close(self) -> None:
        """End all sessions and transactions. Idempotent."""
        with self._lock:
            ended = [s.connection for s in self._sessions.values()]
            ended += [t.connection for t in self._transactions.values()]
            self._sessions.clear()
            self._transactions.clear()
        for connection in ended:
            connection.close()


def _limit(limits: SessionLimits, session: Session) -> float:
    if session.connection.in_transaction:
        return limits.transaction_idle_timeout_s
    return limits.session_idle_timeout_s


def _idle(connection: Connection, used_s: float, now_s: float, limit_s: float) -> bool:
    return not connection.working and now_s - used_s > limit_s


def _full(what: str, limit: int) -> Unavailable:
    return Unavailable(
        f"this node holds {limit} {what}, which is its limit; nothing was run, use another node",
        reason=Reason.OVERLOADED,
    )
