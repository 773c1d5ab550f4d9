"""Changing the catalog: one change of an object after another, under its lock, whole or not at all.

Owns what is written in which order. A table's new pages come before the definition that names them
and into slots that the definition before does not name, so a reader always finds all of one
version, or sees that there is a newer one. The log comes last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from flightkeeper.discovery.catalog import log
from flightkeeper.discovery.catalog.definition import (
    FOLDER,
    Definition,
    Dropped,
    Kind,
    MalformedDefinition,
    ObjectName,
    Table,
    decode,
    encode,
)
from flightkeeper.discovery.catalog.partitions import (
    Partition,
    digest,
    page_document,
    paged,
    placed,
    unpaged,
)
from flightkeeper.discovery.documents import Document, DocumentChanged
from flightkeeper.discovery.errors import RegistryError, RegistryUnavailable
from flightkeeper.discovery.locks import Hold
from flightkeeper.discovery.registry import Registry, read_documents

_LOCK_S = 10.0
_TRIES_MAX = 200


class CatalogRefused(RegistryError, ValueError):
    """The change cannot be made of what is there. Nothing was changed."""


class PagesChanged(RegistryError):
    """The pages are those of a newer definition: read that."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and when: Unix time in milliseconds."""

    by: str
    at_ms: int


def definition_of(found: Document | None) -> Definition | None:
    """What a document defines; None = nothing.

    Raises:
        MalformedDefinition: it is no definition.
    """
    if found is None or not found.data:
        return None
    definition = decode(found.data)
    return None if definition.kind is None else definition


def find(registry: Registry, name: ObjectName) -> Definition | None:
    """An object as it is defined now; None = there is none.

    Raises:
        RegistryUnavailable: no answer in time.
        MalformedDefinition: what is there is none.
    """
    return definition_of(registry.read_document(name.document))


def list_all(registry: Registry, timeout_s: float = 10.0) -> tuple[Definition, ...]:
    """All objects that are defined now, by their names.

    Raises:
        RegistryUnavailable: no answer in time.
        MalformedDefinition: one of them cannot be read; names it.
    """
    documents = read_documents(registry, FOLDER, timeout_s)
    found = (_named(name, document) for name, document in sorted(documents.items()))
    return tuple(definition for definition in found if definition is not None)


def _named(name: str, document: Document) -> Definition | None:
    try:
        return definition_of(document)
    except MalformedDefinition as exc:
        raise MalformedDefinition(f"{name}: {exc}; drop it, or define it anew") from exc


def partitions_of(registry: Registry, name: ObjectName, table: Table) -> tuple[Partition, ...]:
    """The partitions that a table's definition names.

    Raises:
        PagesChanged: the definition is not the newest any more.
        RegistryUnavailable: no answer in time.
    """
    pages = []
    for page in table.pages:
        found = registry.read_document(page_document(name, page.slot))
        if found is None or digest(found.data) != page.digest:
            raise PagesChanged(f"the partitions of {name} were changed meanwhile; read them again")
        pages.append(found.data)
    return unpaged(pages)


def read_table(
    registry: Registry, name: ObjectName
) -> tuple[Definition, Table, tuple[Partition, ...]]:
    """A table and all its partitions, of one version.

    Raises:
        CatalogRefused: there is no such table.
        RegistryUnavailable: no answer in time.
    """
    for _ in range(_TRIES_MAX):
        definition = _expected(find(registry, name), name, Kind.TABLE)
        assert isinstance(definition.body, Table)
        try:
            return definition, definition.body, partitions_of(registry, name, definition.body)
        except PagesChanged:
            continue
    raise RegistryUnavailable(f"{name} changes faster than it can be read; nothing was changed")


def define(
    registry: Registry,
    definition: Definition,
    author: Author,
    *,
    partitions: Sequence[Partition] = (),
    or_replace: bool = False,
) -> int:
    """Make an object, or another one in its place.

    Returns: the catalog's revision after it.

    Raises:
        CatalogRefused: there is one already, or one of another kind; nothing was changed.
        LockTimeout: somebody else changes it all the time; nothing was changed.
        RegistryUnavailable: says whether it may have been changed.
    """
    name = definition.name
    with turn(registry, name) as hold:
        found = registry.read_document(name.document)
        before = _replaceable(found) if or_replace else definition_of(found)
        if before is not None and not or_replace:
            raise CatalogRefused(
                f"there is a {before.kind} {before.name} already; nothing was done"
            )
        if before is not None and before.kind is not definition.kind:
            raise CatalogRefused(
                f"{before.name} is a {before.kind}; nothing was done: drop it first"
            )
        wanted = replace(definition, owner=before.owner if before else author.by)
        what = "replace" if before else "create"
        change = _Change(registry, hold, found, what, author)
        return change.write(wanted, before, tuple(partitions))


def drop(registry: Registry, name: ObjectName, kind: Kind, author: Author) -> int:
    """Take an object out of the catalog; its files stay.

    Returns: the catalog's revision after it.

    Raises:
        CatalogRefused: there is none, or one of another kind; nothing was changed.
        LockTimeout: somebody else changes it all the time; nothing was changed.
        RegistryUnavailable: says whether it may have been changed.
    """
    with turn(registry, name) as hold:
        found = registry.read_document(name.document)
        before = _replaceable(found)
        if found is None or not _unreadable(found):
            _expected(before, name, kind)
        after = (before or Definition(name, Dropped())).dropped()
        return _Change(registry, hold, found, "drop", author).write(after, before, ())


def comment(registry: Registry, name: ObjectName, kind: Kind, text: str, author: Author) -> int:
    """Say something about an object; raises and returns as `drop`."""
    with turn(registry, name) as hold:
        found = registry.read_document(name.document)
        before = _expected(definition_of(found), name, kind)
        change = _Change(registry, hold, found, "comment", author)
        return change.write(replace(before, comment=text), before, None)


def repartition(
    registry: Registry,
    name: ObjectName,
    change: Callable[[Table, tuple[Partition, ...]], tuple[Partition, ...] | None],
    author: Author,
) -> int | None:
    """Give a table other partitions.

    Args:
        change: makes the new ones of those that are there; None = they stay. Nobody else changes
            the table meanwhile.

    Returns: the catalog's revision after it; None = nothing was changed.

    Raises:
        CatalogRefused: there is no such table; nothing was changed.
        LockTimeout: somebody else changes it all the time; nothing was changed.
        RegistryUnavailable: says whether it may have been changed.
    """
    with turn(registry, name) as hold:
        found = registry.read_document(name.document)
        before = _expected(definition_of(found), name, Kind.TABLE)
        assert isinstance(before.body, Table)
        after = change(before.body, partitions_of(registry, name, before.body))
        if after is None:
            return None
        return _Change(registry, hold, found, "partitions", author).write(before, before, after)


def read_log(registry: Registry) -> log.Log:
    """The last changes, oldest first."""
    return log_of(registry.read_document(log.DOCUMENT))


def log_of(found: Document | None) -> log.Log:
    """The changes in a document."""
    return () if found is None or not found.data else log.decode(found.data)


def _unreadable(found: Document) -> bool:
    try:
        definition_of(found)
    except MalformedDefinition:
        return True
    return False


def _replaceable(found: Document | None) -> Definition | None:
    """What is there, if it can be read: whatever it is, it is about to go."""
    return None if found is None or _unreadable(found) else definition_of(found)


def turn(registry: Registry, name: ObjectName) -> Hold:
    """The lock under which an object is changed; raises as `Registry.lock`."""
    _, schema, table = name.document.split("/")
    return registry.lock(f"catalog.{schema}.{table}", _LOCK_S)


def _expected(found: Definition | None, name: ObjectName, kind: Kind) -> Definition:
    if found is None:
        raise CatalogRefused(f"there is no {kind} {name} in the catalog; nothing was done")
    if found.kind is not kind:
        raise CatalogRefused(f"{name} is a {found.kind} and no {kind}; nothing was done")
    return found


@dataclass(frozen=True, slots=True)
class _Change:
    """One change under an object's lock.

    Attributes:
        found: the object's document as it is.
    """

    registry: Registry
    hold: Hold
    found: Document | None
    what: str
    author: Author

    def write(
        self, wanted: Definition, before: Definition | None, partitions: Sequence[Partition] | None
    ) -> int:
        """Write pages, definition and log; the revision. With None the partitions stay."""
        body = wanted.body
        if isinstance(body, Table) and partitions is not None:
            old = before.body.pages if before and isinstance(before.body, Table) else ()
            pages = placed(old, paged(partitions))
            for page, data in pages:
                if data is not None:
                    self._put(page_document(wanted.name, page.slot), data)
            body = replace(body, pages=tuple(page for page, _ in pages))
        by, at_ms = self.author.by, self.author.at_ms
        complete = replace(wanted, body=body, by=by, at_ms=at_ms, mark=uuid4().hex)
        version = None if self.found is None else self.found.version
        name = wanted.name.document
        written = self.registry.write_document(
            name, encode(complete), version, guard=self.hold, own=True
        )
        return _logged(self.registry, log.Entry(0, name, written.version, self.what, by, at_ms))

    def _put(self, name: str, data: bytes) -> None:
        found = self.registry.read_document(name)
        if found is not None and found.data == data:
            return
        version = None if found is None else found.version
        # Nobody else writes under this lock.
        self.registry.write_document(name, data, version, guard=self.hold, own=True)


def _logged(registry: Registry, entry: log.Entry) -> int:
    for _ in range(_TRIES_MAX):
        try:
            found = registry.read_document(log.DOCUMENT)
            longer = log.extended(_readable(found), entry)
            version = None if found is None else found.version
            registry.write_document(log.DOCUMENT, log.encode(longer), version)
        except DocumentChanged:
            continue
        except RegistryUnavailable as exc:
            raise RegistryUnavailable(f"the change was made, and nodes follow it; {exc}") from exc
        return longer[-1].revision
    raise RegistryUnavailable("the change was made, and nodes follow it; its log is too busy")


def _readable(found: Document | None) -> log.Log:
    try:
        return log_of(found)
    except MalformedDefinition:
        return ()  # nobody has to repair it before the catalog can be changed
