"""The document of live settings: what is set, and every change that led there.

Owns its JSON. It is read and replaced as a whole, so what is set and who set it cannot come apart.
Knows nothing of which settings there are, or of where the bytes are kept. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

HISTORY_MAX = 200
"""Older changes are forgotten; the document has to fit its place."""
_FORMAT = 1


class MalformedSettings(ValueError):
    """The bytes are no document of live settings."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the document.

    Attributes:
        revision: counts changes from 1.
        at_ms: Unix time in milliseconds, by the clock of who changed it.
        by: who changed it.
        before: what was set for each key that changed; None = nothing.
        after: what is set from then on.
    """

    revision: int
    at_ms: int
    by: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SettingsDocument:
    """What is set, and the changes that are remembered, in order."""

    values: Mapping[str, Any]
    history: tuple[Change, ...] = ()

    @property
    def revision(self) -> int:
        """Of the last change; 0 before the first."""
        return self.history[-1].revision if self.history else 0

    def changed(self, after: Mapping[str, Any], by: str, at_ms: int) -> "SettingsDocument":
        """The document after one more change; the same one if that changes nothing.

        Args:
            after: values by key; None = no longer set.
        """
        before = {key: self.values.get(key) for key in after}
        if before == dict(after):
            return self
        values = {k: v for k, v in {**self.values, **after}.items() if v is not None}
        change = Change(self.revision + 1, at_ms, by, before, dict(after))
        return SettingsDocument(values, (*self.history, change)[-HISTORY_MAX:])

    def at(self, revision: int) -> Mapping[str, Any] | None:
        """What was set after that revision; None if that is not remembered."""
        if not self.revision - len(self.history) <= revision <= self.revision:
            return None
        values = dict(self.values)
        for change in reversed(self.history):
            if change.revision > revision:
                values.update(change.before)
        return {key: value for key, value in values.items() if value is not None}


EMPTY = SettingsDocument({})


def encode(document: SettingsDocument) -> bytes:
    """The document as JSON, UTF-8, for people to read as well."""
    text = {
        "v": _FORMAT,
        "values": document.values,
        "history": [asdict(change) for change in document.history],
    }
    return json.dumps(text, indent=1).encode()


def decode(data: bytes) -> SettingsDocument:
    """Read a document back.

    Raises:
        MalformedSettings: it is none; says what is wrong with it.
    """
    try:
        return _document(json.loads(data))
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as exc:
        raise MalformedSettings(f"it is no document of settings: {exc}") from exc


def _document(found: Mapping[str, Any]) -> SettingsDocument:
    if found["v"] != _FORMAT:
        raise ValueError(f"its format is {found['v']!r}, and {_FORMAT} is known here")
    history = tuple(_change(change) for change in found["history"])
    return SettingsDocument(_values(found["values"]), history)


def _change(found: Mapping[str, Any]) -> Change:
    before, after = _values(found["before"]), _values(found["after"])
    return Change(int(found["revision"]), int(found["at_ms"]), str(found["by"]), before, after)


def _values(found: object) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise TypeError("values are no JSON object")
    return found
