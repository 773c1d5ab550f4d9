"""Reads of the lake: each sees one version of it, also where it runs again, on whatever node.

Owns which version that is. A read runs in a transaction of its own, in which the version is asked:
so it is neither older nor newer than what its ticket says, whoever writes meanwhile. A statement
within its caller's transaction sees what that transaction sees.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import pyarrow as pa

from flightkeeper.flight_server.engine import snapshots
from flightkeeper.flight_server.engine.connection import Connection, Parameters
from flightkeeper.flight_server.engine.lake_names import Table
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.errors import InvalidArgument, NodeError
from flightkeeper.flight_server.lake.copies import Copies
from flightkeeper.flight_server.lake.copying import Path
from flightkeeper.flight_server.lake.snapshot import (
    Snapshot,
    cannot_tell,
    check_lake,
    failed,
    not_written,
)


@dataclass(slots=True)
class Reading:
    """The reads of one execution, which all see the same version.

    Attributes:
        lake: the name of the lake of this node; empty = none.
        snapshot: what they see; None = it will be the newest, or they read nothing of the lake.
        copies: of tables, which are read in their place; None = there are none.
    """

    lake: str
    snapshot: Snapshot | None = None
    copies: Copies | None = None

    def run(self, connection: Connection, statement: Statement, parameters: Parameters) -> Result:
        """Run a pure read.

        Raises:
            NotFound: the version is no longer kept, or cannot be read again.
            InvalidArgument: the version that the client asked for cannot be read.
        """
        asked = self.snapshot is not None and self.snapshot.asked
        if self.snapshot is not None:
            check_lake(self.snapshot, self.lake)
        if not self.lake or (connection.in_transaction and not asked):
            return connection.run(statement, parameters)
        if not snapshots.may_read(connection, statement):
            return connection.run(statement, parameters)
        with connection.alone():
            copies = None if asked else self.copies
            places = copies.places(connection, statement) if copies else {}
            result = self._run(connection, statement, parameters, places)
            # What does not run over copies is told in words of the tables.
            result = result or self._run(connection, statement, parameters, {})
        assert result is not None
        return result

    def _run(
        self,
        connection: Connection,
        statement: Statement,
        parameters: Parameters,
        places: Mapping[Table, Path],
    ) -> Result | None:
        """Run it in a transaction of its own; None if it cannot be run over copies.

        Args:
            places: of tables that it may read copies of.
        """
        within = nullcontext() if connection.in_transaction else connection.reading()
        with within:
            newest = snapshots.newest(connection)
            seen = self.snapshot or Snapshot(self.lake, newest)
            if seen.version != newest or seen.asked:
                self.snapshot = seen
                return read_at(
                    connection, statement, seen, lambda older: connection.run(older, parameters)
                )
            other, result = None, None
            if places and self.copies is not None:
                other = self.copies.instead(connection, statement, places, newest)
            if other is None:
                result = connection.run(statement, parameters)
            else:
                result = _over_copies(connection, other, parameters)
            if result is not None:
                self.snapshot = seen
            return result


def _over_copies(
    connection: Connection, statement: Statement, parameters: Parameters
) -> Result | None:
    """Run a read over copies; None if it does not run."""
    try:
        return connection.run(statement, parameters)
    except InvalidArgument:
        return None


def seen_at(connection: Connection, statement: Statement, snapshot: Snapshot) -> Statement:
    """What a session runs that is to see an older version, in the place of a statement.

    Raises:
        InvalidArgument: it may change something, or cannot be read so; nothing was run.
    """
    if not snapshot.lake:
        raise InvalidArgument(
            "this node has no lake, so that there are no versions of it: RESET snapshot; nothing "
            "was run"
        )
    if statement.control or statement.sets or statement.command or statement.kind == "SET":
        return statement
    if not statement.read_only:
        raise not_written(snapshot)
    if not snapshots.may_read(connection, statement):
        return statement
    older = snapshots.at(connection, statement, snapshot.version)
    if older is None:
        raise cannot_tell(snapshot)
    return older


def read_at(
    connection: Connection,
    statement: Statement,
    snapshot: Snapshot,
    run: Callable[[Statement], Result],
) -> Result:
    """Run a pure read at an older version."""
    older = snapshots.at(connection, statement, snapshot.version)
    if older is None:
        raise cannot_tell(snapshot)
    try:
        return _named(run(older), snapshot.version)
    except NodeError as exc:
        raise failed(snapshot, exc) from exc


def _named(result: Result, version: int) -> Result:
    """The result with columns called as in the text that the client wrote."""
    schema = snapshots.plain_names(result.schema, version)
    if schema is result.schema:
        return result
    return Result(
        schema,
        (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in result),
        rows=result.rows,
        stop=result.stop,
        close=result.close,
        over=result.over,
    )
