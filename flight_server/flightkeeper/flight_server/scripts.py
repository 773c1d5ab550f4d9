"""Runs the statements of one text on one connection, in order.

Owns binding of parameters, repetition over rows of them, and what happens between statements.
Which connection it is, and for how long, is decided by others.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server import options
from flightkeeper.flight_server.engine.connection import Connection, Parameters
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Control, Script, Shape, Statement
from flightkeeper.flight_server.errors import Cancelled, EngineFailed, InvalidArgument, NodeError

Rows = Sequence[Mapping[str, Any]]
"""Rows of bound parameters, each by column name in the order of the columns."""

_ANSWER_BYTES_MAX = 256 * 1024 * 1024

SetOption = Callable[[str, str | None], None]
"""Sets an option of the session from a `SET` statement; None puts it back to its default."""


def run(connection: Connection, script: Script, rows: Rows, set_option: SetOption) -> Result:
    """Run a script whose last statement answers with rows.

    Args:
        rows: parameters of the last statement; it runs once for each, answers concatenated.

    Returns: a stream, or the whole answer of a statement that changes something.

    Raises:
        EngineFailed: a change answers with too much; says what became of it.
    """
    last = script[-1]
    _run_all_but_last(connection, script, set_option)
    with _numbered(script, len(script)):
        if last.read_only:
            if len(rows) <= 1:
                return connection.run(last, bind(last, rows[0] if rows else {}))
            return _run_each(connection, last, rows)
        undoable = last.undoable or len(rows) > 1
        with atomic(connection) if undoable else nullcontext():
            return _collected(connection, _run_each(connection, last, rows or ({},)), last)


def update(connection: Connection, script: Script, rows: Rows | None, set_option: SetOption) -> int:
    """Run a script for its effect; how many rows its last statement changed.

    Args:
        rows: parameters; several rows are one atomic execution, and none at all run nothing.
            None = the statement is run once, without parameters.
    """
    last = script[-1]
    _run_all_but_last(connection, script, set_option)
    with _numbered(script, len(script)):
        if rows is None:
            return _change(connection, last, bind(last, {}), set_option)
        if len(rows) == 1:
            return _change(connection, last, bind(last, rows[0]), set_option)
        with atomic(connection):
            return sum(_change(connection, last, bind(last, row), set_option) for row in rows)


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


def _run_all_but_last(connection: Connection, script: Script, set_option: SetOption) -> None:
    for number, statement in enumerate(script[:-1], start=1):
        with _numbered(script, number):
            _change(connection, statement, (), set_option)


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
        raise exc.reworded(message) from exc


def _run_each(connection: Connection, statement: Statement, rows: Rows) -> Result:
    """A query's answers for several rows of parameters, one after another."""
    results = [connection.run(statement, bind(statement, rows[0]))]
    schema = results[0].schema
    stopped = threading.Event()
    threads: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        threads.append(threading.get_ident())
        yield from results[0]
        for row in rows[1:]:
            if stopped.is_set():
                raise Cancelled("the statement was stopped between two rows of its parameters")
            results[0] = connection.run(statement, bind(statement, row))
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
    connection: Connection, statement: Statement, parameters: Parameters, set_option: SetOption
) -> int:
    if statement.setting is not None and (option := options.known(statement.setting.name)):
        set_option(option, statement.setting.value)
        return 0
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
