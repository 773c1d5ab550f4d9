"""DuckDB's types in Arrow: what the columns of a result are on the wire.

Theory. Arrow has no type for some of DuckDB's. DuckDB then exports bytes of a layout of its own,
or what loses a part (a UHUGEINT beyond 2**127 turns negative, a TIMETZ forgets its zone), or
nothing at all. Such columns are sent as text instead, which every client can show and DuckDB reads
back. All others go out as DuckDB exports them, untouched. In every case the name of the DuckDB
type stands in the field's metadata, so that nothing is lost for who wants it.

Owns that mapping. docs/types.md is its table.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from flightkeeper.flight_server.engine import type_info

_NAME_CHARACTERS_MAX = 4096
_ENUM_CHARACTERS_MAX = 65_536
"""Values of an ENUM are sent with every batch, unless its type's text is longer than this."""
_CACHED_MAX = 512

_TEXTS = {"uhugeint", "bignum", "bit", "time with time zone", "type"}
_DOUBTFUL = re.compile(r"\b(UHUGEINT|BIGNUM|BIT|TIME WITH TIME ZONE|TYPE|VARIANT)\b|\bSTRUCT\(")
"""How the text of a type looks if Arrow may not have it; names inside may look so as well."""

_Children = Sequence[tuple[str, Any]]


class Columns:
    """The columns of a result, as DuckDB describes them.

    Attributes:
        types: names of their types.
    """

    def __init__(self, names: Sequence[str], types: Sequence[DuckDBPyType]) -> None:
        self.types = tuple(map(str, types))
        self._names = names
        self._types = types

    def selection(self) -> str | None:
        """What to select from the result so that Arrow has a type for every column.

        Returns: the items of a SELECT; None if the result can stay as it is.
        """
        if not any(map(_doubtful, self.types)) or all(map(fits, self._types)):
            return None
        return ", ".join(
            f"{_selected(number, kind)} AS {quoted(name)}"
            for number, (name, kind) in enumerate(zip(self._names, self._types, strict=True), 1)
        )

    def named(self, schema: pa.Schema) -> pa.Schema:
        """The schema with what its fields' metadata say of the types, their names first.

        Of very long names only the beginning.
        """
        return _named(schema, tuple(map(_brief, self.types)))


def fits(kind: DuckDBPyType) -> bool:
    """Whether DuckDB exports the values of a type as they are."""
    if kind.id in _PARTS:
        parts = _PARTS[kind.id](kind.children)
        return all(name and fits(part) for name, part in parts)
    if kind.id == "enum":
        return len(str(kind)) < _ENUM_CHARACTERS_MAX
    return kind.id not in _TEXTS and kind.id != "variant"


def presented(kind: DuckDBPyType) -> str:
    """The type that stands for this one in results, as SQL; itself if it fits."""
    return rewritten(kind, _presented)


def rewritten(kind: DuckDBPyType, one: Callable[[DuckDBPyType], str | None]) -> str:
    """A type with others in the place of its parts, as SQL.

    Args:
        one: what a type is replaced by; None = it depends on its parts.
    """
    text = one(kind)
    if text is not None:
        return text
    parts = _PARTS[kind.id](kind.children)
    texts = [(name, rewritten(part, one)) for name, part in parts]
    return _SHAPES[kind.id](texts, kind.children)


def ids(kind: DuckDBPyType) -> frozenset[str]:
    """The id of a type and those of all its parts, as DuckDB's Python module calls them."""
    parts = _PARTS[kind.id](kind.children) if kind.id in _PARTS else ()
    return frozenset({kind.id}).union(*(ids(part) for _, part in parts))


def leaves_as_text(kind: DuckDBPyType) -> str | None:
    """For `rewritten`: the same nesting, of texts."""
    return None if kind.id in _PARTS else "VARCHAR"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _presented(kind: DuckDBPyType) -> str | None:
    if fits(kind):
        return str(kind)
    if kind.id in _PARTS:
        return None
    return "JSON" if kind.id == "variant" else "VARCHAR"


def _fields(parts: Sequence[tuple[str, str]]) -> str:
    # The names DuckDB 2.0 gives to the fields of a row that has none.
    return ", ".join(
        f"{quoted(name or f'element{number}')} {kind}"
        for number, (name, kind) in enumerate(parts, start=1)
    )


_PARTS: Mapping[str, Callable[[_Children], _Children]] = {
    "list": lambda children: children,
    "array": lambda children: children[:1],
    "map": lambda children: children,
    "struct": lambda children: children,
    # Its fields have no names; DuckDB gives them some on their way to Arrow.
    "tuple": lambda children: [(f"element{i}", kind) for i, (_, kind) in enumerate(children, 1)],
    # The first child is the tag.
    "union": lambda children: children[1:],
}
"""The types a nested type is made of, by its id."""

_SHAPES: Mapping[str, Callable[[Sequence[tuple[str, str]], _Children], str]] = {
    "list": lambda parts, _: f"{parts[0][1]}[]",
    "array": lambda parts, children: f"{parts[0][1]}[{children[1][1]}]",
    "map": lambda parts, _: f"MAP({parts[0][1]}, {parts[1][1]})",
    "struct": lambda parts, _: f"STRUCT({_fields(parts)})",
    "tuple": lambda parts, _: f"STRUCT({_fields(parts)})",
    "union": lambda parts, _: f"UNION({_fields(parts)})",
}
"""The text of a nested type, from the texts of its parts and its children."""


def _selected(number: int, kind: DuckDBPyType) -> str:
    if fits(kind):
        return f"#{number}"
    cast = f"CAST(#{number} AS {presented(kind)})"
    # DuckDB 1.5 makes the text "null" of a VARIANT that is NULL.
    return f"CASE WHEN #{number} IS NOT NULL THEN {cast} END" if kind.id == "variant" else cast


@lru_cache(_CACHED_MAX)
def _named(schema: pa.Schema, types: tuple[str, ...]) -> pa.Schema:
    # Schemas count as equal whatever their metadata; what DuckDB puts there follows from the type.
    return pa.schema(list(map(_named_field, schema, types)))


def _named_field(field: Any, name: str) -> Any:
    return field.with_metadata({**(field.metadata or {}), **type_info.metadata(name)})


def _doubtful(name: str) -> bool:
    return len(name) > _NAME_CHARACTERS_MAX or _looks_doubtful(name)


@lru_cache(_CACHED_MAX)
def _looks_doubtful(name: str) -> bool:
    return _DOUBTFUL.search(name) is not None


def _brief(name: str) -> str:
    return name if len(name) <= _NAME_CHARACTERS_MAX else name[: name.find("(")]
