"""Principals as documents of the registry: one for each, under its name.

Owns their names and their JSON. One document holds all that belongs to a principal, so that each
change of it is one compare-and-set, and dropping it takes its grants along. Pure.

A principal that was dropped leaves an empty document, as all that is taken away does.
"""

import json
from collections.abc import Mapping
from typing import Any

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.names import check_name
from flightkeeper.discovery.principals.model import (
    Grant,
    Kind,
    Membership,
    Principal,
    Principals,
    Privilege,
    Securable,
)

FOLDER = "keys/principals"
NOBODY = b""
"""What is left of a principal that was dropped."""
_FORMAT = 1


class MalformedPrincipal(ValueError):
    """The bytes are no principal."""


def document_name(principal: str) -> str:
    """Where a principal is kept.

    Raises:
        InvalidName: nobody can have this name.
    """
    return f"{FOLDER}/{check_name('account', principal)}"


def encode(principal: Principal) -> bytes:
    """A principal as JSON; the name is the document's."""
    fields: dict[str, Any] = {
        "format": _FORMAT,
        "kind": principal.kind.value,
        "id": principal.id,
        "roles": [{"role": one.role, "id": one.role_id} for one in principal.roles],
        "grants": [_grant_fields(grant) for grant in principal.grants],
        "changed_by": principal.changed_by,
        "changed_at_ms": principal.changed_at_ms,
    }
    if principal.password_hash is not None:
        fields["password_hash"] = principal.password_hash
    return json.dumps(fields, ensure_ascii=False).encode()


def decode(name: str, data: bytes) -> Principal | None:
    """Read a principal back; None = it was dropped.

    Raises:
        MalformedPrincipal: it is none; what stands in it is not repeated.
    """
    if data == NOBODY:
        return None
    try:
        fields = json.loads(data)
        if fields["format"] != _FORMAT:
            raise MalformedPrincipal(f"{name} is written in a format that is not known here")
        return _principal(name, fields)
    except (
        *(ValueError, KeyError, TypeError, AttributeError),
        *(ArithmeticError, RecursionError),
    ) as exc:
        if isinstance(exc, MalformedPrincipal):
            raise
        raise MalformedPrincipal(f"the document of {name} is damaged") from None


def read_all(documents: Mapping[str, Document]) -> tuple[Principals, tuple[str, ...]]:
    """All principals, from all documents of the folder by their full names.

    Returns: the principals, and what is wrong with documents that are none; those principals
        may do nothing.
    """
    found: dict[str, Principal] = {}
    problems: list[str] = []
    for full_name in sorted(documents):
        name = full_name.removeprefix(f"{FOLDER}/")
        try:
            principal = decode(name, documents[full_name].data)
        except MalformedPrincipal as exc:
            problems.append(str(exc))
            continue
        if principal is not None:
            found[name] = principal
    return Principals(found), tuple(problems)


def _principal(name: str, fields: Mapping[str, Any]) -> Principal:
    kind = Kind(fields["kind"])
    password_hash = fields.get("password_hash")
    if (kind is Kind.USER) != isinstance(password_hash, str):
        raise MalformedPrincipal(f"the document of {name} has no password, or one too many")
    return Principal(
        name=name,
        kind=kind,
        id=_text(fields["id"]),
        password_hash=password_hash,
        roles=tuple(Membership(_text(one["role"]), _text(one["id"])) for one in fields["roles"]),
        grants=tuple(map(_grant, fields["grants"])),
        changed_by=_text(fields["changed_by"]),
        changed_at_ms=int(fields["changed_at_ms"]),
    )


def _grant_fields(grant: Grant) -> dict[str, Any]:
    fields: dict[str, Any] = {"privilege": grant.privilege.value}
    for name in ("catalog", "schema", "table"):
        if (value := getattr(grant.on, name)) is not None:
            fields[name] = value
    if grant.columns is not None:
        fields["columns"] = sorted(grant.columns)
    if grant.rows is not None:
        fields["rows"] = grant.rows
    return fields


def _grant(fields: Mapping[str, Any]) -> Grant:
    """A limit that cannot be read must not vanish: what is there has to be what it should be."""
    names = {name: _text(fields[name]) for name in ("catalog", "schema", "table") if name in fields}
    columns = fields.get("columns")
    if columns is not None and not isinstance(columns, list):
        raise TypeError("columns")
    rows = fields.get("rows")
    unknown = set(fields) - {"privilege", "catalog", "schema", "table", "columns", "rows"}
    if unknown:
        raise ValueError("a limit that is not known here")
    return Grant(
        privilege=Privilege(fields["privilege"]),
        on=Securable(names.get("catalog"), names.get("schema"), names.get("table")),
        columns=None if columns is None else frozenset(map(_text, columns)),
        rows=None if rows is None else _text(rows),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
