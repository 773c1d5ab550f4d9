"""What a node has to do so that its objects are those of the catalog. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flightkeeper.discovery.catalog.changing import definition_of
from flightkeeper.discovery.catalog.definition import Definition, Kind, MalformedDefinition
from flightkeeper.discovery.documents import Document

_ORDER = (Kind.TABLE, Kind.MACRO, Kind.VIEW)
"""Views read what is before them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the catalog says of one object.

    Attributes:
        document: where it says so.
        source: what stands there.
        definition: None = there is no such object.
        problem: why the document cannot be read; empty = it can.
    """

    document: str
    source: Document
    definition: Definition | None
    problem: str = ""

    @property
    def name(self) -> str:
        """What it is called, for people."""
        if self.definition is None:
            return ".".join(self.document.split("/")[1:])
        return str(self.definition.name)


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do, in order.

    Attributes:
        drops: objects that are no longer wanted as they are.
        makes: what is wanted instead, tables before the views that may read them.
    """

    drops: tuple[Definition, ...]
    makes: tuple[Wanted, ...]


def wanted(documents: Mapping[str, Document], known: Mapping[str, Wanted]) -> Mapping[str, Wanted]:
    """What the documents say; those that are known are not read again."""
    return {
        name: known[name]
        # Not only the version, which begins again where a document was deleted by hand.
        if name in known and known[name].source == document
        else _read(name, document)
        for name, document in documents.items()
    }


def steps(held: Mapping[str, Definition], all_wanted: Iterable[Wanted]) -> Steps:
    """What leads from the objects that are held to those that are wanted.

    Args:
        held: by their documents. What cannot be read, or is not told of, stays as it is.
    """
    drops, makes = [], []
    for want in all_wanted:
        have = held.get(want.document)
        if want.problem or have == want.definition:
            continue
        if have is not None and (want.definition is None or want.definition.kind is not have.kind):
            drops.append(have)
        if want.definition is not None:
            makes.append(want)
    return Steps(tuple(drops), tuple(sorted(makes, key=_rank)))


def _rank(want: Wanted) -> tuple[int, str]:
    kind = None if want.definition is None else want.definition.kind
    return (-1 if kind is None else _ORDER.index(kind), want.document)


def _read(name: str, document: Document) -> Wanted:
    try:
        definition = definition_of(document)
        other = definition is not None and definition.name.document != name
    except (MalformedDefinition, ValueError) as exc:
        return Wanted(name, document, None, str(exc))
    if other:
        return Wanted(name, document, None, "it is the definition of something else")
    return Wanted(name, document, definition)
