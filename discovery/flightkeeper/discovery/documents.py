"""Documents a cluster shares: bytes under a name, replaced by compare-and-set, and watched.

Owns what a document is, its names, and what a writer may believe. What stands in it is the business
of who writes it. The backends keep documents in their own way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from flightkeeper.discovery.errors import InvalidName, OutcomeUnknown, RegistryError
from flightkeeper.discovery.names import check_name

DOCUMENT_BYTES_MAX = 256 * 1024
"""The same everywhere, so that what was written in one registry can move to another."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it was read.

    Attributes:
        version: grows with every write of this document; what a writer says it has seen.
    """

    data: bytes
    version: int


_TAKEN = frozenset({"services", "locks", "leaders"})
"""Where a registry keeps what is no document."""
_PRIVATE = "keys"
"""The first part of private documents' names; agreed documents are beside them."""

DocumentListener = Callable[[Document | None], None]
"""Told of a document as it is first, then after every change; None = there is none.

Called from one thread of the backend; must return quickly and never raise. Changes that follow
each other quickly are told as one.
"""

DocumentsListener = Callable[[Mapping[str, Document]], None]
"""Told of all documents below a folder by their names, as they are first, then after every change.

Empty ones are left out: a document is taken away by writing nothing, so that its versions go on
growing and nobody mistakes its next life for the one they have seen. Called as a
`DocumentListener` is.
"""


class DocumentChanged(RegistryError):
    """Somebody else wrote the document meanwhile. Nothing was written.

    Attributes:
        found: the document as it is now; None = there is none.
    """

    def __init__(self, name: str, found: Document | None) -> None:
        there = "does not exist" if found is None else f"is at version {found.version}"
        super().__init__(f"the document {name} {there}; nothing was written: read it again")
        self.found = found


class DocumentTooBig(RegistryError, ValueError):
    """More bytes than a document may have. Nothing was written."""


class Storage(Protocol):
    """One look at, or one write of, a document; the backend's own."""

    def read(self) -> Document | None:
        """The document as it is."""

    def create(self, data: bytes) -> bool:
        """Make it; False when it was there, or its place vanished: look again."""

    def replace(self, data: bytes, version: int) -> bool:
        """Write it, if it still has this version; False when it has not."""


def check_document_name(name: str, *, folder: bool = False) -> tuple[str, ...]:
    """The parts of a document's name, such as `settings/cluster`.

    Args:
        folder: it is the name of a folder of documents.

    Raises:
        InvalidName: a part cannot be used. Nothing was done.
    """
    parts = tuple(check_name("document", part) for part in name.split("/"))
    if parts[0] in _TAKEN:
        raise InvalidName(f"document {name!r} cannot be used: {parts[0]} is the registry's own")
    if parts[0] == _PRIVATE and len(parts) < (2 if folder else 3):
        raise InvalidName(f"document {name!r} cannot be used: name one as keys/FOLDER/NAME")
    return parts


def is_private(name: str) -> bool:
    """Whether a document is for nodes only: all below `keys/` are, as far as a backend can."""
    return name.startswith(f"{_PRIVATE}/")


def check_size(name: str, data: bytes) -> None:
    """Raises DocumentTooBig, naming both sizes."""
    if len(data) > DOCUMENT_BYTES_MAX:
        raise DocumentTooBig(
            f"the document {name} would have {len(data)} bytes, and {DOCUMENT_BYTES_MAX} is the "
            "limit; nothing was written"
        )


def compare_and_set(
    storage: Storage,
    name: str,
    data: bytes,
    version: int | None,
    *,
    sent: bool = False,
    own: bool = False,
) -> Document:
    """Write a document, if it is what the writer has seen.

    Args:
        version: what the writer has seen; None = that there is none.
        sent: an earlier try may have been done, its answer was lost.
        own: nobody else would write these data.

    Raises:
        DocumentChanged: it is not; nothing was written.
        OutcomeUnknown: it is not known whether it was written.
    """
    after = Document(data, 0 if version is None else version + 1)
    while True:
        found = storage.read()
        if sent and own and found == after:
            return after
        if (None if found is None else found.version) != version:
            if sent:
                # The same data may be somebody else's, who counted as far, too.
                raise OutcomeUnknown(
                    f"the document {name} was written, by this write or another one: read it"
                )
            raise DocumentChanged(name, found)
        if storage.create(data) if version is None else storage.replace(data, version):
            return after
