"""Which partitions a table has, and how they are cut into pages.

Theory. Partitions are kept in the order of their values, and a page ends after every partition
whose hash says so. Where pages end then depends on nothing but the partitions themselves: one more
of them changes one page, wherever it comes to lie, and all other pages keep their bytes. Pure.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

from flightkeeper.discovery.catalog.definition import MalformedDefinition, ObjectName, Page

PAGES = "partitions"
"""The documents of all pages lie below it, as `partitions/<schema>/<table>/<slot>`."""
PAGE_BYTES_MAX = 192 * 1024
"""Below what a document may have."""
_ENTRY_BYTES_MAX = 64 * 1024
_ENDS = 256
"""One in so many partitions ends its page."""

Values = tuple[str | None, ...]
"""Of the partition columns, in their order, as SQL writes them; None = NULL."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Some of a table's files, and what their rows have in common.

    Attributes:
        path: its folder; below the table's location, in the form `k=v/…`, or somewhere else.
        files: their names in it; None = all that are there.
        rows: how many; -1 = not known.
        bytes: size of its files; -1 = not known.
    """

    values: Values
    path: str
    files: tuple[str, ...] | None = None
    rows: int = -1
    bytes: int = -1

    @property
    def elsewhere(self) -> bool:
        """Whether its folder does not lie below the table's location."""
        return self.path.startswith("/") or "://" in self.path


@dataclass(frozen=True, slots=True)
class PageData:
    """A page's bytes with what a table says of it."""

    digest: str
    partitions: int
    data: bytes


def page_document(name: ObjectName, slot: int) -> str:
    """Where a page lies."""
    schema, table = name.key
    return f"{PAGES}/{schema}/{table}/{slot}"


def digest(data: bytes) -> str:
    """What tells a page's bytes from others."""
    return blake2b(data, digest_size=12).hexdigest()


def paged(partitions: Iterable[Partition]) -> tuple[PageData, ...]:
    """Cut partitions into pages; of two with the same values the later one counts."""
    by_values = {partition.values: partition for partition in partitions}
    ordered = sorted(by_values.values(), key=lambda p: [(v is not None, v or "") for v in p.values])
    return tuple(_page(entries) for entries in _cut(ordered))


def unpaged(pages: Iterable[bytes]) -> tuple[Partition, ...]:
    """Read pages back, in order.

    Raises:
        MalformedDefinition: one of them is none.
    """
    try:
        return tuple(_partition(found) for data in pages for found in json.loads(data))
    except (ValueError, ArithmeticError, TypeError, KeyError, RecursionError) as exc:
        raise MalformedDefinition(f"it is no page of partitions: {exc!r}") from exc


def placed(old: Sequence[Page], new: Sequence[PageData]) -> tuple[tuple[Page, bytes | None], ...]:
    """Give pages their slots: those that stay keep theirs, others get one that nobody reads now.

    Returns: each page with its bytes, if they are still to be written.
    """
    there = {page.digest: page for page in old}
    used = {page.slot for page in old}
    free = (slot for slot in range(len(old) + len(new)) if slot not in used)
    return tuple(
        (there[page.digest], None)
        if page.digest in there
        else (Page(next(free), page.digest, page.partitions), page.data)
        for page in new
    )


def _cut(ordered: Sequence[Partition]) -> Iterator[list[str]]:
    entries: list[str] = []
    size = 0
    for partition in ordered:
        entry = _entry(partition)
        if size + len(entry) > PAGE_BYTES_MAX:
            yield entries
            entries, size = [], 0
        entries.append(entry)
        size += len(entry) + 2
        if _ends(partition):
            yield entries
            entries, size = [], 0
    if entries:
        yield entries


def _ends(partition: Partition) -> bool:
    text = json.dumps(partition.values).encode()
    return int.from_bytes(blake2b(text, digest_size=4).digest(), "big") % _ENDS == 0


def _entry(partition: Partition) -> str:
    entry = json.dumps(asdict(partition), separators=(",", ":"))
    if len(entry) > _ENTRY_BYTES_MAX:
        # Too many files to name: whoever reads it looks for them.
        entry = json.dumps({**asdict(partition), "files": None}, separators=(",", ":"))
    return entry


def _page(entries: Sequence[str]) -> PageData:
    data = ("[" + ",\n".join(entries) + "]").encode()
    return PageData(digest(data), len(entries), data)


def _partition(found: Mapping[str, Any]) -> Partition:
    files = found["files"]
    return Partition(
        values=tuple(None if value is None else str(value) for value in found["values"]),
        path=str(found["path"]),
        files=None if files is None else tuple(map(str, files)),
        rows=int(found["rows"]),
        bytes=int(found["bytes"]),
    )
