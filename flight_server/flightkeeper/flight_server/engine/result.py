"""A statement's answer while it is produced: schema at once, batches as they come.

Owns batch sizes. Knows nothing of who reads it or how it travels.
"""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

Batches = Iterator[pa.RecordBatch]

_ROWS_STEP = 2048
"""DuckDB's vector size: other batch lengths make it cut vectors."""
_ROWS_MAX = 122_880
_OVERSIZE = 1.5
"""Batches up to this multiple of the target pass uncut: cutting costs more than it saves."""

_WIDTHS = {
    "BOOLEAN": 1,
    "TINYINT": 1,
    "UTINYINT": 1,
    "SMALLINT": 2,
    "USMALLINT": 2,
    "INTEGER": 4,
    "UINTEGER": 4,
    "FLOAT": 4,
    "DATE": 4,
    "BIGINT": 8,
    "UBIGINT": 8,
    "DOUBLE": 8,
    "TIME": 8,
    "TIMESTAMP": 8,
    "TIMESTAMP WITH TIME ZONE": 8,
}
"""Bytes a value takes in Arrow, by DuckDB type."""
_WIDTH_DECIMAL = 16
_WIDTH_VARIABLE = 32
"""A guess for texts and nested values; batches that turn out too big are cut."""


class Result:
    """One statement's answer. Read by one thread; `stop` and `close` may come from any.

    Attributes:
        schema: the Arrow schema of every batch.
        rows: how many rows there are, when that is known already.
    """

    def __init__(
        self,
        schema: pa.Schema,
        batches: Batches,
        *,
        rows: int | None = None,
        stop: Callable[[], None] = lambda: None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.schema = schema
        self.rows = rows
        self._batches = batches
        self._stop = stop
        self._close = close

    def __iter__(self) -> Batches:
        """The batches, none of them empty. Closes the result at the end, however it comes."""
        try:
            yield from self._batches
        finally:
            self.close()

    def stop(self) -> None:
        """Interrupt the engine if it works on this; the reader gets `Cancelled`."""
        self._stop()

    def close(self) -> None:
        """Give back what the result holds. Idempotent."""
        self._close()


def rows_per_batch(types: Sequence[str], batch_bytes: int) -> int:
    """How many rows make a batch of about this many bytes.

    Args:
        types: DuckDB's names of the columns' types.
        batch_bytes: the target for one batch.

    Returns: a multiple of DuckDB's vector size.
    """
    width = sum(_width(kind) for kind in types) or 1
    rows = batch_bytes // width // _ROWS_STEP * _ROWS_STEP
    return max(_ROWS_STEP, min(rows, _ROWS_MAX))


def cut(batch: pa.RecordBatch, batch_bytes: int) -> Batches:
    """The batch in pieces of about the target size; one row is never cut."""
    limit = batch_bytes * _OVERSIZE
    # Whole buffers are an upper bound that costs a fraction of the exact size.
    if batch.get_total_buffer_size() <= limit or batch.nbytes <= limit or batch.num_rows <= 1:
        yield batch
        return
    half = batch.num_rows // 2
    yield from cut(batch.slice(0, half), batch_bytes)
    yield from cut(batch.slice(half), batch_bytes)


def _width(kind: str) -> int:
    if kind.startswith("DECIMAL"):
        return _WIDTH_DECIMAL
    return _WIDTHS.get(kind, _WIDTH_VARIABLE)
