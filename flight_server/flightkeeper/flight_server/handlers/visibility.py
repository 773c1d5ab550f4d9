"""Answers about the catalog without what their caller may not know of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa

from flightkeeper.discovery.principals.model import Securable, folded

_NAMED = (
    ("catalog_name", "db_schema_name", "table_name"),
    ("pk_catalog_name", "pk_db_schema_name", "pk_table_name"),
    ("fk_catalog_name", "fk_db_schema_name", "fk_table_name"),
)
"""Columns that together name something."""
_SCHEMA = "table_schema"


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a caller may know of.

    Attributes:
        sees: whether a catalog, schema or table is shown.
        columns: the columns of a table that are shown, folded; None = all.
    """

    sees: Callable[[Securable], bool]
    columns: Callable[[Securable], frozenset[str] | None]

    def rows(self, table: pa.Table) -> pa.Table:
        """An answer without the rows that are about something else."""
        kept: list[Mapping[str, object]]
        kept = [row for row in table.to_pylist() if self._sees_all(row)]
        if _SCHEMA in table.column_names:
            kept = [self._limited(row) for row in kept]
        return pa.Table.from_pylist(kept, table.schema)

    def schema(self, table: Securable, schema: pa.Schema) -> pa.Schema:
        """The columns of a table that are shown."""
        shown = self.columns(table)
        if shown is None:
            return schema
        hidden = [number for number, name in enumerate(schema.names) if folded(name) not in shown]
        return reduce(pa.Schema.remove, reversed(hidden), schema)

    def _sees_all(self, row: Mapping[str, object]) -> bool:
        return all(
            self.sees(_thing(row, names)) for names in _NAMED if row.get(names[0]) is not None
        )

    def _limited(self, row: Mapping[str, object]) -> Mapping[str, object]:
        schema = row[_SCHEMA]
        assert isinstance(schema, bytes)
        limited = self.schema(_thing(row, _NAMED[0]), pa.ipc.read_schema(pa.py_buffer(schema)))
        return {**row, _SCHEMA: limited.serialize().to_pybytes()}


def _thing(row: Mapping[str, object], names: tuple[str, str, str]) -> Securable:
    parts = [row.get(name) for name in names]
    return Securable(*(None if part is None else folded(str(part)) for part in parts))
