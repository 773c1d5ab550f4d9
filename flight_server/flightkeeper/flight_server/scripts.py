"""Runs the statements of one text on one connection, in order.

Owns binding of parameters, repetition over rows of them, and what happens between statements.
Which connection it is, and for how long, is decided by others.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from flightkeeper.flight_server import options
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.connection import COUNT_SCHEMA, Connection, Parameters
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Control, Script, Shape, Statement
from flightkeeper.flight_server.errors import Cancelled, EngineFailed, InvalidArgument, NodeError
from flightkeeper.flightsql.headers import Reason

Rows = Sequence[Mapping[str, Any]]
"""Rows of bound parameters, each by column name in the order of the columns."""

_ANSWER_BYTES_MAX = 256 * 1024 * 1024

_STOPPED_BETWEEN = (
    "the statement was stopped between two of its parts; what it had not committed has no effect"
)

_NOTHING_RAN = {Reason.AWAY, Reason.CONFLICT}
"""What invites to send a text again, as long as none of it has run."""

_T = TypeVar("_T")


class Outside(Protocol):
    """What of a text is not for the engine alone: options of ours, and what the cluster owns."""

    def set_option(self, name: str, value: str | None) -> None:
        """Set an option of the session; None puts it back to its default."""

    def permitted(self, connection: Connection, statement: Statement) -> Statement:
        """What is run in the place of a statement, right before it is.

        Raises:
            PermissionDenied: the caller may not run it.
        """

    def read(self, connection: Connection, statement: Statement, parameters: Parameters) -> Result:
        """Run a pure read; all of one text see one version of the lake."""

    def command(self, connection: Connection, command: Command) -> pa.Table | None:
        """Run what is asked of the cluster; its answer, if it has one."""

    def around(self, connection: Connection, change: Change[_T]) -> _T:
        """Run a change on the engine, or on what the cluster owns if it is about that."""


def run(connection: Connection, script: Script, rows: Rows, outside: Outside) -> Result:
    """Run a script whose last statement answers with rows.

    Args:
        rows: parameters of the last statement; it runs once for each, answers concatenated.

    Returns: a stream, or the whole answer of a statement that changes something.

    Raises:
        EngineFailed: a change answers with too much; says what became of it.
    """
    _run_all_but_last(connection, script, outside)
    with _numbered(script, len(script)):
        last = outside.permitted(connection, script[-1])
        if last.command is not None:
            return _answered(outside.command(connection, last.command))
        if last.read_only:
            read = partial(outside.read, connection, last)
            if len(rows) <= 1:
                return read(bind(last, rows[0] if rows else {}))
            return _run_each(connection, last, rows, read)
        change = Change(last, lambda where: _changed_rows(where, last, rows), rows)
        return outside.around(connection, change)


def update(connection: Connection, script: Script, rows: Rows | None, outside: Outside) -> int:
    """Run a script for its effect; how many rows its last statement changed.

    Args:
        rows: parameters; several rows are one atomic execution, and none at all run nothing.
            None = the statement is run once, without parameters.
    """
    whole = () if connection.in_transaction else _whole(script)
    run = partial(_update, script=script, rows=rows, outside=outside, whole=whole)
    if not whole:
        return run(connection)
    return outside.around(connection, Change(script[-1], run, whole, whole=True))


def _update(
    connection: Connection,
    script: Script,
    rows: Rows | None,
    outside: Outside,
    whole: tuple[str, ...],
) -> int:
    _run_all_but_last(connection, script, outside, whole)
    with _numbered(script, len(script)):
        last = outside.permitted(connection, script[-1])
        if rows is None:
            return _change(connection, last, {}, outside, whole)
        if len(rows) == 1:
            return _change(connection, last, rows[0], outside)
        change = Change(last, lambda where: _change_each(where, last, rows), rows)
        return outside.around(connection, change)


@contextmanager
def atomic(connection: Connection) -> Iterator[None]:
    """All of it or nothing; within a transaction that is the transaction's business."""
    # Alone, or statements of the same session would become part of it.
    with connection.alone():
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


@contextmanager
def _stoppable(connection: Connection) -> Iterator[Callable[[], None]]:
    """Let what has several parts be stopped between them: the engine hears that in a part only.

    Returns: raises Cancelled if the thread was stopped. An open transaction is aborted then, as
        where a part is stopped: some of them are not to be committed without the others.
    """
    with connection.waiting() as check_goes_on:

        def check() -> None:
            try:
                check_goes_on()
            except Cancelled as exc:
                if connection.in_transaction:
                    connection.abort(_STOPPED_BETWEEN)
                raise Cancelled(_STOPPED_BETWEEN) from exc

        yield check


def _change_each(connection: Connection, statement: Statement, rows: Rows) -> int:
    changed = 0
    with atomic(connection), _stoppable(connection) as check:
        for row in rows:
            changed += _engine_change(connection, statement, bind(statement, row))
            check()
    return changed


def _changed_rows(connection: Connection, statement: Statement, rows: Rows) -> Result:
    """The whole answer of a change."""
    undoable = statement.undoable or len(rows) > 1
    with atomic(connection) if undoable else nullcontext(), _stoppable(connection) as check:
        run = partial(connection.run, statement)
        result = _run_each(connection, statement, rows or ({},), run, check)
        return _collected(connection, result, statement)


def _answered(table: pa.Table | None) -> Result:
    table = COUNT_SCHEMA.empty_table() if table is None else table
    return Result(table.schema, iter(table.to_batches()), rows=table.num_rows)


def _collected(connection: Connection, result: Result, statement: Statement) -> Result:
    """The whole answer of a change in memory, where it can be fetched again."""
    batches, size = [], 0
    for batch in result:
        batches.append(batch)
        size += batch.nbytes
        if size > _ANSWER_BYTES_MAX:
            result.close()
            after = "what it did stays"
            if statement.undoable:
                connection.abort("the answer of a statement was too big")
                after = "nothing was written, and an open transaction is aborted"
            raise EngineFailed(
                f"a statement that may change something answered with more than "
                f"{_ANSWER_BYTES_MAX >> 20} MiB, which is the limit; {after}: let it answer with "
                "less, and ask for the rows with a statement of their own"
            )
    return Result(result.schema, iter(batches), rows=sum(batch.num_rows for batch in batches))


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
        return dict(zip(sorted(names, key=int), row.values(), strict=True))
    if names != row.keys():
        raise InvalidArgument(
            f"the statement's parameters are {sorted(names)}, the values are named {sorted(row)}"
        )
    return row


def _run_all_but_last(
    connection: Connection, script: Script, outside: Outside, whole: tuple[str, ...] = ()
) -> None:
    with _stoppable(connection) as check:
        for number, statement in enumerate(script[:-1], start=1):
            with _numbered(script, number):
                _change(connection, outside.permitted(connection, statement), None, outside, whole)
            check()


def _whole(script: Script) -> tuple[str, ...]:
    """The texts of a script that is one transaction from its first to its last; else nothing."""
    controls = [statement.control for statement in script]
    ends = controls[0], controls[-1]
    if ends != (Control.BEGIN, Control.COMMIT) or any(controls[1:-1]):
        return ()
    return tuple(statement.source for statement in script)


def _numbered(script: Script, number: int) -> AbstractContextManager[None]:
    """Say which statement of several failed: the ones before it have run."""
    return _named(script, number) if len(script) > 1 else nullcontext()


@contextmanager
def _named(script: Script, number: int) -> Iterator[None]:
    try:
        yield
    except NodeError as exc:
        before = "" if number == 1 else "; the ones before it have run"
        message = f"statement {number} of {len(script)} failed{before}: {exc}"
        if number > 1 and exc.reason in _NOTHING_RAN:
            raise EngineFailed(message, cause=exc.cause) from exc
        raise exc.reworded(message) from exc


def _run_each(
    connection: Connection,
    statement: Statement,
    rows: Rows,
    run_one: Callable[[Parameters], Result],
    check: Callable[[], None] = lambda: None,
) -> Result:
    """A statement's answers for several rows of parameters, one after another.

    Args:
        check: called between two of them; raises Cancelled to end it.
    """
    results = [run_one(bind(statement, rows[0]))]
    schema = results[0].schema
    stopped = threading.Event()
    threads: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        threads.append(threading.get_ident())
        yield from results[0]
        for row in rows[1:]:
            check()
            if stopped.is_set():
                raise Cancelled(_STOPPED_BETWEEN)
            results[0] = run_one(bind(statement, row))
            if results[0].schema != schema:
                results[0].close()
                raise InvalidArgument(
                    "the rows of parameters lead to answers of different types; "
                    "cast the parameters in the statement"
                )
            yield from results[0]

    def stop() -> bool:
        stopped.set()
        results[0].stop()
        # The next row may be on its way.
        for thread in threads:
            connection.interrupt(thread)
        return False

    def close() -> None:
        stopped.set()
        results[0].close()

    return Result(schema, batches(), stop=stop, close=close)


def _change(
    connection: Connection,
    statement: Statement,
    row: Mapping[str, Any] | None,
    outside: Outside,
    whole: tuple[str, ...] = (),
) -> int:
    """Run a statement for its effect.

    Args:
        whole: the texts of the transaction that it is in, if that is all of the script.
    """
    parameters = () if row is None else bind(statement, row)
    if statement.command is not None:
        answer = outside.command(connection, statement.command)
        return 0 if answer is None else answer.num_rows
    if statement.setting is not None and (option := options.known(statement.setting.name)):
        outside.set_option(option, statement.setting.value)
        return 0
    whole = whole if statement.control else ()
    change = Change(
        statement,
        lambda where: _engine_change(where, statement, parameters),
        whole or ((row,) if row else ()),
        whole=bool(whole),
    )
    return outside.around(connection, change)


def _engine_change(connection: Connection, statement: Statement, parameters: Parameters) -> int:
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
