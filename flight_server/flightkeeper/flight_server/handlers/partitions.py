"""Reads in several parts, for clients that fetch them side by side.

All parts see the same data, or there is only one: they start together, and a part that has to run
again later runs only if nothing can have changed. Which node runs it does not matter, if all of
them read the same file.

Owns that promise. What can be divided is decided by the engine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine import lake_partitions, partitions
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Script, Statement, parse
from flightkeeper.flight_server.errors import NotFound
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.lake.reads import Reading
from flightkeeper.flight_server.lake.snapshot import note, noted
from flightkeeper.flight_server.placement import Placement
from flightkeeper.flight_server.sql.dialects import DUCKDB
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody

_ATTEMPTS_MAX = 3
"""How often parts are started before a statement runs as a whole, because data kept changing."""


@dataclass(frozen=True, slots=True)
class Started:
    """A statement that runs, or a part of one.

    Attributes:
        body: what its ticket will say.
    """

    body: StatementBody
    result: Result


class Partitions:
    """Starts reads in parts. Thread-safe; one per node."""

    def __init__(
        self,
        execution: Execution,
        placement: Placement,
        database: Database,
        new_id: Callable[[], str],
    ) -> None:
        """`new_id` names executions."""
        self._execution = execution
        self._placement = placement
        self._database = database
        self._new_id = new_id

    def start(self, call: Call, script: Script, body: StatementBody) -> Sequence[Started]:
        """Start a read in as many parts as the caller wants.

        Returns: the parts, at least one; none if it has to run as a whole.
        Raises: NodeError: as from running it.
        """
        wanted = self._execution.options(call).endpoints
        alone = len(script) == 1 and not (body.parameters or body.transaction_id)
        if wanted == 1 or not alone or script[0].command is not None or script[0].system:
            return ()
        with self._database.lent() as connection:
            if self._database.lake and (parts := self._of_lake(call, connection, script[0], body)):
                return parts
            for _ in range(_ATTEMPTS_MAX):
                if not self._is_plain(call):
                    return ()
                before = self._database.changes.version
                statement = self._execution.permitted(call, connection, script[0])
                texts, version = self._divided(connection, statement, wanted)
                if before is None or version is None:
                    return ()
                started = self._started(call, texts, body, version)
                try:
                    same = self._database.changes.version == before and self._is_plain(call)
                except BaseException:
                    _close(started)
                    raise
                if same:
                    return _whole(body, started) or [s for s in started if s.result.rows != 0]
                _close(started)
        return ()

    def _of_lake(
        self, call: Call, connection: Connection, statement: Statement, body: StatementBody
    ) -> Sequence[Started]:
        """A read of the lake in parts that all see one version; none if it is no such read."""
        statement = self._execution.permitted(call, connection, statement)
        texts = lake_partitions.parts(
            connection, statement, self._execution.options(call).endpoints
        )
        if not texts or not self._is_plain(call):
            return ()
        started = self._started(call, texts, body, "")
        note(body, noted(started[0].body))
        return _whole(body, started) or [s for s in started if s.result.rows != 0]

    def check(self, call: Call, body: StatementBody) -> None:
        """Whether a part can run now; it could if it can before and after it was started.

        Raises:
            NotFound: it would not fit the other parts.
        """
        with self._database.lent() as connection:
            unchanged = self._database.is_at(connection, body.data_version)
        if not unchanged or not self._is_plain(call):
            raise NotFound(
                "the data or the session's settings have changed since this statement was planned, "
                "and this part of its result is no longer kept; run the statement again, or fetch "
                "all parts at once"
            )

    def _is_plain(self, call: Call) -> bool:
        """Whether names and settings are for this caller what they are for all."""
        session = self._placement.find(call)
        return session is None or session.connection is None

    def _divided(
        self, connection: Connection, statement: Statement, wanted: int
    ) -> tuple[Sequence[str], str | None]:
        """The texts of the parts, and the name of the data they are to be run on."""
        scan = partitions.scan(connection, statement)
        ranges = partitions.ranges(scan.rows, wanted) if scan else ()
        if scan is None or len(ranges) == 1:
            return (), None
        version = self._database.version(connection, scan.catalog)
        return [scan.part(rows) for rows in ranges], version

    def _started(
        self, call: Call, texts: Sequence[str], body: StatementBody, version: str
    ) -> list[Started]:
        started: list[Started] = []
        reading: Reading | None = None
        try:
            for text in texts:
                part = StatementBody()
                part.CopyFrom(body)
                part.MergeFrom(StatementBody(query=text, dialect=DUCKDB, data_version=version))
                part.execution_id = self._new_id()
                reading = reading or self._execution.reading(noted(body))
                # They were admitted when the first was: a client may wait for all of them.
                result = self._execution.query(
                    call,
                    parse(text),
                    timeout_ms=body.statement_timeout_ms,
                    plain=body.plain,
                    continues=bool(started),
                    reading=reading,
                )
                note(part, reading.snapshot)
                started.append(Started(part, result))
        except BaseException:
            _close(started)
            raise
        return started


def _whole(body: StatementBody, parts: Sequence[Started]) -> Sequence[Started]:
    """One answer instead of parts that are all here already; nothing if some are not."""
    rows = [part.result.rows for part in parts]
    known = [count for count in rows if count is not None]
    if len(known) < len(rows):
        return ()
    batches = chain.from_iterable(part.result for part in parts)
    return [Started(body, Result(parts[0].result.schema, batches, rows=sum(known)))]


def _close(parts: Sequence[Started]) -> None:
    for part in parts:
        part.result.close()
