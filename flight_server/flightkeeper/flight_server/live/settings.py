"""Which settings may change while a node runs, and what holds on a node then.

What is set for a node wins over what is set for the cluster, and both win over what the node was
started with. Pure: `decide` makes a node's settings of the two documents, whole or not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from flightkeeper.discovery.documents import Document
from flightkeeper.flight_server.config import NodeSettings, is_live
from flightkeeper.flight_server.config_rules import contradictions_of_live
from flightkeeper.flight_server.live.document import (
    EMPTY,
    MalformedSettings,
    SettingsDocument,
    decode,
)

LIVE = tuple(name for name, field in NodeSettings.model_fields.items() if is_live(field))
"""Names of the settings that may change."""

_FIELDS: dict[str, Any] = {
    name: (NodeSettings.model_fields[name].annotation, NodeSettings.model_fields[name])
    for name in LIVE
}
_Live: type[BaseModel] = create_model(
    "LiveSettings", __config__=ConfigDict(extra="forbid"), **_FIELDS
)


_UNREADABLE = -1


class InvalidLiveSettings(ValueError):
    """Values that cannot be; one line for each of them. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the two documents mean for a node.

    Attributes:
        settings: what holds; None = what held before, because of the problem.
        cluster: revision of the cluster's document; -1 = it cannot be read.
        node: revision of the node's own.
        problem: why they cannot be followed; empty = they can.
        sources: which document each setting that holds was taken from, "cluster" or "node".
    """

    settings: NodeSettings | None
    cluster: int
    node: int
    problem: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)


def checked(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values as they are kept, of their settings' types.

    Args:
        values: by name; texts are read as the settings' own.

    Raises:
        InvalidLiveSettings: unknown or fixed names, or values out of bounds.
    """
    try:
        found = _Live(**values)
    except ValidationError as exc:
        lines = [_explained(_named(e["loc"]), e["type"], e["msg"]) for e in exc.errors()]
        raise InvalidLiveSettings("\n".join(lines)) from exc
    return found.model_dump(mode="json", exclude_unset=True)


def decide(own: NodeSettings, cluster: Document | None, node: Document | None) -> Decision:
    """A node's settings by the documents as they are now.

    Args:
        own: what it was started with.
    """
    problems: list[str] = []
    read: list[SettingsDocument | None] = []
    for scope, document in (("cluster", cluster), ("node", node)):
        try:
            read.append(EMPTY if document is None else decode(document.data))
        except MalformedSettings as exc:
            read.append(None)
            problems.append(f"the {scope}'s settings: {exc}")
    values: Mapping[str, Any] = {}
    try:
        values = checked(_merged([found for found in read if found is not None]))
    except InvalidLiveSettings as exc:
        problems.append(str(exc).replace("\n", "; "))
    seen_cluster, seen_node = (_UNREADABLE if f is None else f.revision for f in read)
    holds = None if problems else own.model_copy(update=dict(values))
    if holds is not None and (contradicting := contradictions_of_live(holds)):
        problems, holds = contradicting, None
    sources = {
        key: scope
        for scope, found in zip(("cluster", "node"), read, strict=True)
        for key in (found.values if found is not None and not problems else ())
    }
    return Decision(holds, seen_cluster, seen_node, "; ".join(problems), sources)


def _merged(documents: list[SettingsDocument]) -> Mapping[str, Any]:
    """The values of all, later ones first."""
    return {key: value for document in documents for key, value in document.values.items()}


def _named(place: tuple[int | str, ...]) -> str:
    """The setting an error is about; names that are no text have none."""
    return str(place[0]) if place else "a name"


def _explained(name: str, kind: str, message: str) -> str:
    if kind != "extra_forbidden":
        return f"{name}: {message.removeprefix('Value error, ')}"
    if name in NodeSettings.model_fields:
        return f"{name} cannot change while nodes run: set it where the node is started"
    return f"{name} is no setting; those that may change are {', '.join(LIVE)}"
