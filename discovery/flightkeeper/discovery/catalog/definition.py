"""What a cluster's table, view or macro is, and its bytes.

Owns the names of objects and their documents' JSON. Types and bodies are SQL, which nothing here
reads. A table's partitions lie in pages of their own (`partitions`); a table names its pages, so
that one document says what all of it is. Pure.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.names import check_name

FOLDER = "catalog"
"""The documents of all objects lie below it, as `catalog/<schema>/<name>`."""
_FORMAT = 1


class MalformedDefinition(RegistryError, ValueError):
    """The bytes are no definition; says what is wrong with them."""


class Kind(StrEnum):
    """What an object is."""

    TABLE = "external table"
    VIEW = "view"
    MACRO = "macro"


class Format(StrEnum):
    """What the files of an external table are."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ObjectName:
    """Schema and name as they were written; names that differ only in case are one."""

    schema: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells one object from another."""
        return self.schema.lower(), self.name.lower()

    @property
    def document(self) -> str:
        """Where its definition lies.

        Raises:
            InvalidName: a document cannot be called so.
        """
        parts = (check_name("object of the catalog", part) for part in self.key)
        return "/".join((FOLDER, *parts))

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; its type is SQL's."""

    name: str
    type: str
    nullable: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Where some of a table's partitions lie.

    Attributes:
        slot: number of its document; slots are used again.
        digest: of its bytes, which tells whether they are those that the table means.
        partitions: how many there are.
    """

    slot: int
    digest: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Table:
    """Files somewhere, as a table.

    Attributes:
        columns: all of them in order, those of partitions too.
        location: a file, a folder, or a pattern of files.
        options: of the format, as they are told the engine.
        partitioned_by: names of columns; none = all files below the location belong to it.
        primary_key: names of columns; declared, nobody checks it.
        arrow_schema: an Arrow IPC schema message of the columns.
        pages: of its partitions.
    """

    columns: tuple[Column, ...]
    format: Format
    location: str
    options: Mapping[str, str] = field(default_factory=dict)
    partitioned_by: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    arrow_schema: bytes = b""
    pages: tuple[Page, ...] = ()

    @property
    def partition_columns(self) -> tuple[Column, ...]:
        """Those that it is partitioned by, in the order of partitioning."""
        named = {column.name: column for column in self.columns}
        return tuple(named[name] for name in self.partitioned_by)


@dataclass(frozen=True, slots=True)
class View:
    """A query under a name."""

    sql: str
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Macro:
    """An expression or a query with parameters: all that follows its name in CREATE MACRO."""

    sql: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """There is nothing under this name any more."""


Body = Table | View | Macro | Dropped

KINDS: Mapping[type[Table | View | Macro], Kind] = MappingProxyType(
    {Table: Kind.TABLE, View: Kind.VIEW, Macro: Kind.MACRO}
)


@dataclass(frozen=True, slots=True)
class Definition:
    """An object of the catalog, as its last change left it.

    Attributes:
        owner: who made it.
        by: who changed it last.
        at_ms: when, Unix time in milliseconds by the clock of who did.
        mark: unlike that of any other change.
    """

    name: ObjectName
    body: Body
    owner: str = ""
    comment: str = ""
    by: str = ""
    at_ms: int = 0
    mark: str = ""

    @property
    def kind(self) -> Kind | None:
        """What it is; None = nothing any more."""
        return None if isinstance(self.body, Dropped) else KINDS[type(self.body)]

    def dropped(self) -> "Definition":
        """What remains of it."""
        return replace(self, body=Dropped(), comment="")


def encode(definition: Definition) -> bytes:
    """The definition as JSON, UTF-8, for people to read as well."""
    found = asdict(replace(definition, body=Dropped()))
    del found["body"]
    kind = definition.kind
    body = {} if kind is None else _ENCODERS[kind](definition.body)
    return json.dumps({"v": _FORMAT, "kind": kind, **found, **body}, indent=1).encode()


def decode(data: bytes) -> Definition:
    """Read a definition back.

    Raises:
        MalformedDefinition: it is none; says what is wrong with it.
    """
    try:
        return _definition(json.loads(data))
    except (
        ValueError,
        ArithmeticError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
    ) as exc:
        raise MalformedDefinition(f"it is no definition of a table or view: {exc!r}") from exc


def _definition(found: Mapping[str, Any]) -> Definition:
    if found["v"] != _FORMAT:
        raise ValueError(f"its format is {found['v']!r}, and {_FORMAT} is known here")
    kind = found["kind"]
    return Definition(
        name=ObjectName(_text(found["name"]["schema"]), _text(found["name"]["name"])),
        body=Dropped() if kind is None else _DECODERS[Kind(kind)](found),
        owner=_text(found["owner"]),
        comment=_text(found["comment"]),
        by=_text(found["by"]),
        at_ms=int(found["at_ms"]),
        mark=_text(found["mark"]),
    )


def _table_fields(body: Any) -> Mapping[str, Any]:
    fields = {name: getattr(body, name) for name in Table.__slots__}
    return {
        **fields,
        "columns": [asdict(column) for column in body.columns],
        "options": dict(body.options),
        "arrow_schema": b64encode(body.arrow_schema).decode(),
        "pages": [[page.slot, page.digest, page.partitions] for page in body.pages],
    }


def _table(found: Mapping[str, Any]) -> Table:
    table = Table(
        columns=_columns(found),
        format=Format(found["format"]),
        location=_text(found["location"]),
        options={_text(key): _text(value) for key, value in found["options"].items()},
        partitioned_by=tuple(map(_text, found["partitioned_by"])),
        primary_key=tuple(map(_text, found["primary_key"])),
        arrow_schema=b64decode(found["arrow_schema"], validate=True),
        pages=tuple(Page(int(slot), _text(hash_), int(n)) for slot, hash_, n in found["pages"]),
    )
    missing = {*table.partitioned_by, *table.primary_key} - {c.name for c in table.columns}
    if missing:
        raise ValueError(f"there are no columns {sorted(missing)}")
    return table


def _columns(found: Mapping[str, Any]) -> tuple[Column, ...]:
    return tuple(
        Column(_text(c["name"]), _text(c["type"]), bool(c["nullable"]), _text(c["comment"]))
        for c in found["columns"]
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


_ENCODERS: Mapping[Kind, Any] = {
    Kind.TABLE: _table_fields,
    Kind.VIEW: asdict,
    Kind.MACRO: asdict,
}
_DECODERS: Mapping[Kind, Any] = {
    Kind.TABLE: _table,
    Kind.VIEW: lambda found: View(_text(found["sql"]), _columns(found)),
    Kind.MACRO: lambda found: Macro(_text(found["sql"])),
}
