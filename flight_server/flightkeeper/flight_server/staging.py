"""Uploads on their way: kept in a file until they are complete.

Theory. Nothing can end the wait for a client that has stopped sending, and some clients leave
streams open for ever. So an upload is no business of the engine before its last batch is here: it
holds a thread and a file without a name, but no slot, no connection and no lock. The file is in
the operating system's cache while it is small, and gone with the last handle on it, however the
upload or the node ends.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument

_WRITE_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
_ROWS_MERGED = 122_880
"""DuckDB's row group: from smaller batches it makes small row groups first, and then merges."""
_BYTES_MERGED = 32 * 1024 * 1024


class Staging:
    """Where a node keeps uploads. Thread-safe."""

    def __init__(
        self, directory: Path | None, upload_bytes_max: int, now_s: Callable[[], float]
    ) -> None:
        """Keep nothing yet.

        Args:
            directory: where the files are, made if need be; None = the system's for such files.
            upload_bytes_max: of Arrow data in one upload.
            now_s: the monotonic clock.
        """
        self._directory = directory
        self._bytes_max = upload_bytes_max
        self._now_s = now_s
        # When each upload in progress was heard of; single operations on it are atomic.
        self._heard_s: dict[object, float] = {}

    def limit(self, upload_bytes_max: int) -> None:
        """Take uploads of so many bytes from now on; also those that are on their way."""
        self._bytes_max = upload_bytes_max

    def receiving(self, within_s: float) -> int:
        """Uploads in progress that were heard of within so many seconds."""
        since_s = self._now_s() - within_s
        return sum(heard_s >= since_s for heard_s in list(self._heard_s.values()))

    def receive(self, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> "Staged":
        """Keep an upload, which the caller then owns; returns when it is complete.

        Raises:
            InvalidArgument: it is bigger than an upload may be.
            EngineFailed: there is no room for it.
        """
        try:
            with self._heard(batches) as heard:
                file = self._file()
                try:
                    rows = self._write(file, schema, heard)
                except BaseException:
                    file.close()
                    raise
        except OSError as exc:
            raise EngineFailed(
                f"the node could not keep the upload ({os.strerror(exc.errno or 0)}); nothing was "
                "applied, use another node or try later"
            ) from exc
        return Staged(file, schema, rows)

    def _file(self) -> Any:
        if self._directory is not None:
            self._directory.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._directory)

    @contextmanager
    def _heard(self, batches: Iterable[pa.RecordBatch]) -> Iterator[Iterator[pa.RecordBatch]]:
        """The batches; from now on it is known when the last of them came."""
        key = object()
        self._heard_s[key] = self._now_s()

        def noted() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                self._heard_s[key] = self._now_s()
                yield batch

        try:
            yield noted()
        finally:
            del self._heard_s[key]

    def _write(self, file: Any, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
        rows = size = 0
        with pa.ipc.new_stream(pa.PythonFile(file, "w"), schema, options=_WRITE_OPTIONS) as writer:
            for batch in batches:
                size += batch.nbytes
                if size > self._bytes_max:
                    raise InvalidArgument(
                        f"the upload is bigger than {self._bytes_max} bytes, which is the limit "
                        "here (ingest_bytes_max); nothing was applied, send it in parts"
                    )
                writer.write_batch(batch)
                rows += batch.num_rows
        file.flush()
        return rows


class Staged:
    """A complete upload, until it is closed.

    Attributes:
        rows: how many rows there are.
    """

    def __init__(self, file: Any, schema: pa.Schema, rows: int) -> None:
        self.schema = schema
        self.rows = rows
        self._file = file

    def reader(self) -> pa.RecordBatchReader:
        """The rows from the first to the last; each reader has its own place in the file."""
        return pa.RecordBatchReader.from_batches(self.schema, _merged(self._batches()))

    def close(self) -> None:
        """Free the file. Idempotent."""
        self._file.close()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        # The file has no other name.
        with pa.OSFile(f"/dev/fd/{self._file.fileno()}", "r") as source:
            yield from pa.ipc.open_stream(source)


def _merged(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that are quick to insert."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        # Not `nbytes`, which ends the process where a union has no rows.
        size += pa.ipc.get_record_batch_size(batch)
        if rows >= _ROWS_MERGED or size >= _BYTES_MERGED:
            yield from _concatenated(waiting)
            waiting, rows, size = [], 0, 0
    yield from _concatenated(waiting)


def _concatenated(batches: list[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    if len(batches) < 2:  # noqa: PLR2004 - one or none
        return batches
    try:
        return pa.Table.from_batches(batches).combine_chunks().to_batches()
    except pa.ArrowInvalid:
        # All dictionaries together may have more values than their index type can count.
        return batches
