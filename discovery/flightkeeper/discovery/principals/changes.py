"""Changes of principals: what each makes of one, and when it is refused.

Pure: who writes them down, and again when somebody else was faster, is `accounts`.
"""

from collections.abc import Iterable
from dataclasses import replace

from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.principals.model import (
    SUPERUSER,
    Grant,
    Kind,
    Membership,
    Principal,
    Principals,
    Privilege,
    Securable,
)

GRANTS_MAX = 1000
"""Of one principal; who needs more makes roles."""


class AccountsProblem(RegistryError, ValueError):
    """A change of accounts makes no sense as things are. Nothing was changed."""


def granted(principal: Principal, grants: Iterable[Grant]) -> Principal:
    """The principal with more grants; those it has already stay single.

    Raises:
        AccountsProblem: that would be too many.
    """
    check_changeable(principal.name)
    together = tuple(dict.fromkeys((*principal.grants, *grants)))
    if len(together) > GRANTS_MAX:
        raise AccountsProblem(
            f"{principal.name} would hold {len(together)} grants, and {GRANTS_MAX} is the limit; "
            "nothing was changed: grant whole schemas, or divide them over roles"
        )
    return replace(principal, grants=together)


def revoked(
    principal: Principal,
    privileges: Iterable[Privilege],
    on: Securable,
    columns: frozenset[str] | None = None,
) -> Principal:
    """The principal without these privileges on exactly this thing, whatever rows they let see.

    Args:
        columns: take away only these, where only columns were granted; None = all.

    Raises:
        AccountsProblem: it holds none of them, so it would be believed to be safe and is not.
    """
    check_changeable(principal.name)
    wanted = set(privileges)
    left: list[Grant] = []
    for grant in principal.grants:
        if grant.privilege not in wanted or grant.on != on:
            left.append(grant)
        elif columns is not None:
            left.extend(_without(grant, columns))
    if tuple(left) == principal.grants:
        raise AccountsProblem(
            f"{principal.name} holds no such privilege on {on} itself; nothing was changed: "
            "see what it holds, and through which role, with SHOW GRANTS"
        )
    return replace(principal, grants=tuple(left))


def _without(grant: Grant, columns: frozenset[str]) -> Iterable[Grant]:
    if grant.columns is None:
        raise AccountsProblem(
            f"{grant.privilege} on {grant.on} was granted for all columns; nothing was changed: "
            "revoke it, and grant the columns that are to stay"
        )
    if remaining := grant.columns - columns:
        yield replace(grant, columns=remaining)


def joined(principals: Principals, member: Principal, role_name: str) -> Principal:
    """The member in one more role.

    Raises:
        AccountsProblem: there is no such role, or the role is in the member already.
    """
    check_changeable(member.name)
    role = existing_role(principals, role_name)
    if any(held.name == member.name for held in principals.held(role)):
        raise AccountsProblem(
            f"{role_name} is in {member.name} already, and roles cannot be in each other; nothing "
            "was changed"
        )
    membership = Membership(role.name, role.id)
    kept = tuple(one for one in member.roles if one.role != role.name)
    return replace(member, roles=(*kept, membership))


def left(member: Principal, role_name: str) -> Principal:
    """The member without a role.

    Raises:
        AccountsProblem: it is not in it.
    """
    kept = tuple(one for one in member.roles if one.role != role_name)
    if kept == member.roles:
        raise AccountsProblem(
            f"{member.name} is not in the role {role_name} itself; nothing was changed"
        )
    return replace(member, roles=kept)


def existing_role(principals: Principals, name: str) -> Principal:
    """The role of this name.

    Raises:
        AccountsProblem: there is none.
    """
    role = principals.role(name)
    if role is None:
        raise AccountsProblem(f"there is no role {name}; nothing was changed")
    return role


def check_not_last_superuser(principals: Principals, name: str, after: Principal | None) -> None:
    """Keep somebody who can change accounts.

    Raises:
        AccountsProblem: nobody could any more.
    """
    left_over = dict(principals.by_name)
    left_over.pop(name, None)
    if after is not None:
        left_over[name] = after
    before, later = _superusers(principals), _superusers(Principals(left_over))
    if before and not later:
        raise AccountsProblem(
            f"{name} is the last superuser: nobody could log in to change accounts any more; "
            "nothing was changed: make somebody else one first"
        )


def check_changeable(name: str) -> None:
    """Raises AccountsProblem for the role that is always there."""
    if name == SUPERUSER:
        raise AccountsProblem(f"the role {SUPERUSER} cannot be changed; nothing was changed")


def _superusers(principals: Principals) -> list[str]:
    return [
        name
        for name, one in principals.by_name.items()
        if one.kind is Kind.USER and (access := principals.access(name)) and access.superuser
    ]
