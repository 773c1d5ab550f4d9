"""Rows of system tables that the registry has, the same for whichever node asks it."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from flightkeeper.discovery.catalog import changing
from flightkeeper.discovery.catalog.definition import Definition, Table
from flightkeeper.discovery.catalog.partitions import Partition
from flightkeeper.discovery.contention import Claim
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.locks import LockKind, LockPlace
from flightkeeper.discovery.principals.accounts import read_principals
from flightkeeper.discovery.reference_table import MalformedTable, decode
from flightkeeper.discovery.reference_tables import ReferenceTables
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.cluster.duties import FOLDER
from flightkeeper.flight_server.errors import Unavailable
from flightkeeper.flight_server.system.collecting import Provider

_WITHIN_S = 1.0

_Rows = list[tuple[object, ...]]


def providers(registry: Registry | None) -> Mapping[str, Provider]:
    """What has the rows, by table. Each raises `Unavailable` while the registry does not answer."""
    if registry is None:
        return {}
    return {
        "locks": lambda: _asked(lambda: _locks(registry)),
        "leaders": lambda: _asked(lambda: _leaders(registry)),
        "catalog": lambda: _asked(lambda: _catalog(registry)),
        "partitions": lambda: _asked(lambda: _partitions(registry)),
        "users": lambda: _asked(lambda: _users(registry)),
        "grants": lambda: _asked(lambda: _grants(registry)),
    }


def _asked(rows: Callable[[], _Rows]) -> _Rows:
    try:
        return rows()
    except RegistryError as exc:
        raise Unavailable(
            f"the registry cannot tell what the cluster has agreed on: {exc}; nothing was run: try "
            "again"
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


def _catalog(registry: Registry) -> _Rows:
    rows = [_defined(each) for each in changing.list_all(registry, _WITHIN_S)]
    tables = ReferenceTables(registry).all(_WITHIN_S)
    rows += [_reference(name, found) for name, found in tables.items()]
    return sorted(rows, key=str)


def _defined(each: Definition) -> tuple[object, ...]:
    files: tuple[object, ...] = (None, None, None, None)
    if isinstance(table := each.body, Table):
        pages = sum(page.partitions for page in table.pages)
        by = ", ".join(table.partitioned_by) or None
        files = (table.format.value, table.location, by, pages if by else None)
    about = (each.owner, each.comment or None, each.by, each.at_ms * 1000)
    return (each.name.schema, each.name.name, each.kind, *files, *about)


def _reference(full_name: str, found: Document) -> tuple[object, ...]:
    schema, _, name = full_name.partition(".")
    by, at, comment = None, None, None
    with suppress(MalformedTable):
        content = decode(found.data)
        comment = content.comment or None
        if content.history:
            by, at = content.history[-1].by, content.history[-1].at_ms * 1000
    return (schema, name, "reference table", None, None, None, None, None, comment, by, at)


def _partitions(registry: Registry) -> _Rows:
    rows: _Rows = []
    for each in changing.list_all(registry, _WITHIN_S):
        if isinstance(each.body, Table) and each.body.partitioned_by:
            _, table, parts = changing.read_table(registry, each.name)
            names = table.partitioned_by
            rows += [(each.name.schema, each.name.name, *_part(names, part)) for part in parts]
    return rows


def _part(names: Sequence[str], part: Partition) -> tuple[object, ...]:
    values = zip(names, part.values, strict=True)
    told = "/".join(f"{name}={'NULL' if value is None else value}" for name, value in values)
    files = None if part.files is None else len(part.files)
    return (told, part.path, files, _known(part.rows), _known(part.bytes))


def _known(number: int) -> int | None:
    return None if number < 0 else number


def _users(registry: Registry) -> _Rows:
    found = read_principals(registry, _WITHIN_S).by_name
    return [
        (
            each.name,
            each.kind.value,
            ", ".join(membership.role for membership in each.roles) or None,
            each.changed_by,
            each.changed_at_ms * 1000,
        )
        for _, each in sorted(found.items())
    ]


def _grants(registry: Registry) -> _Rows:
    found = read_principals(registry, _WITHIN_S).by_name
    return [
        (
            name,
            grant.privilege.value,
            str(grant.on),
            None if grant.columns is None else ", ".join(sorted(grant.columns)),
            grant.rows,
        )
        for name, each in sorted(found.items())
        for grant in each.grants
    ]


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
