"""The instance record: what a node says of itself in the registry, and its bytes.

Owns the mapping between `Instance` and Apache Curator's x-discovery JSON, so that Curator's
`ServiceDiscovery` reads our nodes and we read its. Knows nothing of where the bytes are kept.
Our own fields live in `payload` only: old Curator versions refuse unknown keys elsewhere.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flightkeeper.discovery.errors import MalformedRecord

PAYLOAD_VERSION = 1
"""Raised only when a reader of the old payload would misread the new one."""

_TLS_SCHEME = "grpc+tls"
_LOCATION = re.compile(r"[a-z+]+://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]+/?")
_SCHEMES = frozenset({"grpc", "grpc+tcp", _TLS_SCHEME})
"""What a client can connect to; one record it cannot use must not cost a statement."""

_T = TypeVar("_T")


class NodeState(StrEnum):
    """What a node says about taking work."""

    STARTING = "STARTING"
    UP = "UP"
    DRAINING = "DRAINING"


@dataclass(frozen=True, slots=True)
class Instance:
    """One node's record, for one incarnation of it.

    Attributes:
        service: the named set of interchangeable nodes it belongs to.
        node_id: stable over restarts, unique within the service.
        location: Flight URI clients can reach, `grpc://host:port` or `grpc+tls://host:port`.
        incarnation: unique text of this life of the node.
        lake: names the lake whose tables it shares with others; empty = none.
        registered_at_ms: Unix time in milliseconds.
        databases: names of private databases that exist on this node only.
        settings: revisions of the cluster's and of its own live settings that it has seen.
        keys: revision of the cluster's keys that it has seen; -1 = it does not follow them.
        problem: why it cannot follow what the cluster agrees on; empty = it does.
        catalog: revision of the cluster's catalog that it has followed.
        catalog_problems: names of objects that it does not have as they are defined, and why.
    """

    service: str
    node_id: str
    location: str
    incarnation: str
    state: NodeState = NodeState.UP
    version: str = ""
    zone: str = ""
    weight: int = 100
    roles: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    lake: str = ""
    registered_at_ms: int = 0
    settings: tuple[int, int] = (0, 0)
    keys: int = -1
    problem: str = ""
    catalog: int = 0
    catalog_problems: tuple[tuple[str, str], ...] = ()

    def succeeding(self, old: "Instance") -> "Instance":
        """This record, checked to be an update of an older one.

        Raises:
            ValueError: it has another service, node id or incarnation.
        """
        mine = (self.service, self.node_id, self.incarnation)
        theirs = (old.service, old.node_id, old.incarnation)
        if mine != theirs:
            raise ValueError(f"an update keeps service, node id, incarnation: {theirs} to {mine}")
        return self


def encode(instance: Instance) -> bytes:
    """Write an instance as Curator x-discovery JSON, UTF-8.

    Spec: org.apache.curator.x.discovery.details.JsonInstanceSerializer, "compatible" mode.
    """
    location = urlsplit(instance.location)
    secure = location.scheme == _TLS_SCHEME
    document = {
        "name": instance.service,
        "id": instance.node_id,
        "address": location.hostname,
        "port": None if secure else location.port,
        "sslPort": location.port if secure else None,
        "payload": {
            # Curator writes a class into every map; readers typed as Object or Map accept this one.
            "@class": "java.util.LinkedHashMap",
            "v": PAYLOAD_VERSION,
            "state": instance.state.value,
            "location": instance.location,
            "incarnation": instance.incarnation,
            "version": instance.version,
            "zone": instance.zone,
            "weight": instance.weight,
            "roles": list(instance.roles),
            "databases": list(instance.databases),
            "lake": instance.lake,
            "clusterSettings": instance.settings[0],
            "nodeSettings": instance.settings[1],
            "keys": instance.keys,
            "problem": instance.problem,
            "catalog": instance.catalog,
            "catalogProblems": [list(problem) for problem in instance.catalog_problems],
        },
        "registrationTimeUTC": instance.registered_at_ms,
        "serviceType": "DYNAMIC",
        "uriSpec": _uri_spec(location.scheme, "sslPort" if secure else "port"),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def decode(data: bytes) -> Instance:
    """Read an instance back.

    Raises:
        MalformedRecord: not JSON, not an instance, or a field of the wrong type; names the field.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise MalformedRecord(f"not JSON: {exc}") from exc
    fields = _Fields(document, "record")
    payload = _Fields(fields.get("payload", dict), "payload")
    state = payload.get("state", str)
    if state not in NodeState.__members__:
        raise MalformedRecord(f"payload field 'state' is {state!r}, not one of {list(NodeState)}")
    location = payload.get("location", str)
    _check_location(location)
    return Instance(
        service=fields.get("name", str),
        node_id=fields.get("id", str),
        location=location,
        incarnation=payload.get("incarnation", str),
        state=NodeState(state),
        version=payload.get("version", str, ""),
        zone=payload.get("zone", str, ""),
        weight=payload.get("weight", int, 100),
        roles=payload.texts("roles"),
        databases=payload.texts("databases"),
        lake=payload.get("lake", str, ""),
        registered_at_ms=fields.get("registrationTimeUTC", int, 0),
        settings=(payload.get("clusterSettings", int, 0), payload.get("nodeSettings", int, 0)),
        keys=payload.get("keys", int, -1),
        problem=payload.get("problem", str, ""),
        catalog=payload.get("catalog", int, 0),
        catalog_problems=payload.pairs("catalogProblems"),
    )


def _uri_spec(scheme: str, port_field: str) -> Mapping[str, object]:
    """Curator's URI template; its `{scheme}` renders http only, so ours is spelt out."""
    literal = [{"value": f"{scheme}://", "variable": False}]
    address = [{"value": "address", "variable": True}, {"value": ":", "variable": False}]
    return {"parts": [*literal, *address, {"value": port_field, "variable": True}]}


def _check_location(location: str) -> None:
    try:
        parts = urlsplit(location)
        complete = bool(parts.scheme in _SCHEMES and parts.hostname and parts.port)
    except ValueError as exc:
        raise MalformedRecord(f"payload field 'location' is {location!r}: {exc}") from exc
    # Others copy it into files of theirs: nothing may stand in it that means something there.
    if not complete or not _LOCATION.fullmatch(location):
        raise MalformedRecord(f"payload field 'location' is {location!r}, not grpc://host:port")


class _Fields:
    """Typed reading of one JSON object, naming the field that is wrong."""

    def __init__(self, document: object, where: str) -> None:
        if not isinstance(document, dict):
            raise MalformedRecord(f"{where} is not a JSON object")
        self._document: dict[str, Any] = document
        self._where = where

    def get(self, name: str, kind: type[_T], default: _T | None = None) -> _T:
        value = self._document.get(name, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise MalformedRecord(f"{self._where} field {name!r} is {value!r}, not {kind.__name__}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise MalformedRecord(f"{self._where} field {name!r} is not a list of texts")
        return tuple(values)

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """A list of pairs of texts."""
        values = self.get(name, list, [])
        if not all(isinstance(v, list) and list(map(type, v)) == [str, str] for v in values):
            raise MalformedRecord(f"{self._where} field {name!r} is not a list of pairs of texts")
        return tuple((first, second) for first, second in values)
