"""Sessions and transactions: the state of callers that lives on this node only.

Most callers have none: their statements run on any connection of any node. A session begins to
exist here with the first statement that leaves something behind (SET, USE, BEGIN, a temporary
table), or with its first option; from then on its statements share one connection, if they need
one at all.

A transaction runs on its session's connection while that is free, so that it sees the session's
temporary tables and settings; otherwise on one of its own, which becomes the session's when the
transaction leaves something behind. Sessions and transactions end when closed, when idle too long,
and with the node.
Time is an argument (seconds of a monotonic clock).
"""

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from flightkeeper.discovery.locks import Hold
from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.errors import NodeError, NotFound, Unavailable
from flightkeeper.flight_server.session_state import Session, Transaction
from flightkeeper.flight_server.transaction_ages import TransactionAges
from flightkeeper.flightsql.headers import Reason


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How many sessions and transactions there may be, and for how long.

    Attributes:
        transaction_max_s: how long a transaction may be open, used or not; 0 = for ever.
    """

    sessions_max: int
    session_idle_timeout_s: float
    transaction_idle_timeout_s: float
    transaction_max_s: float = 0


class Sessions:
    """All sessions and transactions of a node. Thread-safe."""

    def __init__(self, database: Database, limits: SessionLimits) -> None:
        self._database = database
        self._limits = limits
        # Guards both tables and who runs on which connection; connections are opened, used and
        # closed outside it.
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._transactions: dict[str, Transaction] = {}
        self._ages = TransactionAges()

    def limit(self, limits: SessionLimits) -> None:
        """Keep to these limits from now on; what is open stays open."""
        self._limits = limits

    def transactions_in_use(self, now_s: float, within_s: float) -> int:
        """Transactions that hold something, of callers who were heard within so many seconds."""
        with self._lock:
            used = {id(c): (c, used_s) for c, used_s in self._connections()}
        return sum(
            connection.in_transaction and (connection.working or now_s - used_s <= within_s)
            for connection, used_s in used.values()
        )

    def states(self) -> dict[str, bool]:
        """The sessions with state here, by key, and whether a transaction of theirs is open."""
        with self._lock:
            open_keys = {t.session_key for t in self._transactions.values()}
            found = {key: session.connection for key, session in self._sessions.items()}
        kept = {k: k in open_keys or bool(c and c.in_transaction) for k, c in found.items()}
        return dict.fromkeys(open_keys, True) | kept

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
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                if len(self._sessions) >= self._limits.sessions_max:
                    raise _full("sessions", self._limits.sessions_max)
                session = self._sessions[key] = Session(now_s)
        session.used_s = now_s
        return session

    def connection(self, session: Session) -> Connection:
        """The connection that a session's statements share, made if need be.

        Raises:
            NotFound: the session ended meanwhile.
        """
        if session.connection is not None:
            return session.connection
        made = self._database.connect()
        with self._lock:
            # One that is made for an ended session would never be closed.
            lives = any(known is session for known in self._sessions.values())
            if lives and session.connection is None:
                session.connection = made
        if session.connection is not made:
            made.close()
        if session.connection is None:
            raise NotFound(
                "the session was closed or timed out meanwhile; nothing was run: connect again",
                reason=Reason.SESSION_LOST,
            )
        return session.connection

    def hold(self, session: Session) -> None:
        """The session is not idle until `let_go`."""
        with self._lock:
            session.lent += 1

    def keep(self, session: Session, lock: Hold) -> bool:
        """Let a lock go with the session; False if it has one of this name, or has ended."""
        with self._lock:
            lives = any(known is session for known in self._sessions.values())
            return lives and session.locks.setdefault(lock.name, lock) is lock

    def let_go(self, session: Session, now_s: float) -> None:
        """A statement of the session has ended elsewhere."""
        with self._lock:
            session.lent -= 1
        session.used_s = now_s

    def shared(self, session_key: str, session: Session) -> list[Connection]:
        """Every connection that statements of a session may run on, its transactions' included."""
        connection = self.connection(session)
        with self._lock:
            its = [t for t in self._transactions.values() if t.session_key == session_key]
        own = (transaction.connection for transaction in its)
        return [connection, *(other for other in own if other not in (None, connection))]

    def begin(self, session_key: str, owner: str, now_s: float) -> str:
        """Open a transaction; its name, for `transaction`.

        Raises:
            Unavailable: the node holds as many as it may.
        """
        name = secrets.token_hex(12)
        with self._lock:
            if len(self._transactions) >= self._limits.sessions_max:
                raise _full("transactions", self._limits.sessions_max)
            self._transactions[name] = Transaction(name, session_key, owner, now_s)
        return name

    def transaction(self, name: str, owner: str, now_s: float) -> Transaction:
        """An open transaction of this owner.

        Raises:
            NotFound: none of that name; it ended or sat idle too long.
        """
        transaction = self._transactions.get(name)
        if transaction is None or transaction.owner != owner:
            raise self._no_such_transaction()
        transaction.used_s = now_s
        return transaction

    def placed(self, transaction: Transaction) -> Connection:
        """The connection a transaction runs on; its statements run there within `enter`.

        Names are looked up where the session looks them up.
        """
        return transaction.connection or self._held(transaction) or self._own(transaction)

    @contextmanager
    def enter(self, transaction: Transaction, connection: Connection) -> Iterator[None]:
        """What this thread runs meanwhile is part of the transaction; the first of it begins it.

        Others wait: a statement that waited is not run once the transaction has ended.

        Raises:
            NotFound: it ended meanwhile.
        """
        with connection.alone():
            if transaction.transaction not in self._transactions:
                self._release(transaction, connection)
                raise self._no_such_transaction()
            connection.begin()
            yield

    def leave_behind(self, transaction: Transaction, now_s: float) -> Session:
        """What this transaction's statements leave in its connection belongs to its session.

        Raises:
            Unavailable: the node holds as many sessions as it may.
        """
        session = self.ensure(transaction.session_key, now_s)
        with self._lock:
            if session.connection is None:
                session.connection = transaction.connection
                session.holder = transaction.transaction
        return session

    def open_transaction(self, session_key: str) -> Transaction | None:
        """The session's one open transaction; None if there are more or none."""
        with self._lock:
            own = [t for t in self._transactions.values() if t.session_key == session_key]
        return own[0] if len(own) == 1 else None

    def end(
        self, name: str, owner: str, now_s: float, finish: Callable[[Connection], object]
    ) -> None:
        """Forget a transaction, and let it be committed or rolled back.

        Args:
            finish: does it, unless nothing was run in it.

        Raises:
            NotFound: no such transaction.
            NodeError: what `finish` raises.
        """
        transaction = self.transaction(name, owner, now_s)
        with self._lock:
            ended_meanwhile = self._transactions.pop(name, None) is None
        if ended_meanwhile:
            raise self._no_such_transaction()
        connection = transaction.connection
        if connection is None:
            return
        try:
            finish(connection)
        finally:
            self._release(transaction, connection)

    def close_session(self, key: str) -> bool:
        """End a session and its transactions; whether it had anything here."""
        with self._lock:
            session = self._sessions.pop(key, None)
            owned = [t for t in self._transactions.values() if t.session_key == key]
            for transaction in owned:
                del self._transactions[transaction.transaction]
        ended = [] if session is None else [session]
        _close(ended, *(transaction.connection for transaction in owned))
        return session is not None or bool(owned)

    def expire(self, now_s: float) -> int:
        """End what sat idle, or was open, too long; how many ended.

        Idle means: no statement began since.
        """
        limits = self._limits
        with self._lock:
            used = (connection for connection, _ in self._connections())
            overdue = self._ages.overdue(used, now_s, limits.transaction_max_s)
            transactions = [
                t
                for t in self._transactions.values()
                if id(t.connection) in overdue
                or _idle(t.connection, t.used_s, now_s, limits.transaction_idle_timeout_s)
            ]
            for transaction in transactions:
                del self._transactions[transaction.transaction]
            ended = {
                key: session
                for key, session in self._sessions.items()
                if session.holder is None
                and not session.lent
                and (
                    id(session.connection) in overdue
                    or _idle(session.connection, session.used_s, now_s, _limit(limits, session))
                )
            }
            for key in ended:
                del self._sessions[key]
        for transaction in transactions:
            if transaction.connection is not None:
                if id(transaction.connection) in overdue:
                    transaction.connection.interrupt()
                # Its session goes on, and may use the connection again.
                transaction.connection.rollback()
                self._release(transaction, transaction.connection)
        _close(ended.values())
        return len(transactions) + len(ended)

    def close(self) -> None:
        """End all sessions and transactions. Idempotent."""
        with self._lock:
            used = [connection for connection, _ in self._connections()]
            ended = list(self._sessions.values())
            self._sessions.clear()
            self._transactions.clear()
        _close(ended, *used)

    def _held(self, transaction: Transaction) -> Connection | None:
        """The session's connection, from now on this transaction's, if it was free."""
        with self._lock:
            session = self._sessions.get(transaction.session_key)
            if session is None or session.connection is None or session.holder is not None:
                return None
            if session.connection.in_transaction:
                return None
            session.holder = transaction.transaction
            transaction.connection = session.connection
            return session.connection

    def _own(self, transaction: Transaction) -> Connection:
        session = self._sessions.get(transaction.session_key)
        connection = self.beside(session)
        with self._lock:
            if transaction.connection is None:
                transaction.connection = connection
        if transaction.connection is not connection:
            connection.close()
        return transaction.connection

    def beside(self, session: Session | None) -> Connection:
        """A connection that looks names up where the session does; its owner closes it."""
        connection = self._database.connect()
        if session is not None and session.namespace is not None:
            catalog.use(connection, session.namespace.catalog, session.namespace.schema)
        return connection

    def remember(self, session: Session) -> None:
        """Take down where the session looks names up, after a statement that may change it."""
        if session.connection is not None:
            # An aborted transaction answers no question, and has changed nothing.
            with suppress(NodeError):
                session.namespace = catalog.namespace(session.connection)

    def _release(self, transaction: Transaction, connection: Connection) -> None:
        with self._lock:
            session = self._sessions.get(transaction.session_key)
            kept = session is not None and session.connection is connection
            if session is not None and session.holder == transaction.transaction:
                session.holder = None
        if not kept:
            connection.close()

    def _connections(self) -> Iterator[tuple[Connection, float]]:
        """Every connection in use and when it was used. Hold the lock."""
        owners: list[Session | Transaction] = [
            *self._sessions.values(),
            *self._transactions.values(),
        ]
        for owner in owners:
            if owner.connection is not None:
                yield owner.connection, owner.used_s

    def _no_such_transaction(self) -> NotFound:
        return NotFound(
            "there is no such open transaction: it was ended, or rolled back after being idle "
            f"for {self._limits.transaction_idle_timeout_s:.0f} s{self._longest()}",
            reason=Reason.SESSION_LOST,
        )

    def _longest(self) -> str:
        max_s = self._limits.transaction_max_s
        return f", or open for {max_s:.0f} s" if max_s else ""


def _close(sessions: Iterable[Session], *others: Connection | None) -> None:
    """Close what ended sessions had, and other connections, each of them once."""
    ended = list(sessions)
    shared = [*(session.connection for session in ended), *others]
    for connection in {id(each): each for each in shared if each}.values():
        connection.close()
    for lock in [lock for session in ended for lock in session.locks.values()]:
        lock.release()


def _limit(limits: SessionLimits, session: Session) -> float:
    # Others wait for the end of both.
    if session.locks or (session.connection is not None and session.connection.in_transaction):
        return limits.transaction_idle_timeout_s
    return limits.session_idle_timeout_s


def _idle(connection: Connection | None, used_s: float, now_s: float, limit_s: float) -> bool:
    working = connection is not None and connection.working
    return not working and now_s - used_s > limit_s


def _full(what: str, limit: int) -> Unavailable:
    return Unavailable(
        f"this node holds {limit} {what}, which is its limit; nothing was run, use another node",
        reason=Reason.OVERLOADED,
    )
