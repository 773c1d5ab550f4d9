"""Writes changes of principals down in a registry, and reads all of them.

Owns the compare-and-set: a change is made of what the document is, and again if somebody else was
faster. Works on any registry, from a node or from the command line.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from flightkeeper.discovery.documents import DocumentChanged
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.principals import changes
from flightkeeper.discovery.principals.changes import AccountsProblem
from flightkeeper.discovery.principals.documents import (
    FOLDER,
    NOBODY,
    decode,
    document_name,
    encode,
    read_all,
)
from flightkeeper.discovery.principals.model import (
    SUPERUSER,
    Grant,
    Kind,
    Principal,
    Principals,
    Privilege,
    Securable,
)
from flightkeeper.discovery.registry import Registry, read_documents

_ATTEMPTS_MAX = 50
_ID_BYTES = 8
_TIMEOUT_S = 10.0

Edit = Callable[[Principals, Principal | None], Principal | None]
"""Makes of a principal what it is to be; None = there is none."""


def read_principals(registry: Registry, timeout_s: float = _TIMEOUT_S) -> Principals:
    """All users and roles as they are now.

    Raises:
        RegistryUnavailable: no answer in time.
        AccountsProblem: a document is damaged; says which.
    """
    principals, problems = read_all(read_documents(registry, FOLDER, timeout_s))
    if problems:
        raise AccountsProblem("; ".join(problems))
    return principals


class Accounts:
    """Changes accounts. Thread-safe.

    Every method returns the user or role as it is then; None = there is none. It raises
    AccountsProblem when the change makes no sense as things are, with nothing changed, and
    RegistryUnavailable when it is not known whether it was.
    """

    def __init__(
        self,
        registry: Registry,
        by: str,
        wall_clock_s: Callable[[], float] = time.time,
        known: Callable[[], Principals] | None = None,
    ) -> None:
        """Change nothing yet.

        Args:
            by: who makes the changes, for the record.
            known: all principals as they are, where somebody follows them anyway.
        """
        self._registry = registry
        self._by = by
        self._now_s = wall_clock_s
        self._known = known or (lambda: read_principals(registry))

    def create_user(
        self, name: str, password_hash: str, role: str | None = None, *, if_absent: bool = False
    ) -> Principal | None:
        """Make a user, in a role at once; `if_absent` leaves one alone that is there."""
        made = Principal(name, Kind.USER, secrets.token_hex(_ID_BYTES), password_hash)
        return self._create(made, role, if_absent=if_absent)

    def create_role(self, name: str, *, if_absent: bool = False) -> Principal | None:
        """Make a role."""
        made = Principal(name, Kind.ROLE, secrets.token_hex(_ID_BYTES))
        return self._create(made, None, if_absent=if_absent)

    def set_password(self, name: str, password_hash: str) -> Principal | None:
        """Give a user another password."""

        def change(_: Principals, found: Principal) -> Principal:
            return replace(found, password_hash=password_hash)

        return self._change(name, Kind.USER, change)

    def drop(self, name: str, kind: Kind, *, if_there: bool = False) -> Principal | None:
        """Take a user or role away, with its grants; memberships in it count for nothing."""

        def drop(principals: Principals, found: Principal | None) -> Principal | None:
            if found is None and if_there:
                return None
            _expect(found, name, kind)
            changes.check_not_last_superuser(principals, name, None)
            return None

        return self._write(name, drop)

    def grant(self, name: str, grants: Iterable[Grant]) -> Principal | None:
        """Give a user or role privileges."""
        given = tuple(grants)
        return self._change(name, None, lambda _, one: changes.granted(one, given))

    def revoke(
        self,
        name: str,
        privileges: Iterable[Privilege],
        on: Securable,
        columns: frozenset[str] | None = None,
    ) -> Principal | None:
        """Take privileges on a thing from a user or role."""
        taken = tuple(privileges)
        return self._change(name, None, lambda _, one: changes.revoked(one, taken, on, columns))

    def join(self, name: str, role: str) -> Principal | None:
        """Put a user or role into a role."""
        return self._change(name, None, lambda all_, one: changes.joined(all_, one, role), role)

    def leave(self, name: str, role: str) -> Principal | None:
        """Take a user or role out of a role."""

        def leave(principals: Principals, found: Principal) -> Principal:
            after = changes.left(found, role)
            changes.check_not_last_superuser(principals, name, after)
            return after

        return self._change(name, None, leave)

    def _create(self, made: Principal, role: str | None, *, if_absent: bool) -> Principal | None:
        changes.check_changeable(made.name)

        def create(principals: Principals, found: Principal | None) -> Principal:
            if found is not None:
                if if_absent and found.kind is made.kind:
                    return found
                raise AccountsProblem(
                    f"there is a {found.kind.value} {made.name} already; nothing was changed"
                )
            return made if role is None else changes.joined(principals, made, role)

        return self._write(made.name, create, role)

    def _change(
        self,
        name: str,
        kind: Kind | None,
        edit: Callable[[Principals, Principal], Principal],
        role: str | None = None,
    ) -> Principal | None:
        changes.check_changeable(name)
        return self._write(name, lambda all_, found: edit(all_, _expect(found, name, kind)), role)

    def _write(self, name: str, edit: Edit, role: str | None = None) -> Principal | None:
        document = document_name(name)
        for _ in range(_ATTEMPTS_MAX):
            found = self._registry.read_document(document, _TIMEOUT_S)
            before = None if found is None else decode(name, found.data)
            after = edit(self._fresh(name, before, role), before)
            if after == before:
                return before
            after = None if after is None else self._signed(after)
            data = NOBODY if after is None else encode(after)
            try:
                version = None if found is None else found.version
                self._registry.write_document(document, data, version)
            except DocumentChanged:
                continue
            return after
        raise RegistryUnavailable(f"{name} is being changed all the time; nothing was changed")

    def _fresh(self, name: str, found: Principal | None, role: str | None) -> Principals:
        """All principals; those the change is about as they are, the rest as they are known."""
        known = self._known()
        newest = {name: found}
        if role is not None and role not in {name, SUPERUSER}:
            document = self._registry.read_document(document_name(role), _TIMEOUT_S)
            newest[role] = None if document is None else decode(role, document.data)
        merged = {**known.by_name, **newest}
        return Principals({k: v for k, v in merged.items() if v is not None})

    def _signed(self, principal: Principal) -> Principal:
        now_ms = int(self._now_s() * 1000)
        return replace(principal, changed_by=self._by, changed_at_ms=now_ms)


def _expect(found: Principal | None, name: str, kind: Kind | None) -> Principal:
    if found is None or kind not in {None, found.kind}:
        what = "user or role" if kind is None else kind.value
        raise AccountsProblem(f"there is no {what} {name}; nothing was changed")
    return found
