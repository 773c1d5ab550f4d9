"""Uploads: what one attempt of an ingest says to a node.

The rows go out one message at a time, so no more than a few of them are in memory. The node applies
them when it has heard that they were all, in one transaction; until then nothing has happened.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import pyarrow as pa

from flightkeeper.client import execution
from flightkeeper.client.attempts import Attempt
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.sources import Source, SourceUsedUp
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as wire

OnProgress = Callable[[int, int], object]
"""Called after each message with the rows and bytes sent so far."""

_Options = wire.CommandStatementIngest.TableDefinitionOptions
_CREATE, _NO_CREATE = (
    _Options.TABLE_NOT_EXIST_OPTION_CREATE,
    _Options.TABLE_NOT_EXIST_OPTION_FAIL,
)


class Mode(StrEnum):
    """What to do with a table that is there, and with one that is not."""

    APPEND = "append"
    CREATE = "create"
    REPLACE = "replace"
    CREATE_APPEND = "create_append"


_DEFINITIONS = {
    Mode.APPEND: (_NO_CREATE, _Options.TABLE_EXISTS_OPTION_APPEND),
    Mode.CREATE: (_CREATE, _Options.TABLE_EXISTS_OPTION_FAIL),
    Mode.REPLACE: (_CREATE, _Options.TABLE_EXISTS_OPTION_REPLACE),
    Mode.CREATE_APPEND: (_CREATE, _Options.TABLE_EXISTS_OPTION_APPEND),
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the rows go.

    Attributes:
        schema: of the table; None = the one where names are looked up. The same for `catalog`.
        transaction_id: the transaction it belongs to, or None.
    """

    table: str
    mode: Mode
    schema: str | None = None
    catalog: str | None = None
    transaction_id: bytes | None = None


def ingest(
    attempt: Attempt, target: Target, source: Source, progress: OnProgress | None = None
) -> int:
    """Send all rows of a source and have them applied; how many there were."""
    settings = replace(attempt.settings(), marked=True)
    control = attempt.statement.control
    control.rows = control.nbytes = 0
    upload = attempt.channel.upload(_command(target), source.schema, settings)
    try:
        for batch in _batches(source):
            if control.cancelled:
                raise CallFailed(Failure(Kind.CANCELLED, "it was cancelled; nothing was applied"))
            upload.write(batch)
            control.counts(batch.num_rows, pa.ipc.get_record_batch_size(batch))
            if progress is not None:
                progress(control.rows, control.nbytes)
        # Until here nothing can have been applied.
        attempt.sent, attempt.again = True, source.whole
        return execution.record_count(upload.complete())
    finally:
        upload.close()


def _batches(source: Source) -> Iterator[pa.RecordBatch]:
    try:
        return source.batches()
    except SourceUsedUp:
        message = (
            "nothing was applied, and the rows already taken from the reader cannot be sent to"
            " another node: ingest again, from a new reader"
        )
        raise CallFailed(Failure(Kind.REFUSED, message)) from None


def _command(target: Target) -> bytes:
    if_not_exist, if_exists = _DEFINITIONS[target.mode]
    return pack(
        wire.CommandStatementIngest(
            table_definition_options=_Options(if_not_exist=if_not_exist, if_exists=if_exists),
            table=target.table,
            schema=target.schema,
            catalog=target.catalog,
            transaction_id=target.transaction_id,
        )
    )
