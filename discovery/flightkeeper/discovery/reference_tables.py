"""The reference tables of a cluster: read, replaced by compare-and-set, taken away, watched.

Owns their documents' names and what a writer may believe.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from flightkeeper.discovery.documents import (
    DOCUMENT_BYTES_MAX,
    Document,
    DocumentChanged,
    DocumentTooBig,
)
from flightkeeper.discovery.errors import InvalidName, RegistryError
from flightkeeper.discovery.names import check_name
from flightkeeper.discovery.reference_table import Content, TableChange, decode, encode
from flightkeeper.discovery.registry import Registry, Watch, read_documents

FOLDER: Final = "tables"
_NAME_PARTS = 2


class TableChanged(RegistryError):
    """Somebody else changed the table first. Nothing was written.

    Attributes:
        found: the table as it is now; None = there is none.
    """

    def __init__(self, name: str, found: "ReferenceTable | None") -> None:
        now = "does not exist any more" if found is None else f"is at version {found.version}"
        by = f", {told(found.history[-1])}" if found and found.history else ""
        super().__init__(
            f"the reference table {name} was changed meanwhile and {now}{by}; nothing was "
            "written: read it again"
        )
        self.found = found


class NoSuchTable(RegistryError):
    """There is no reference table of this name. Nothing was done."""


class TableTooBig(DocumentTooBig):
    """More bytes than a reference table may have, compressed. Nothing was written."""


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """A reference table as it was read.

    Attributes:
        name: `schema.table`, in lower case.
        version: grows with every write under this name, also over its being taken away.
    """

    name: str
    version: int
    content: Content

    @property
    def rows(self) -> pa.Table:
        """What is in it."""
        return self.content.rows

    @property
    def history(self) -> tuple[TableChange, ...]:
        """Who changed it and when, as far as it is remembered."""
        return self.content.history


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and when.

    Attributes:
        by: for the history.
        at_ms: Unix time in milliseconds.
    """

    by: str
    at_ms: int


class ReferenceTables:
    """The reference tables in a registry. Thread-safe. All methods may raise RegistryError."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def get(self, name: str) -> ReferenceTable | None:
        """The table as it is; None = there is none.

        Args:
            name: `schema.table`.

        Raises:
            InvalidName: no table can have it.
            MalformedTable: what is there is no table.
        """
        return read(name, self._registry.read_document(document(name)))

    def create(self, name: str, content: Content, author: Author) -> ReferenceTable:
        """Make a table that is not there.

        Raises:
            TableChanged: it is there; nothing was written.
            TableTooBig: nothing was written.
        """
        found = self._registry.read_document(document(name))
        if found is not None and found.data:
            raise TableChanged(name, read(name, found))
        return self._write(name, content, author, None if found is None else found.version)

    def replace(
        self, name: str, content: Content, author: Author, version: int | None = None
    ) -> ReferenceTable:
        """Put other rows into a table.

        Args:
            content: its history is left out; the table's own goes on.
            version: what the caller has seen; None = whatever is there, or nothing.

        Raises:
            TableChanged: it is at another version; nothing was written.
            TableTooBig: nothing was written.
        """
        while True:
            found = self._registry.read_document(document(name))
            before = read(name, found)
            if version is not None and (before is None or before.version != version):
                raise TableChanged(name, before)
            history = () if before is None else before.history
            wanted = replace(content, history=history)
            try:
                return self._write(name, wanted, author, None if found is None else found.version)
            except TableChanged:
                if version is not None:
                    raise

    def delete(self, name: str, version: int | None = None) -> int:
        """Take a table away; the version of its name from then on.

        Raises:
            NoSuchTable: there is none.
            TableChanged: it is at another version; nothing was done.
        """
        while True:
            found = self._registry.read_document(document(name))
            if found is None or not found.data:
                raise NoSuchTable(f"there is no reference table {name}; nothing was done")
            if version is not None and found.version != version:
                raise TableChanged(name, read(name, found))
            try:
                return self._registry.write_document(document(name), b"", found.version).version
            except DocumentChanged:
                continue

    def all(self, timeout_s: float = 10.0) -> Mapping[str, Document]:
        """All tables by name, undecoded.

        Raises:
            RegistryUnavailable: no answer in time.
        """
        found = read_documents(self._registry, FOLDER, timeout_s)
        return {table_name(name): document for name, document in found.items()}

    def watch(self, listener: Callable[[Mapping[str, Document]], None]) -> Watch:
        """Tell a listener of all tables by name, undecoded, first and after every change."""
        return self._registry.watch_documents(
            FOLDER, lambda found: listener({table_name(name): d for name, d in found.items()})
        )

    def _write(
        self, name: str, content: Content, author: Author, version: int | None
    ) -> ReferenceTable:
        after = 0 if version is None else version + 1
        rows = content.rows.num_rows
        change = TableChange(after, author.at_ms, author.by, rows, uuid.uuid4().hex)
        written = content.changed(change)
        data = encode(written)
        if len(data) > DOCUMENT_BYTES_MAX:
            raise TableTooBig(
                f"the reference table {name} would have {len(data)} bytes compressed ({rows} "
                f"rows), and {DOCUMENT_BYTES_MAX} is the limit; nothing was written: keep it in "
                "files, as an external table"
            )
        try:
            # The change's mark is in there.
            self._registry.write_document(document(name), data, version, own=True)
        except DocumentChanged as exc:
            raise TableChanged(name, read(name, exc.found)) from exc
        return ReferenceTable(name, after, written)


def document(name: str) -> str:
    """The name of the document that a table is kept in.

    Raises:
        InvalidName: it is not `schema.table` in lower case, or a part of it cannot be used.
    """
    parts = name.split(".")
    if len(parts) != _NAME_PARTS or name != name.lower():
        raise InvalidName(
            f"the reference table {name!r} cannot be: its name is a schema and a table in lower "
            "case, with a dot between them"
        )
    return "/".join((FOLDER, *(check_name("reference table", part) for part in parts)))


def table_name(document_name: str) -> str:
    """The table that a document is."""
    return document_name.removeprefix(f"{FOLDER}/").replace("/", ".")


def read(name: str, found: Document | None) -> ReferenceTable | None:
    """The table in a document; None if there is none.

    Raises:
        MalformedTable: what is there is no table.
    """
    if found is None or not found.data:
        return None
    return ReferenceTable(name, found.version, decode(found.data))


def told(change: TableChange) -> str:
    """Who changed it and when, for a person."""
    at = datetime.fromtimestamp(change.at_ms / 1000, UTC)
    return f"by {change.by} at {at:%Y-%m-%d %H:%M:%S} UTC"
