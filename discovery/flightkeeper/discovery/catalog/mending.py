"""What is wrong with a catalog's documents, and taking away what nothing names any more.

Theory. Pages are written before the definition that names them, under the object's lock. Whoever
dies in between leaves pages behind that no definition names; so does a table that was dropped. They
are taken away under the same lock, so none of them belongs to a change that is still going on.
What a definition names and is not there cannot be made up for here: it is pointed out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flightkeeper.discovery.catalog.changing import definition_of, turn
from flightkeeper.discovery.catalog.definition import (
    FOLDER,
    Definition,
    MalformedDefinition,
    ObjectName,
    Table,
)
from flightkeeper.discovery.catalog.partitions import PAGES, digest, page_document, unpaged
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.registry import Registry, read_documents

_READ_S = 30.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look at a catalog has found.

    Attributes:
        orphans: pages that no definition names, by their documents; with their versions.
        problems: why objects are not what they should be, by the documents of their definitions.
    """

    orphans: Mapping[str, int]
    problems: Mapping[str, str]


def findings(definitions: Mapping[str, Document], pages: Mapping[str, Document]) -> Findings:
    """What is wrong with a catalog, by its documents. Pure."""
    named: set[str] = set()
    unknown: set[str] = set()
    problems: dict[str, str] = {}
    for name, document in definitions.items():
        try:
            named.update(_pages(name, document))
            _check(name, document, pages)
        except MalformedDefinition as exc:
            problems[name] = str(exc)
            if not _is_readable(name, document):
                unknown.add(name)
    orphans = {
        name: page.version
        for name, page in pages.items()
        if name not in named and _owner(name) not in unknown
    }
    return Findings(orphans, problems)


def look(registry: Registry) -> Findings:
    """What is wrong with a registry's catalog now.

    Raises:
        RegistryUnavailable: no answer in time.
    """
    definitions = read_documents(registry, FOLDER, _READ_S)
    found = findings(definitions, read_documents(registry, PAGES, _READ_S))
    # Of what was changed meanwhile the two looks are not of one version.
    still = {
        name: why
        for name, why in found.problems.items()
        if registry.read_document(name) == definitions[name]
    }
    return Findings(found.orphans, still)


def remove(registry: Registry, orphans: Mapping[str, int]) -> int:
    """Take pages of one object away that no definition names; how many were.

    Args:
        orphans: as `Findings` has them, of one object. Those that were written since stay.

    Raises:
        LockTimeout: somebody else changes the object all the time; nothing was done.
        RegistryUnavailable: says whether the last one may be taken away.
    """
    (owner,) = {_owner(name) for name in orphans}
    _, schema, table = owner.split("/")
    removed = 0
    with turn(registry, ObjectName(schema, table)) as hold:
        found = registry.read_document(owner)
        named = frozenset() if found is None else frozenset(_pages(owner, found))
        for name, version in orphans.items():
            page = registry.read_document(name)
            if name in named or page is None or not page.data or page.version != version:
                continue
            registry.write_document(name, b"", version, guard=hold)
            removed += 1
    return removed


def by_object(orphans: Iterable[tuple[str, int]]) -> Mapping[str, Mapping[str, int]]:
    """Pages with their versions, for each object that had them, by its document."""
    found: dict[str, dict[str, int]] = {}
    for name, version in orphans:
        found.setdefault(_owner(name), {})[name] = version
    return found


def _owner(page: str) -> str:
    """The definition that a page belongs to."""
    return "/".join((FOLDER, *page.split("/")[1:-1]))


def _read(name: str, document: Document) -> Definition | None:
    found = definition_of(document)
    if found is not None and found.name.document != name:
        raise MalformedDefinition("it is the definition of something else")
    return found


def _is_readable(name: str, document: Document) -> bool:
    try:
        _read(name, document)
    except MalformedDefinition:
        return False
    return True


def _pages(name: str, document: Document) -> Iterator[str]:
    found = _read(name, document)
    if found is not None and isinstance(found.body, Table):
        for page in found.body.pages:
            yield page_document(found.name, page.slot)


def _check(name: str, document: Document, pages: Mapping[str, Document]) -> None:
    """Raises MalformedDefinition: a page that it names is not there, or cannot be read."""
    found = _read(name, document)
    if found is None or not isinstance(found.body, Table):
        return
    for page in found.body.pages:
        there = pages.get(page_document(found.name, page.slot))
        if there is None or digest(there.data) != page.digest:
            raise MalformedDefinition(
                f"page {page.slot} of its partitions, {page.partitions} of them, is missing: DROP "
                "and CREATE the table, or MSCK REPAIR it once it was replaced"
            )
        unpaged([there.data])
