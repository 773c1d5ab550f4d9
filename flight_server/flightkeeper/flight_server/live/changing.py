"""Changing the settings of a cluster: read, check the whole, write if nobody was faster."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flightkeeper.discovery.documents import Document, DocumentChanged
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.names import check_name
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.live.document import EMPTY, Change, SettingsDocument, decode, encode
from flightkeeper.flight_server.live.settings import LIVE, checked

CLUSTER = "settings/cluster"
"""The document of what is set for all nodes."""


class ChangedMeanwhile(RegistryError):
    """Somebody else changed the settings first. Nothing was changed."""


def node_document(node_id: str) -> str:
    """The document of what is set for one node."""
    return f"settings/nodes/{check_name('node id', node_id)}"


def read(registry: Registry, name: str) -> SettingsDocument:
    """The settings under a document's name, as they are now.

    Raises:
        RegistryUnavailable: no answer in time.
        MalformedSettings: what is there are no settings.
    """
    return _decoded(registry.read_document(name))


def change(
    registry: Registry,
    name: str,
    after: Mapping[str, Any],
    *,
    by: str,
    at_ms: int,
    revision: int | None = None,
) -> SettingsDocument:
    """Change settings, all of them or none.

    Args:
        after: values by key, as text or of their types; None = no longer set.
        by: who does it, for the history.
        at_ms: Unix time in milliseconds.
        revision: what the caller has seen; None = whatever is there.

    Returns: the document as it is now.

    Raises:
        InvalidLiveSettings: the outcome as a whole cannot be; nothing was changed.
        ChangedMeanwhile: somebody else was faster; nothing was changed.
        MalformedSettings: what is there are no settings; nothing was changed.
        RegistryUnavailable: says whether it may have been changed.
    """
    found = registry.read_document(name)
    before = _decoded(found)
    if revision is not None and before.revision != revision:
        raise _overtaken(before)
    removed = {key: None for key, value in after.items() if value is None}
    unknown = [key for key in removed if key not in LIVE and key not in before.values]
    # Names that are not known are told in the same breath as values that cannot be.
    kept = checked(
        {key: value for key, value in after.items() if value is not None or key in unknown}
    )
    wanted = before.changed({**kept, **removed}, by, at_ms)
    checked(wanted.values)
    if wanted is before:
        return before
    try:
        version = None if found is None else found.version
        # Who and when are in there.
        registry.write_document(name, encode(wanted), version, own=True)
    except DocumentChanged as exc:
        raise _overtaken(_decoded(exc.found)) from exc
    return wanted


def told(change: Change) -> str:
    """Who changed it and when, for a person."""
    at = datetime.fromtimestamp(change.at_ms / 1000, UTC)
    return f"by {change.by} at {at:%Y-%m-%d %H:%M:%S} UTC"


def _overtaken(now: SettingsDocument) -> ChangedMeanwhile:
    last = f" {told(now.history[-1])}" if now.history else ""
    return ChangedMeanwhile(
        f"the settings were changed meanwhile{last} and are at revision {now.revision}; nothing "
        "was changed: look at them and try again"
    )


def _decoded(found: Document | None) -> SettingsDocument:
    return EMPTY if found is None else decode(found.data)
