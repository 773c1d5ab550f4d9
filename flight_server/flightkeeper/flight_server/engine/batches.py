"""Batches of about the target size, whatever the engine hands out.

Theory. DuckDB fills batches up to a number of rows that must be fixed before the first is known.
Where the types fix the width of a row, that number is exact and batches pass untouched. Elsewhere
it is chosen low, because 100,000 long values would be a lot of memory; batches that turn out small
are put together, which copies them once, and those that turn out big are cut, which copies nothing.

Sizes are what a batch takes on the wire before compression, without dictionaries: these are sent
once for a whole result.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

_ROWS_STEP = 2048
"""DuckDB's vector size: other batch lengths make it cut vectors."""
_ROWS_MAX = 122_880
"""No batch waits for more rows than that, however narrow they are."""
_ROWS_UNSURE_MAX = 8192
"""As many rows are read at once when nobody knows how long they are; fewer cost throughput."""
_FULL = 0.75
"""Batches of this part of the target are not made bigger: copying costs more than it saves."""
_OVERSIZE = 1.5
"""Batches of up to this multiple of the target are not cut. Clients limit a message to 4 MiB."""

_WIDTHS: Mapping[str, float] = {
    "BOOLEAN": 1 / 8,
    "TINYINT": 1,
    "UTINYINT": 1,
    "SMALLINT": 2,
    "USMALLINT": 2,
    "INTEGER": 4,
    "UINTEGER": 4,
    "FLOAT": 4,
    "DATE": 4,
    "ENUM": 4,
    "BIGINT": 8,
    "UBIGINT": 8,
    "DOUBLE": 8,
    "TIME": 8,
    "TIMESTAMP": 8,
    "TIMESTAMP WITH TIME ZONE": 8,
    "TIMESTAMP_S": 8,
    "TIMESTAMP_MS": 8,
    "TIMESTAMP_NS": 8,
    "DECIMAL": 16,
    "HUGEINT": 16,
    "INTERVAL": 16,
    "UUID": 40,
}
"""Bytes a value takes in Arrow, by DuckDB type, where the type fixes them."""
_WIDTH_UNSURE = 32


def rows_per_batch(types: Sequence[str], batch_bytes: int) -> int:
    """How many rows to ask the engine for at once.

    Args:
        types: DuckDB's names of the columns' types.
        batch_bytes: the target for one batch.

    Returns: a multiple of DuckDB's vector size.
    """
    widths = [_width(kind) for kind in types]
    width = sum(_WIDTH_UNSURE if known is None else known for known in widths)
    most = _ROWS_UNSURE_MAX if None in widths else _ROWS_MAX
    rows = min(most, int(batch_bytes / width)) if width else most
    return max(_ROWS_STEP, rows // _ROWS_STEP * _ROWS_STEP)


def size(batch: pa.RecordBatch) -> int:
    """Bytes on the wire."""
    return pa.ipc.get_record_batch_size(batch)


class Gathering:
    """Makes batches of the target size from what the engine hands out, in order.

    Attributes:
        taken_bytes: how much it was handed so far.
    """

    def __init__(self, batch_bytes: int) -> None:
        self.taken_bytes = 0
        self._batch_bytes = batch_bytes
        self._small: list[pa.RecordBatch] = []
        self._small_bytes = 0
        self._small_rows = 0

    def add(self, batch: pa.RecordBatch, *, hurry: bool = False) -> list[pa.RecordBatch]:
        """Take one more batch; those that are complete now.

        Args:
            hurry: all are to be complete now, however small.
        """
        if not batch.num_rows:
            return []
        more = size(batch)
        self.taken_bytes += more
        too_many = self._small_bytes + more > _OVERSIZE * self._batch_bytes
        complete = self.rest() if too_many else []
        self._small.append(batch)
        self._small_bytes += more
        self._small_rows += batch.num_rows
        full = self._small_bytes >= _FULL * self._batch_bytes or self._small_rows >= _ROWS_MAX
        return complete + self.rest() if full or hurry else complete

    def rest(self) -> list[pa.RecordBatch]:
        """What was taken and is not complete yet."""
        small, self._small = self._small, []
        self._small_bytes = self._small_rows = 0
        if not small:
            return []
        return list(cut(_whole(small), self._batch_bytes))


def cut(batch: pa.RecordBatch, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """The batch in pieces of about the target size; one row is never cut."""
    whole = size(batch)
    if whole <= _OVERSIZE * batch_bytes or batch.num_rows <= 1:
        yield batch
        return
    # What every piece carries: the layout's description, and what Arrow does not send in part. No
    # rows at all would tell, but of texts without rows Arrow sends all offsets.
    carried = min(size(batch.slice(0, 0)), size(batch.slice(0, 1)))
    pieces = math.ceil((whole - carried) / max(batch_bytes, carried))
    if pieces <= 1:
        yield batch
        return
    rows = math.ceil(batch.num_rows / pieces)
    for start in range(0, batch.num_rows, rows):
        yield from cut(batch.slice(start, rows), batch_bytes)


def _whole(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    # Arrow's own pool keeps memory for every thread that ever asked it, and each call has its own.
    pool = pa.system_memory_pool()
    whole: pa.RecordBatch = pa.concat_batches(batches, pool)  # type: ignore[attr-defined]
    return whole


def _width(kind: str) -> float | None:
    """Bytes of a value; None if they depend on the value."""
    return None if kind.endswith("]") else _WIDTHS.get(kind.partition("(")[0])
