"""What an ingest sends: any form of Arrow data as one schema and batches of a bounded size.

Owns the question whether it can be sent once more. Rows already in memory can, a stream only as
long as all that was taken from it is still here.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

BATCH_BYTES = 2 * 1024 * 1024
"""About the size of a message; bigger batches are cut."""
KEPT_BYTES = 4 * 1024 * 1024
"""So much of a stream is kept, to be sent to another node when the first one refuses it."""


class SourceUsedUp(Exception):
    """A stream was to be sent once more, and its beginning is gone."""


class Source:
    """The rows of one ingest. For one thread at a time."""

    def __init__(self, reader: pa.RecordBatchReader, table: pa.Table | None = None) -> None:
        """Use `source_of`; `table` is there if all is in memory."""
        self.schema: pa.Schema = reader.schema
        self._table = table
        # One for all attempts: what an attempt took of a batch that was cut, the next goes on with.
        self._coming = self._pieces(iter(reader))
        self._kept: list[pa.RecordBatch] = []
        self._kept_bytes = 0

    @property
    def whole(self) -> bool:
        """Whether all rows can be sent, from the first one on."""
        return self._table is not None or self._kept_bytes <= KEPT_BYTES

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows from the first one on, again if need be.

        Raises:
            SourceUsedUp: their beginning is gone.
        """
        if self._table is not None:
            return self._pieces(iter(self._table.to_batches()))
        if not self.whole:
            raise SourceUsedUp
        return self._stream()

    def _stream(self) -> Iterator[pa.RecordBatch]:
        yield from self._kept
        for piece in self._coming:
            self._kept_bytes += pa.ipc.get_record_batch_size(piece)
            if self._kept_bytes <= KEPT_BYTES:
                self._kept.append(piece)
            else:
                self._kept.clear()
            yield piece

    @staticmethod
    def _pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            size = pa.ipc.get_record_batch_size(batch)
            pieces = min(max(1, -(-size // BATCH_BYTES)), max(1, batch.num_rows))
            rows = max(1, -(-batch.num_rows // pieces))
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows)


def source_of(data: Any) -> Source:
    """The rows of a table, a batch, a reader, a DataFrame, or whatever else speaks Arrow.

    Raises:
        TypeError: it does not.
    """
    if isinstance(data, pa.RecordBatchReader):
        return Source(data)
    if hasattr(data, "__arrow_c_stream__"):
        # What has a length is in memory, and may be asked for its rows again and again.
        if hasattr(data, "__len__"):
            table = data if isinstance(data, pa.Table) else pa.table(data)
            return Source(table.to_reader(), table)
        return Source(pa.RecordBatchReader.from_stream(data))
    if hasattr(data, "__arrow_c_array__"):
        table = pa.Table.from_batches([pa.record_batch(data)])
        return Source(table.to_reader(), table)
    raise TypeError(
        f"cannot ingest a {type(data).__name__}: give an Arrow table, batch or reader, a DataFrame,"
        " or anything with __arrow_c_stream__ or __arrow_c_array__"
    )
