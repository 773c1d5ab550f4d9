"""The result of a query: an Arrow stream that knows where it comes from, and can be stopped.

Owns nothing: the batches are `delivery`'s. Everything a `pyarrow.RecordBatchReader` does it does
too, and whatever takes an Arrow stream (`__arrow_c_stream__`) takes it.
"""

from collections.abc import Iterator
from typing import Any, Self

import pyarrow as pa

from flightkeeper.client import display
from flightkeeper.client.control import Control
from flightkeeper.client.delivery import Delivery


def is_count(schema: pa.Schema) -> bool:
    """Whether an answer is not of a query, but holds how many rows a statement changed, if counted.

    Nodes say of every column of a result what its type is, and of this one nothing.
    """
    return schema.names == ["Count"] and schema.field(0).metadata is None


class Result:
    """A result, read once from its beginning to its end. `cancel` is thread-safe.

    Attributes:
        reader: the same as pyarrow's own class, for code that asks for it.
        schema: the columns.
        node: id of the node that answers.
        statement_id: under which nodes log the statement.
        control: the statement as other threads see it.
    """

    def __init__(self, delivery: Delivery, control: Control) -> None:
        self._delivery = delivery
        self.reader = pa.RecordBatchReader.from_batches(delivery.schema, delivery)
        self.schema: pa.Schema = delivery.schema
        self.node = delivery.node.node_id
        self.statement_id = delivery.statement_id
        self.control = control

    def read_next_batch(self) -> pa.RecordBatch:
        """The next batch.

        Raises:
            StopIteration: the result is complete.
            StreamInterrupted: it broke off; says how many rows were delivered.
        """
        return self.reader.read_next_batch()

    def read_all(self) -> pa.Table:
        """All rows that are left, as a table."""
        return self.reader.read_all()

    def read_pandas(self, **options: Any) -> Any:
        """All rows that are left, as pandas' DataFrame; options as in pyarrow."""
        return self.reader.read_pandas(**options)

    def to_pandas(self, **options: Any) -> Any:
        """The same as `read_pandas`, under the name that tables have for it."""
        return self.reader.read_pandas(**options)

    def to_polars(self) -> Any:
        """All rows that are left, as a polars DataFrame."""
        import polars as pl  # noqa: PLC0415  who calls this has it

        return pl.from_arrow(self.reader.read_all())

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left, as tuples of Python's values."""
        rows: list[tuple[Any, ...]] = []
        for batch in self.reader:
            # Columns by place: two of them may have the same name.
            columns = [column.to_pylist() for column in batch.columns]
            rows.extend(zip(*columns, strict=True))
        return rows

    def cast(self, schema: pa.Schema) -> pa.RecordBatchReader:
        """The batches with the columns' types changed, as pyarrow's reader."""
        return self.reader.cast(schema)

    def cancel(self) -> None:
        """Stop the statement on its node; whoever reads on gets `StatementCancelled`."""
        self.control.cancel()

    def close(self) -> None:
        """Let go of the result; half read, its statement is stopped. Idempotent."""
        self._delivery.close()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(self.reader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        # The stubs do not know its type.
        exported: Any = self.reader
        return exported.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"{self._title()}\n{display.as_text(self.schema, self._delivery.at_hand())}"

    def _repr_html_(self) -> str:
        title = self._title().replace("<", "&lt;").replace(">", "&gt;")
        return f"<p>{title}</p>{display.as_html(self.schema, self._delivery.at_hand())}"

    def _title(self) -> str:
        read = self.control.rows
        state = f"{read} rows read, the next ones are" if read else "it begins with"
        return f"<Result of {len(self.schema)} columns from {self.node}; {state}:>"
