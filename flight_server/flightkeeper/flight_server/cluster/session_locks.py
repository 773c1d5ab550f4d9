"""The cluster's locks in the hands of sessions: any client of a node can exclude all others.

Owns what statements about locks do. A session keeps what it holds, and its end lets it go.
"""

from collections.abc import Mapping

import pyarrow as pa

from flightkeeper.discovery.contention import EXCLUSIVE, SHARED
from flightkeeper.discovery.locks import Hold, LockTimeout
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.commands import Handler
from flightkeeper.flight_server.cluster.failures import translated
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import (
    Cancelled,
    InvalidArgument,
    NotFound,
    TimedOut,
    Unavailable,
)
from flightkeeper.flight_server.session_state import Session
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flight_server.sql.lock_statements import (
    CheckLock,
    ReleaseLock,
    ShowLocks,
    TakeLock,
)
from flightkeeper.flightsql.headers import Reason

_LOCKS_MAX = 100


class SessionLocks:
    """Takes and lets go of locks for sessions. Thread-safe."""

    def __init__(
        self, registry: Registry, sessions: Sessions, admission: Admission, clocks: Clocks
    ) -> None:
        self._registry = registry
        self._sessions = sessions
        self._admission = admission
        self._clocks = clocks

    def handlers(self) -> Mapping[type[Command], Handler]:
        """The commands that are served here."""
        return {
            TakeLock: self._take,
            CheckLock: self._check,
            ReleaseLock: self._release,
            ShowLocks: self._show,
        }

    def _take(self, call: Call, connection: Connection, command: TakeLock) -> pa.Table:
        session = self._session(call)
        if session is None:
            raise InvalidArgument(
                "a lock stays with a session on one node, and the next statement may run on "
                "another; it is not held"
            )
        if (lock := _living(session, command.name)) is not None:
            return _held_already(command, lock)
        if len(session.locks) >= _LOCKS_MAX:
            raise InvalidArgument(
                f"this session holds {_LOCKS_MAX} locks, which is the limit; {command.name} is not "
                "held: let go of one"
            )
        hold = self._waited(session, connection, command)
        if not self._sessions.keep(session, hold):
            hold.release()
            # Another statement of the session was faster, or the session has ended.
            if (lock := _living(session, command.name)) is not None and self._session(call):
                return _held_already(command, lock)
            raise NotFound(
                f"the session was closed or timed out meanwhile; the lock {command.name} is not "
                "held: connect again",
                reason=Reason.SESSION_LOST,
            )
        return _answer(command, [hold.token])

    def _waited(self, session: Session, connection: Connection, command: TakeLock) -> Hold:
        """The lock, as soon as it is held, without standing in anybody's way on this node."""
        self._sessions.hold(session)
        try:
            with self._admission.aside() as check_stays, connection.waiting() as check_goes_on:

                def check() -> None:
                    check_stays()
                    check_goes_on()

                with translated():
                    return self._registry.lock(
                        command.name,
                        command.wait_s,
                        claim=SHARED if command.shared else EXCLUSIVE,
                        check=check,
                    )
        except Cancelled as exc:
            raise Cancelled(
                f"the statement was stopped while it waited for the lock {command.name}; it is not "
                "held"
            ) from exc
        except Unavailable as exc:
            if isinstance(exc.__cause__, LockTimeout):
                # Not this node's fault: another one would not have it sooner.
                raise TimedOut(str(exc)) from exc
            raise
        finally:
            self._sessions.let_go(session, self._clocks.monotonic_s())

    def _check(self, call: Call, connection: Connection, command: CheckLock) -> pa.Table:
        del connection
        session = self._session(call)
        lock = None if session is None else session.locks.get(command.name)
        if lock is None:
            raise NotFound(f"this session does not hold the lock {command.name}: take it first")
        if lock.lost:
            raise _lost(command.name)
        return _answer(command, [lock.token])

    def _release(self, call: Call, connection: Connection, command: ReleaseLock) -> pa.Table:
        del connection
        session = self._session(call)
        lock = None if session is None else session.locks.pop(command.name, None)
        if lock is not None:
            lost = lock.lost
            lock.release()
            if lost:
                raise _lost(command.name)
        return _answer(command, [lock is not None])

    def _show(self, call: Call, connection: Connection, command: ShowLocks) -> pa.Table:
        del connection
        session = self._session(call)
        locks = {} if session is None else dict(session.locks)
        return _answer(
            command,
            list(locks),
            [lock.token for lock in locks.values()],
            [lock.claim.shared for lock in locks.values()],
            [lock.lost for lock in locks.values()],
        )

    def _session(self, call: Call) -> Session | None:
        return self._sessions.find(call.session_key, self._clocks.monotonic_s())


def _living(session: Session, name: str) -> Hold | None:
    """What the session holds under a name; one that was lost is taken away."""
    lock = session.locks.get(name)
    if lock is not None and lock.lost:
        session.locks.pop(name, None)
        lock.release()
        return None
    return lock


def _held_already(command: TakeLock, lock: Hold) -> pa.Table:
    if lock.claim.shared is not command.shared:
        how = "shared" if lock.claim.shared else "alone"
        raise InvalidArgument(
            f"this session holds the lock {command.name} {how} already; nothing has changed: let "
            "it go first"
        )
    return _answer(command, [lock.token])


def _lost(name: str) -> NotFound:
    return NotFound(
        f"the lock {name} was lost: ZooKeeper did not confirm it in time, and another one may have "
        "it; what was done under it before stands: take it again"
    )


def _answer(command: Command, *columns: list[object]) -> pa.Table:
    assert command.schema is not None
    return pa.table(list(columns), schema=command.schema)
