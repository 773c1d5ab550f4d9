"""What a raw client does to upload: commands of bulk ingest, and streams left open."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import flight

from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import WireClient, eventually

Ingest = sql.CommandStatementIngest
Options = Ingest.TableDefinitionOptions

_CREATE = Options.TABLE_NOT_EXIST_OPTION_CREATE
_FAIL = Options.TABLE_NOT_EXIST_OPTION_FAIL

CREATE = Options(if_not_exist=_CREATE, if_exists=Options.TABLE_EXISTS_OPTION_FAIL)
APPEND = Options(if_not_exist=_FAIL, if_exists=Options.TABLE_EXISTS_OPTION_APPEND)
REPLACE = Options(if_not_exist=_CREATE, if_exists=Options.TABLE_EXISTS_OPTION_REPLACE)
CREATE_APPEND = Options(if_not_exist=_CREATE, if_exists=Options.TABLE_EXISTS_OPTION_APPEND)
REPLACE_ONLY = Options(if_not_exist=_FAIL, if_exists=Options.TABLE_EXISTS_OPTION_REPLACE)
NEITHER = Options(if_not_exist=_FAIL, if_exists=Options.TABLE_EXISTS_OPTION_FAIL)


def into(table: str, mode: Options = CREATE_APPEND, **more: Any) -> Ingest:
    """The command that ingests into a table."""
    return Ingest(table=table, table_definition_options=mode, **more)


def ingest(client: WireClient, command: Ingest, rows: pa.Table) -> int:
    """Ingest all rows at once; how many the node says it has applied."""
    return int(sql.DoPutUpdateResult.FromString(client.put(command, rows)).record_count)


@contextmanager
def uploading(
    client: WireClient, command: Ingest, schema: pa.Schema, timeout_s: float = 30
) -> Iterator[tuple[flight.FlightStreamWriter, Any]]:
    """An ingest whose stream stays open; at the end it is closed, whatever became of the call."""
    descriptor = flight.FlightDescriptor.for_command(pack(command))
    writer, reader = client.flight.do_put(descriptor, schema, client.options(timeout_s))
    try:
        yield writer, reader
    finally:
        with suppress(flight.FlightError, pa.ArrowException):
            writer.close()


SMALL = pa.record_batch({"a": [1], "b": ["x"]})


def endless(writer: Any, batch: pa.RecordBatch = SMALL) -> None:
    """Send batches until the node does not want more, which raises what it says."""
    eventually(lambda: bool(writer.write_batch(batch)))


def exchanged(
    client: WireClient, text: str, rows: pa.Table, transaction: bytes | None = None
) -> pa.Table:
    """Send all rows, then read the whole answer."""
    command = sql.CommandStatementQuery(query=text, transaction_id=transaction)
    descriptor = flight.FlightDescriptor.for_command(pack(command))
    writer, reader = client.flight.do_exchange(descriptor, client.options())
    with writer:
        writer.begin(rows.schema)
        for batch in rows.to_batches(max_chunksize=65_536):
            writer.write_batch(batch)
        writer.done_writing()
        answer: pa.Table = reader.read_all()
    return answer


def open_files(directory: Path) -> list[str]:
    """What this process holds open below a directory, also what has no name there any more."""
    names = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            names.append(str(link.readlink()))
    return [name for name in names if name.startswith(str(directory))]
