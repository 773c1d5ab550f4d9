"""Statements: what a connection, a session and a transaction have in common.

Owns the words of a caller: text, parameters, limits. Where and how often something runs is the
runner's; what is said to a node is `execution`'s and `uploads`'.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flightkeeper.client.affinity import key_of
from flightkeeper.client.attempts import Text
from flightkeeper.client.control import Control
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.result import Result
from flightkeeper.client.runner import Runner, Scope, Wish
from flightkeeper.client.sources import source_of
from flightkeeper.flightsql.headers import OPTION_PREFIX

if TYPE_CHECKING:
    from flightkeeper.client.metadata import Metadata

ENDPOINTS = f"{OPTION_PREFIX}endpoints"
PARALLEL_MAX = 16
"""Parts a node makes of a result at most."""


class Statements:
    """Runs statements under a scope."""

    def __init__(self, runner: Runner, scope: Scope) -> None:
        self._runner = runner
        self._scope = scope

    @property
    def metadata(self) -> "Metadata":
        """What there is: catalogs, schemas, tables, keys, types."""
        from flightkeeper.client.metadata import Metadata  # noqa: PLC0415  see its docstring

        return Metadata(self._runner, self._current_scope())

    def query(
        self,
        sql: str,
        parameters: Sequence[Any] | None = None,
        *,
        timeout_s: float | None = None,
        buffered: bool = False,
        parallel: int = 1,
        read_only: bool = False,
        control: Control | None = None,
    ) -> Result:
        """Run a statement and return its result, when the first batch has arrived.

        A pure read goes to another node when its node fails before that. What is not a pure read
        is run once. Dropping or closing the result half read stops the statement.

        Args:
            parameters: values for the placeholders, in order.
            timeout_s: for the whole statement, reading its result included; None = the
                connection's default.
            buffered: return when the whole result is here, in memory or, beyond 64 MiB, in a
                temporary file; a read then goes to another node whenever its node fails.
            parallel: fetch the result in up to so many parts at once, where it can be divided; the
                rows come in no order then, unless the statement has one.
            read_only: refuse to run it unless it is a pure read.
            control: shows the statement to other threads, which may cancel it.

        Raises:
            FlightkeeperError: see `flightkeeper.client.errors`; reading the result raises
                `StreamInterrupted` when it breaks off.
        """
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        wish = Wish(timeout_s, read_only, None, endpoints(parallel), control, key_of(sql))
        how = execution.Fetching(side_by_side=parallel > 1, buffered=buffered)
        scope = self._current_scope()
        statement = self._runner.statement(scope.kind(StatementKind.READ), scope, wish)
        text = Text(sql, parameters, scope.transaction_id)
        pool = self._runner.pool
        return self._runner.deliver(statement, lambda a: execution.query(a, text, pool, how))

    def execute(
        self,
        sql: str,
        parameters: Sequence[Any] | None = None,
        *,
        timeout_s: float | None = None,
        control: Control | None = None,
    ) -> int:
        """Run a statement that changes something; returns the affected rows, -1 = unknown.

        Raises:
            OutcomeUnknown: it was sent and the answer was lost; applied once or not at all.
            FlightkeeperError: any other; it had no effect.
        """
        return self._update(sql, parameters, Wish(timeout_s, control=control))

    def executemany(
        self,
        sql: str,
        rows: Iterable[Sequence[Any]] | pa.Table | pa.RecordBatch,
        *,
        timeout_s: float | None = None,
        control: Control | None = None,
    ) -> int:
        """Run a statement once for each row of parameters, all of them or none.

        The rows travel at once, up to 64 MiB of them; `ingest` is for more, and faster.

        Args:
            rows: values for the placeholders, in order; or Arrow data with a column for each.

        Returns: the affected rows of all, -1 = unknown; 0 without running anything if there are no
            rows.

        Raises:
            OutcomeUnknown: it was sent and the answer was lost; applied once or not at all.
            FlightkeeperError: any other; it had no effect.
            pyarrow.ArrowInvalid: the values of a column have no type in common.
        """
        batch = parameter_rows(rows)
        if not batch.num_rows:
            return 0
        return self._update(sql, batch, Wish(timeout_s, control=control))

    def ingest(
        self,
        table: str,
        data: Any,
        *,
        schema: str | None = None,
        catalog: str | None = None,
        mode: str = "append",
        timeout_s: float | None = None,
        progress: Callable[[int, int], object] | None = None,
        control: Control | None = None,
    ) -> int:
        """Put rows into a table, all of them or none; returns how many.

        Columns are matched by name. Sent in messages of about 2 MiB, so a stream may be larger than
        memory. When the node is lost before it has heard all, another one is sent the rows from
        the beginning: always if they are in memory, and if they come from a stream as long as no
        more than 4 MiB were taken from it.

        Args:
            table: taken as it is, quotes and all.
            data: an Arrow table, batch or reader, a pandas or polars DataFrame, or anything with
                `__arrow_c_stream__` or `__arrow_c_array__`.
            schema: of the table; None = the one where names are looked up. So is `catalog`.
            mode: "append" to a table that is there, "create" one that is not there, "replace" what
                is there, or "create_append".
            progress: called with the rows and bytes sent so far, after each message.

        Raises:
            OutcomeUnknown: all was sent and the answer was lost; applied as a whole or not at all.
            FlightkeeperError: any other; nothing was applied.
            TypeError, ValueError: data of no known form; no such mode.
        """
        from flightkeeper.client import uploads  # noqa: PLC0415  see `execution`

        scope = self._current_scope()
        target = uploads.Target(table, uploads.Mode(mode), schema, catalog, scope.transaction_id)
        source = source_of(data)
        wish = Wish(timeout_s, control=control)
        statement = self._runner.statement(scope.kind(StatementKind.WRITE), scope, wish)
        return self._runner.run(
            statement, lambda attempt: uploads.ingest(attempt, target, source, progress)
        )

    def _update(
        self, sql: str, parameters: Sequence[Any] | pa.RecordBatch | None, wish: Wish
    ) -> int:
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        scope = self._current_scope()
        statement = self._runner.statement(scope.kind(StatementKind.WRITE), scope, wish)
        text = Text(sql, parameters, scope.transaction_id)
        return self._runner.run(statement, lambda attempt: execution.update(attempt, text))

    def _current_scope(self) -> Scope:
        """What a statement runs under that is made now."""
        return self._scope


def parameter_rows(rows: Iterable[Sequence[Any]] | pa.Table | pa.RecordBatch) -> pa.RecordBatch:
    """Rows of parameters as one batch: columns "0", "1", … with the types Arrow infers.

    Raises:
        ValueError: the rows have different lengths.
        pyarrow.ArrowInvalid, pyarrow.ArrowTypeError: the values of a column have no common type.
    """
    if isinstance(rows, pa.RecordBatch):
        return rows
    if isinstance(rows, pa.Table):
        batches = rows.combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=rows.schema)
    columns = [pa.array(column) for column in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(columns, [str(place) for place in range(len(columns))])


def endpoints(parallel: int) -> dict[str, str]:
    """The header that asks a node for so many parts of a result.

    Raises:
        ValueError: there cannot be so many.
    """
    if not 1 <= parallel <= PARALLEL_MAX:
        raise ValueError(f"parallel is {parallel}, not from 1 to {PARALLEL_MAX}")
    return {ENDPOINTS: str(parallel)} if parallel > 1 else {}
