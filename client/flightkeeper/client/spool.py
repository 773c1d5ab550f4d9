"""The spool: batches of one schema that wait for their reader, in memory or in a file.

Owns the file, which has no name and is gone with its last handle. Written whole, then read whole.
"""

import tempfile
from collections import deque
from typing import Any

import pyarrow as pa

MEMORY_BYTES = 64 * 1024 * 1024
"""What a spool keeps in memory; what comes after that goes to the file, in `TMPDIR`."""


class Spool:
    """A queue of batches: `append` all, then `popleft` until it is empty. For one thread."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._left_bytes = memory_bytes
        self._memory: deque[pa.RecordBatch] = deque()
        self._in_file = 0
        self._file: Any = None
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None
        self._reader: Any = None

    def __len__(self) -> int:
        return len(self._memory) + self._in_file

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch.

        Raises:
            OSError: the file could not be written.
        """
        # Not `nbytes`, which ends the process where a union has no rows.
        self._left_bytes -= pa.ipc.get_record_batch_size(batch)
        if self._left_bytes >= 0:
            self._memory.append(batch)
            return
        if self._writer is None:
            self._file = tempfile.TemporaryFile(prefix="flightkeeper-")  # noqa: SIM115  `close`
            self._writer = pa.ipc.new_stream(self._file, batch.schema)
        self._writer.write_batch(batch)
        self._in_file += 1

    def popleft(self) -> pa.RecordBatch:
        """Take the oldest batch.

        Raises:
            IndexError: there is none.
        """
        if self._memory or not self._in_file:
            return self._memory.popleft()
        if self._reader is None:
            assert self._writer is not None
            assert self._file is not None
            self._writer.close()
            self._file.seek(0)
            self._reader = pa.ipc.open_stream(self._file)
        batch: pa.RecordBatch = self._reader.read_next_batch()
        self._in_file -= 1
        if not self._in_file:
            self.close()
        return batch

    def peek(self) -> tuple[pa.RecordBatch, ...]:
        """The batches in memory, which stay, oldest first."""
        return tuple(self._memory)

    def close(self) -> None:
        """Let go of everything. Idempotent."""
        self._memory.clear()
        self._in_file = 0
        self._reader = self._writer = None
        file, self._file = self._file, None
        if file is not None:
            file.close()
