"""Bulk ingest: CommandStatementIngest over DoPut.

The upload is kept until it is complete, and then applied by one statement in one short transaction.
What can be refused without the data is refused before they are sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial

import pyarrow as pa
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine import catalog, ingest
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.ingest import IfExists, Target
from flightkeeper.flight_server.engine.intake import Intake, importable
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.errors import Cancelled, InvalidArgument, NodeError
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers import uploads
from flightkeeper.flight_server.handlers.routes import Routes
from flightkeeper.flight_server.lake.snapshot import not_written
from flightkeeper.flight_server.scripts import atomic
from flightkeeper.flight_server.staging import Staged, Staging
from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql

_Options = sql.CommandStatementIngest.TableDefinitionOptions

_CREATE: Mapping[int, bool] = {
    _Options.TABLE_NOT_EXIST_OPTION_CREATE: True,
    _Options.TABLE_NOT_EXIST_OPTION_FAIL: False,
}
_IF_EXISTS: Mapping[int, IfExists] = {
    _Options.TABLE_EXISTS_OPTION_FAIL: IfExists.FAIL,
    _Options.TABLE_EXISTS_OPTION_APPEND: IfExists.APPEND,
    _Options.TABLE_EXISTS_OPTION_REPLACE: IfExists.REPLACE,
}
_NOTHING = "; nothing was applied"


class Ingest:
    """Serves bulk ingest. Thread-safe."""

    def __init__(self, execution: Execution, staging: Staging) -> None:
        self._execution = execution
        self._staging = staging

    def routes(self) -> Routes:
        """What this family serves."""
        return Routes(put={sql.CommandStatementIngest: self._put})

    def _put(
        self,
        call: Call,
        command: sql.CommandStatementIngest,
        reader: flight.MetadataRecordBatchReader,
    ) -> Message:
        if call.read_only:
            raise InvalidArgument(
                "an ingest changes a table, and only reads were asked for; nothing was applied",
                reason=Reason.NOT_READ_ONLY,
            )
        target = target_of(command)
        intake = importable(uploads.schema(reader))
        transaction_id = command.transaction_id or self._execution.implied_transaction(call)
        working = partial(
            self._execution.working,
            call,
            transaction_id=transaction_id,
            timeout_ms=self._execution.options(call).statement_timeout_ms,
            stateful=target.temporary,
            about=f"INGEST INTO {catalog.quoted(target.table)}",
        )
        with working() as connection:
            target = ingest.located(connection, target)
            self._check(call, connection, target)
            _planned(call, connection, target, intake)
        batches = self._heard(call, transaction_id, uploads.batches(call, reader))
        staged = self._staging.receive(intake.schema, map(intake.taken, batches))
        with closing(staged), working(continues=True) as connection:
            self._check(call, connection, target)
            rows = self._apply(call, connection, target, intake, staged)
            return sql.DoPutUpdateResult(record_count=rows)

    def _apply(
        self, call: Call, connection: Connection, target: Target, intake: Intake, staged: Staged
    ) -> int:
        """Apply a whole upload or nothing of it; how many rows it has.

        Raises:
            NodeError: says that nothing of it was applied, and what became of an open transaction;
                or that it is not known.
        """

        def applied(where: Connection) -> int:
            with ingest.offered(where, staged.reader()), atomic(where):
                _change(call, where, ingest.plan(where, target, intake))
            return staged.rows

        try:
            planned = _planned(call, connection, target, intake)
            statement = ingest.named(target, planned, staged.schema, staged.rows)
            return self._execution.around(call, connection, Change(statement, applied))
        except NodeError as exc:
            if exc.in_doubt:
                raise
            message = str(exc).removesuffix(_NOTHING)
            aborted = connection.in_transaction and not connection.sound
            after = ", and the open transaction is aborted: roll it back" if aborted else ""
            raise exc.reworded(f"{message}{_NOTHING}{after}") from exc

    def _check(self, call: Call, connection: Connection, target: Target) -> None:
        """Whether the caller may do it; asked again when all is here."""
        if asked := self._execution.asked(call):
            raise not_written(asked)
        path = (target.catalog or "", target.schema or "", target.table)
        replaces = target.if_exists is IfExists.REPLACE
        self._execution.rules.check_upload(
            call.identity.principal, connection, path, replaces=replaces
        )

    def _heard(
        self, call: Call, transaction_id: bytes, batches: Iterable[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        """The batches; while they come, the transaction they are for is not idle."""
        for batch in batches:
            self._execution.heard(call, transaction_id)
            yield batch


def target_of(command: sql.CommandStatementIngest) -> Target:
    """What a command asks for.

    Raises:
        InvalidArgument: it does not say all, or what cannot be.
    """
    create = _CREATE.get(command.table_definition_options.if_not_exist)
    if_exists = _IF_EXISTS.get(command.table_definition_options.if_exists)
    if create is None or if_exists is None:
        raise InvalidArgument("say what to do if the table exists, and what if it does not")
    if not create and if_exists is IfExists.FAIL:
        raise InvalidArgument("an ingest that fails with and without a table cannot succeed")
    if command.options:
        raise InvalidArgument(f"there are no such options here: {', '.join(command.options)}")
    if not command.table or "\0" in command.table:
        raise InvalidArgument("the table needs a name, without zero bytes")
    catalog, schema = command.catalog or None, command.schema or None
    if command.temporary:
        catalog, schema = _temporary_place(catalog, schema)
    return Target(command.table, schema, catalog, create, if_exists)


def _temporary_place(catalog: str | None, schema: str | None) -> tuple[str, str]:
    """Where temporary tables live. Spec: an explicit choice that contradicts it is an error."""
    place = ingest.TEMPORARY, "main"
    if (catalog or place[0], schema or place[1]) != place:
        raise InvalidArgument(
            "temporary tables have a place of their own: leave out catalog and schema"
        )
    return place


def _planned(
    call: Call, connection: Connection, target: Target, intake: Intake
) -> Statement | None:
    """What applies it as things are now; None if it may have been: that is no reason to refuse it.

    Raises:
        NotFound, InvalidArgument: it cannot be applied.
    """
    if call.may_be_known and not connection.in_transaction:
        return None
    return ingest.plan(connection, target, intake)


def _change(call: Call, connection: Connection, statement: Statement) -> None:
    _check_wanted(call)
    connection.change(statement)
    try:
        _check_wanted(call)
    except Cancelled:
        # Its rows are in a transaction that goes on: they must not be committed with it.
        if connection.in_transaction:
            connection.abort("an upload was cancelled")
        raise


def _check_wanted(call: Call) -> None:
    if call.cancelled:
        raise Cancelled("the call ended before the upload was applied")
