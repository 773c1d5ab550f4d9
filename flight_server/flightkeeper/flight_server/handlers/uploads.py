"""Arrow data that clients upload: read to its end, and checked before anything looks into it.

Unvalidated buffers can crash the process, and a stream that was cut off ends like one that is
complete, unless its client marks the end. So this is the only place that reads from clients.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.errors import Cancelled, InvalidArgument
from flightkeeper.flightsql import headers


def batches(call: Call, reader: flight.MetadataRecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The batches of an upload, valid in every value.

    Raises:
        InvalidArgument: damaged data.
        Cancelled: the client went away before it had sent everything.
    """
    marked = False
    try:
        for chunk in reader:
            if chunk.data is not None:
                chunk.data.validate(full=True)
                yield chunk.data
            elif chunk.app_metadata is not None:
                marked = chunk.app_metadata.to_pybytes() == headers.UPLOAD_COMPLETE
    except (pa.ArrowException, OSError) as exc:
        raise InvalidArgument(
            "the uploaded data are not valid Arrow data; nothing was run"
        ) from exc
    # Only the call itself knows how the stream ended.
    if call.cancelled or (headers.UPLOAD_MARKED in call.headers and not marked):
        raise Cancelled("the call ended before all data had arrived; nothing was run")


def schema(reader: flight.MetadataRecordBatchReader) -> pa.Schema:
    """The schema of an upload that is to be read as a table.

    Raises:
        InvalidArgument: there are no columns, or their names cannot be told apart.
    """
    found = reader.schema
    try:
        deep = [name for column in found for name in _names(column)]
    except UnicodeDecodeError as exc:
        raise InvalidArgument("a column's name is not UTF-8; nothing was run") from exc
    if not found.names or "" in found.names or any("\0" in name for name in deep):
        raise InvalidArgument("the uploaded data need columns with names; nothing was run")
    counts = Counter(name.lower() for name in found.names)
    if doubled := sorted(name for name, count in counts.items() if count > 1):
        raise InvalidArgument(
            f"more than one column is named {', '.join(doubled[:10])} (whatever the case); "
            "nothing was run"
        )
    return found


def _names(column: Any) -> Iterator[str]:
    """The column's name and those of its parts."""
    yield column.name
    for place in range(column.type.num_fields):
        yield from _names(column.type.field(place))
