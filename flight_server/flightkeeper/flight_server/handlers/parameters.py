"""Bound parameters: from a DoPut stream to rows, and to the bytes a handle carries.

Data from outside is validated before anything looks into it: unvalidated Arrow buffers can crash
the process.
"""

from typing import Any

import pyarrow as pa
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.errors import Cancelled, InvalidArgument

Rows = list[dict[str, Any]]
"""Rows of values by column name, in the order of the columns."""

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
    for chunk in reader:
        batch = chunk.data
        if batch is None:
            continue
        _validate(batch)
        size += batch.nbytes
        if size > _PARAMETERS_BYTES_MAX:
            raise InvalidArgument(
                f"more than {_PARAMETERS_BYTES_MAX >> 20} MiB of parameters; nothing was run, "
                "send them in several executions"
            )
        batches.append(batch)
    # A stream that was cut off ends like one that is complete; only the call itself knows.
    if call.cancelled:
        raise Cancelled("the call ended before all parameters had arrived; nothing was run")
    if not batches or not batches[0].schema.names:
        return None
    return pa.Table.from_batches(batches)


def rows_of(table: pa.Table | None) -> Rows | None:
    """The parameters as rows of Python values by column name."""
    if table is None:
        return None
    if len(set(table.column_names)) < table.num_columns:
        # Positional parameters need no names; some clients give all of them the same.
        table = table.rename_columns([str(index) for index in range(table.num_columns)])
    return table.to_pylist()


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


def _validate(batch: pa.RecordBatch) -> None:
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as exc:
        raise InvalidArgument("the parameters are not valid Arrow data; nothing was run") from exc
