"""Rows of system tables that the registry has, the same for whichever node asks it."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from flightkeeper.discovery.contention import Claim
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.locks import LockKind, LockPlace
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.cluster.duties import FOLDER
from flightkeeper.flight_server.errors import Unavailable
from flightkeeper.flight_server.system.collecting import Provider

_WITHIN_S = 1.0

_Rows = list[tuple[object, ...]]


def providers(registry: Registry) -> Mapping[str, Provider]:
    """What has the rows, by table. Each raises `Unavailable` while the registry does not answer."""
    return {
        "locks": lambda: _asked(lambda: _locks(registry)),
        "leaders": lambda: _asked(lambda: _leaders(registry)),
    }


def _asked(rows: Callable[[], _Rows]) -> _Rows:
    try:
        return rows()
    except RegistryError as exc:
        raise Unavailable(
            "the registry does not answer, so nobody can say who holds its locks; nothing was "
            "run: try again"
        ) from exc


def _locks(registry: Registry) -> _Rows:
    places = registry.lock_places(LockKind.LOCK, _WITHIN_S)
    return [(place.name, _told(place.claim), *_line(place)) for place in places]


def _leaders(registry: Registry) -> _Rows:
    rows: _Rows = []
    for place in registry.lock_places(LockKind.LEADER, _WITHIN_S):
        said = _announced(registry, place.name) if place.held else {}
        # What an earlier leader said does not count any more.
        own = said if said.get("token") == place.token else {}
        since = own["since_ms"] * 1000 if own else None
        rows.append((place.name, own.get("node"), since, *_line(place)))
    return rows


def _announced(registry: Registry, duty: str) -> Mapping[str, Any]:
    """What the leader of a duty says of itself; nothing if it says none, or nonsense."""
    found = registry.read_document(f"{FOLDER}/{duty}", _WITHIN_S)
    with suppress(ValueError, TypeError, KeyError):
        said = json.loads(found.data) if found is not None else {}
        return {
            "node": str(said["node"]),
            "token": said["token"],
            "since_ms": int(said["since_ms"]),
        }
    return {}


def _line(place: LockPlace) -> tuple[object, ...]:
    return place.position, place.held, place.token, place.holder


def _told(claim: Claim) -> str:
    if claim.shared:
        return "shared"
    return "exclusive" if claim.permits == 1 else f"{claim.permits} permits"
