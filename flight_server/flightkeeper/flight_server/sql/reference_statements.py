"""Statements about reference tables: DROP REFERENCE TABLE, SHOW REFERENCE TABLES, SHOW HISTORY.

`CREATE REFERENCE TABLE` is the engine's own definition of a table (`cluster_statements`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.positions import at
from flightkeeper.flight_server.errors import InvalidArgument

if TYPE_CHECKING:
    from flightkeeper.flight_server.sql.reading import Source

_MOMENT = pa.timestamp("ms", "UTC")
_TABLES: list[Any] = [
    pa.field("name", pa.string(), nullable=False),
    pa.field("version", pa.int64(), nullable=False),
    pa.field("rows", pa.int64(), nullable=False),
    pa.field("changed_by", pa.string()),
    pa.field("changed_at", _MOMENT),
    pa.field("comment", pa.string()),
]
_CHANGES: list[Any] = [
    pa.field("version", pa.int64(), nullable=False),
    pa.field("changed_at", _MOMENT, nullable=False),
    pa.field("changed_by", pa.string(), nullable=False),
    pa.field("rows", pa.int64(), nullable=False),
]


@dataclass(frozen=True, slots=True)
class DropReferenceTable(Command):
    """`DROP REFERENCE TABLE [IF EXISTS] name`."""

    name: tuple[str, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True)
class ShowReferenceTables(Command):
    """`SHOW REFERENCE TABLES`."""

    schema: ClassVar[pa.Schema | None] = pa.schema(_TABLES)
    read_only: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ShowReferenceTable(Command):
    """`SHOW HISTORY OF REFERENCE TABLE name`: its changes, the last one first."""

    name: tuple[str, ...]
    schema: ClassVar[pa.Schema | None] = pa.schema(_CHANGES)
    read_only: ClassVar[bool] = True


def drop(source: "Source") -> Command | None:
    """Read `DROP REFERENCE TABLE`."""
    if_exists = source.words[3:5] == ("IF", "EXISTS")
    return DropReferenceTable(name_at(source, 5 if if_exists else 3), if_exists)


def show(source: "Source") -> Command | None:
    """Read `SHOW REFERENCE TABLES`."""
    return ShowReferenceTables() if source.words[3:] == () else None


def history(source: "Source") -> Command | None:
    """Read `SHOW HISTORY OF REFERENCE TABLE`."""
    return ShowReferenceTable(name_at(source, 5))


def name_at(source: "Source", index: int) -> tuple[str, ...]:
    """The name that ends a statement, in lower case.

    Args:
        index: of its first word.

    Raises:
        InvalidArgument: there is none, or something after it; nothing was run.
    """
    words = [token.text for token in source.tokens[index:]]
    if len(words) % 2 == 0 or any(dot != "." for dot in words[1::2]):
        raise _unreadable(source, index)
    return tuple(part.lower() for part in words[::2])


def _unreadable(source: "Source", index: int) -> InvalidArgument:
    tokens = source.tokens[index:]
    offset = tokens[0].start if tokens else source.tokens[-1].end + 1
    return at(source.text, offset, "the name of a table is expected here, and nothing after it")
