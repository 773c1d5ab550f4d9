"""The last changes of the catalog, numbered: who did what, and how far a node has followed.

Theory. Definitions are documents of their own, which nodes hear of in any order. Each change is
also written into one log, after the definition, and its number there is the catalog's revision. A
node has followed up to a revision when of every object that the log names until then it has that
version, or a later one. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flightkeeper.discovery.catalog.definition import MalformedDefinition

DOCUMENT = "log/catalog"
ENTRIES_MAX = 200
"""Older ones are forgotten; the document has to fit its place."""
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One change.

    Attributes:
        revision: counts changes from 1.
        document: the definition that changed.
        version: of the definition after it.
        what: in a word or two, for people.
        by: who did it.
        at_ms: Unix time in milliseconds, by the clock of who did it.
    """

    revision: int
    document: str
    version: int
    what: str
    by: str
    at_ms: int


Log = tuple[Entry, ...]
"""In order; without gaps but for those that are forgotten."""


def extended(log: Log, entry: Entry) -> Log:
    """The log with one more change, whatever number that had."""
    revision = log[-1].revision + 1 if log else 1
    numbered = Entry(revision, entry.document, entry.version, entry.what, entry.by, entry.at_ms)
    return (*log, numbered)[-ENTRIES_MAX:]


def reached(log: Log, versions: Mapping[str, int]) -> int:
    """Up to which revision somebody has followed who has these versions of the definitions."""
    behind = (e.revision for e in log if versions.get(e.document, -1) < e.version)
    last = log[-1].revision if log else 0
    return min(behind, default=last + 1) - 1


def encode(log: Log) -> bytes:
    """The log as JSON, UTF-8."""
    return json.dumps({"v": _FORMAT, "changes": [asdict(entry) for entry in log]}).encode()


def decode(data: bytes) -> Log:
    """Read a log back.

    Raises:
        MalformedDefinition: it is none.
    """
    try:
        found = json.loads(data)
        if found["v"] != _FORMAT:
            raise ValueError(f"its format is {found['v']!r}, and {_FORMAT} is known here")  # noqa: TRY301
        return tuple(map(_entry, found["changes"]))
    except (ValueError, ArithmeticError, TypeError, KeyError, RecursionError) as exc:
        raise MalformedDefinition(f"it is no log of the catalog: {exc!r}") from exc


def _entry(found: Mapping[str, Any]) -> Entry:
    return Entry(
        int(found["revision"]),
        str(found["document"]),
        int(found["version"]),
        str(found["what"]),
        str(found["by"]),
        int(found["at_ms"]),
    )
