"""Bound parameters: from a DoPut stream to rows, and to the bytes a handle carries."""

from typing import Any

import pyarrow as pa
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine.values import bindable
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.handlers import uploads

Rows = list[dict[str, Any]]
"""Rows of values that the engine binds, by column name, in the order of the columns."""

_PARAMETERS_BYTES_MAX = 64 * 1024 * 1024
_HANDLE_PARAMETERS_BYTES_MAX = 1024 * 1024


def read_table(call: Call, reader: flight.MetadataRecordBatchReader) -> pa.Table | None:
    """All rows of a DoPut stream; None when the client sent no parameters at all.

    Raises:
        InvalidArgument: damaged data, or too much of it for parameters.
        Cancelled: the client went away before it had sent everything.
    """
    batches: list[pa.RecordBatch] = []
    size = 0
    for batch in uploads.batches(call, reader):
        # Not `nbytes`, which ends the process where a union has no rows.
        size += pa.ipc.get_record_batch_size(batch)
        if size > _PARAMETERS_BYTES_MAX:
            raise InvalidArgument(
                f"more than {_PARAMETERS_BYTES_MAX >> 20} MiB of parameters; nothing was run, "
                "send them in several executions"
            )
        batches.append(batch)
    if not batches or not batches[0].schema.names:
        return None
    return pa.Table.from_batches(batches)


def rows_of(table: pa.Table | None) -> Rows | None:
    """The parameters row by row.

    Raises:
        InvalidArgument: a column's type has no counterpart in DuckDB, or a value no place there.
    """
    return None if table is None else bindable(table)


def encode(table: pa.Table | None) -> bytes:
    """The parameters as an Arrow IPC stream, for a handle; empty for none.

    Raises:
        InvalidArgument: too big to travel in a handle.
    """
    if table is None:
        return b""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    encoded = sink.getvalue()
    if encoded.size > _HANDLE_PARAMETERS_BYTES_MAX:
        raise InvalidArgument(
            f"{encoded.size} bytes of parameters for one query; the limit is "
            f"{_HANDLE_PARAMETERS_BYTES_MAX}: load them into a table and join it"
        )
    return encoded.to_pybytes()


def decode(encoded: bytes) -> pa.Table | None:
    """The parameters of a signed handle, which `encode` made."""
    return pa.ipc.open_stream(encoded).read_all() if encoded else None
