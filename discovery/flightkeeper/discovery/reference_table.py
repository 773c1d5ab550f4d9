"""A reference table: a small Arrow table that a whole cluster shares, as bytes and as a value.

Owns its format, which any Arrow library reads and writes: an IPC stream of one record batch, its
buffers compressed with Zstandard. What the cluster says of the table stands as JSON in the
metadata of its schema, and may be missing. Pure.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

HISTORY_MAX = 50
"""Older changes are forgotten; the table has to fit its place."""
METADATA = b"flightkeeper.reference_table"
_FORMAT = 1
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


class MalformedTable(ValueError):
    """The bytes are no reference table."""


@dataclass(frozen=True, slots=True)
class TableChange:
    """A change of a reference table.

    Attributes:
        version: what the table had from then on.
        at_ms: Unix time in milliseconds, by the clock of who changed it.
        by: who changed it.
        rows: how many it had from then on.
        mark: tells this change from all others.
    """

    version: int
    at_ms: int
    by: str
    rows: int
    mark: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a reference table is, wherever it is kept.

    Attributes:
        rows: the table; what may be null, its schema says.
        primary_key: names of columns that tell its rows apart; none if it has none.
        comment: about the table; empty if there is none.
        history: the changes that are remembered, in order.
    """

    rows: pa.Table
    primary_key: tuple[str, ...] = ()
    comment: str = ""
    history: tuple[TableChange, ...] = ()

    def changed(self, change: TableChange) -> "Content":
        """The same, with one more change in its history."""
        history = (*self.history, change)[-HISTORY_MAX:]
        return Content(self.rows, self.primary_key, self.comment, history)


def encode(content: Content) -> bytes:
    """The table as an Arrow IPC stream of one batch, compressed."""
    about = {
        "v": _FORMAT,
        "primary_key": content.primary_key,
        "comment": content.comment,
        "history": [asdict(change) for change in content.history],
    }
    rows = content.rows.combine_chunks()
    metadata = {**(rows.schema.metadata or {}), METADATA: json.dumps(about).encode()}
    rows = rows.replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=_OPTIONS) as writer:
        writer.write_table(rows)
    return sink.getvalue().to_pybytes()


def decode(data: bytes) -> Content:
    """Read a table back, whoever wrote it.

    Raises:
        MalformedTable: it is no Arrow IPC stream, its buffers are not sound, or what it says of
            itself is not.
    """
    try:
        with pa.ipc.open_stream(data) as reader:
            rows = reader.read_all()
        rows.validate(full=True)
        return _content(rows)
    except (
        *(pa.ArrowException, OSError, ValueError, TypeError, KeyError),
        *(ArithmeticError, AttributeError, RecursionError),
    ) as exc:
        text = str(exc).partition("\n")[0]
        raise MalformedTable(f"it is no reference table: {text}") from exc


def _content(rows: pa.Table) -> Content:
    metadata = dict(rows.schema.metadata or {})
    about = metadata.pop(METADATA, None)
    rows = rows.replace_schema_metadata(metadata or None)
    if about is None:
        return Content(rows)
    found = json.loads(about)
    if found["v"] != _FORMAT:
        raise ValueError(f"its format is {found['v']!r}, and {_FORMAT} is known here")
    history = tuple(map(_change, found["history"]))
    return Content(rows, _primary_key(found["primary_key"], rows), str(found["comment"]), history)


def _change(found: Mapping[str, Any]) -> TableChange:
    return TableChange(
        version=int(found["version"]),
        at_ms=int(found["at_ms"]),
        by=str(found["by"]),
        rows=int(found["rows"]),
        mark=str(found["mark"]),
    )


def _primary_key(names: Sequence[object], rows: pa.Table) -> tuple[str, ...]:
    key = tuple(map(str, names))
    if unknown := set(key) - set(rows.column_names):
        raise ValueError(f"its primary key has {', '.join(sorted(unknown))}, which is no column")
    return key
