"""A statement's answer while it is produced: schema at once, batches as they come.

Knows nothing of who reads it or how it travels.
"""

from collections.abc import Callable, Iterator

import pyarrow as pa

Batches = Iterator[pa.RecordBatch]


class Result:
    """One statement's answer. Read by one thread; `stop` and `close` may come from any.

    Attributes:
        schema: the Arrow schema of every batch.
        rows: how many rows there are, when that is known already.
        over: says whether it has had its time; None = it may take any.
    """

    def __init__(
        self,
        schema: pa.Schema,
        batches: Batches,
        *,
        rows: int | None = None,
        stop: Callable[[], bool] = lambda: False,
        close: Callable[[], None] = lambda: None,
        over: Callable[[], bool] | None = None,
    ) -> None:
        """`stop` returns whether nothing of the result is left in the engine."""
        self.schema = schema
        self.rows = rows
        self.over = over
        self._batches = batches
        self._stop = stop
        self._close = close

    def __iter__(self) -> Batches:
        """The batches, none of them empty. Closes the result at the end, however it comes."""
        try:
            yield from self._batches
        finally:
            self.close()

    def stop(self) -> bool:
        """End it, also while its reader does not come for more; the reader gets `Cancelled`.

        Returns: whether what it held was given back already; else its reader does that.
        """
        ended = self._stop()
        if ended:
            self.close()
        return ended

    def close(self) -> None:
        """Give back what the result holds. Idempotent."""
        self._close()
