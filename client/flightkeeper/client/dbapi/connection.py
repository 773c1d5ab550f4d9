"""The connection of PEP 249: a transaction that begins with the first statement, or none at all.

Owns the transaction that is open. docs/decisions/dbapi-transactions.md says why it begins then.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import ClassVar, Self

from flightkeeper.client import connection as native
from flightkeeper.client.control import Control
from flightkeeper.client.dbapi import errors
from flightkeeper.client.dbapi.cursor import Cursor
from flightkeeper.client.result import Result
from flightkeeper.client.session import Value
from flightkeeper.client.transaction import Transaction, Transactional


def connect(
    url: str,
    *,
    user: str | None = None,
    password: str | None = None,
    autocommit: bool = False,
    options: Mapping[str, Value] | None = None,
    timeout_s: float = 10.0,
    statement_timeout_s: float | None = None,
    tls_roots: bytes | None = None,
    cache_dir: Path | None = None,
) -> "Connection":
    """Connect to a service; arguments not named here are those of `flightkeeper.client.connect`.

    Args:
        autocommit: every statement takes effect by itself, and a read goes to another node when
            its node fails. Otherwise a transaction begins with the first statement, on one node.
        options: of the session, such as `{"schema": "sales", "TimeZone": "Europe/Berlin"}`.

    Raises:
        InterfaceError: the URL does not parse.
        OperationalError: no node was found, or the login was refused.
    """
    with errors.translating():
        client = native.connect(
            url,
            user=user,
            password=password,
            timeout_s=timeout_s,
            statement_timeout_s=statement_timeout_s,
            tls_roots=tls_roots,
            cache_dir=cache_dir,
        )
    return Connection(client, autocommit=autocommit, options=options, on_close=client.close)


class Connection:
    """A connection of PEP 249. For one thread at a time.

    As a context manager it commits at the end of the block, undoes when the block raises, and
    closes itself.
    """

    Warning: ClassVar = errors.Warning
    Error: ClassVar = errors.Error
    InterfaceError: ClassVar = errors.InterfaceError
    DatabaseError: ClassVar = errors.DatabaseError
    DataError: ClassVar = errors.DataError
    OperationalError: ClassVar = errors.OperationalError
    IntegrityError: ClassVar = errors.IntegrityError
    InternalError: ClassVar = errors.InternalError
    ProgrammingError: ClassVar = errors.ProgrammingError
    NotSupportedError: ClassVar = errors.NotSupportedError

    def __init__(
        self,
        client: native.Connection,
        *,
        autocommit: bool = False,
        options: Mapping[str, Value] | None = None,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        """Speak through a client's connection, which several of these may share.

        Args:
            on_close: called once when this connection is closed.
        """
        self.client = client
        self._session = client.session(**options) if options else None
        self._on_close = on_close
        self._autocommit = autocommit
        self._block: AbstractContextManager[Transaction] | None = None
        self._transaction: Transaction | None = None
        self._closed = False

    @property
    def autocommit(self) -> bool:
        """Whether every statement takes effect by itself."""
        return self._autocommit

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        self._check_open()
        if self._transaction is not None and value != self._autocommit:
            raise errors.ProgrammingError("a transaction is open: commit it or roll it back first")
        self._autocommit = value

    @property
    def closed(self) -> bool:
        """Whether nothing is run any more."""
        return self._closed

    def cursor(self) -> Cursor:
        """A cursor; those of one connection are in the same transaction."""
        self._check_open()
        return Cursor(self)

    def commit(self) -> None:
        """Make permanent what was done since the last commit or rollback.

        Raises:
            OperationalError: the node is gone and nothing was committed; or, with `in_doubt`, the
                answer was lost.
        """
        self._check_open()
        transaction = self._transaction
        if transaction is None:
            return
        try:
            with errors.translating():
                transaction.commit()
        finally:
            self._leave(transaction)

    def rollback(self) -> None:
        """Undo what was done since the last commit or rollback."""
        self._check_open()
        transaction = self._transaction
        if transaction is None:
            return
        try:
            transaction.rollback()
        finally:
            self._leave(transaction)

    def close(self) -> None:
        """Undo what was not committed, and let go of everything.

        Raises:
            InterfaceError: it was closed before, which PEP 249 wants to be an error.
        """
        self._check_open()
        with ExitStack() as last:
            last.callback(self._on_close)
            if self._session is not None:
                last.callback(self._session.close)
            try:
                self.rollback()
            finally:
                self._closed = True

    def run(self, sql: str, parameters: Sequence[object] | None, control: Control) -> Result:
        """Run a statement of a cursor."""
        self._check_open()
        if self._autocommit:
            return self._outside.query(sql, parameters, control=control)
        # A transaction has one result at a time, and its cursors may be read in any order.
        return self._begun().query(sql, parameters, control=control, buffered=True)

    def run_many(self, act: Callable[[Transaction], int]) -> int:
        """Run several statements of a cursor, all or none."""
        self._check_open()
        if not self._autocommit:
            return act(self._begun())
        with self._outside.transaction() as transaction:
            return act(transaction)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_exc: object) -> None:
        if self._closed:
            return
        try:
            if kind is None:
                self.commit()
        finally:
            self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else repr(self._transaction or "no transaction")
        return f"<dbapi.Connection {state}, {self.client!r}>"

    @property
    def _outside(self) -> Transactional:
        return self.client if self._session is None else self._session

    def _begun(self) -> Transaction:
        if self._transaction is None:
            self._block = self._outside.transaction()
            self._transaction = self._block.__enter__()
        return self._transaction

    def _leave(self, transaction: Transaction) -> None:
        block, self._block, self._transaction = self._block, None, None
        assert transaction.ended
        if block is not None:
            block.__exit__(None, None, None)

    def _check_open(self) -> None:
        if self._closed:
            raise errors.InterfaceError("the connection is closed; nothing was run: connect again")
