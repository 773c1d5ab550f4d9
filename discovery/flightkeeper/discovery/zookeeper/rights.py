"""Who may do what with which znode: one table, for whoever makes a znode and whoever checks one.

Pure. ZooKeeper's rights are of each znode alone and are not inherited: making and taking away a
child are rights on its parent, and so everything below a path has its rule here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flightkeeper.discovery.roles import ANYBODY, Identity, Role, Roles

_LETTERS = {"r": "read", "w": "write", "c": "create", "d": "delete", "a": "admin"}
_ANY = "*"
_REST = "**"


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody may do with a znode.

    Attributes:
        scheme: how they show who they are, such as "world", "digest" or "x509".
        who: their name in that scheme.
        rights: of read, write, create, delete and admin.
    """

    scheme: str
    who: str
    rights: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """Rights for paths of one form, as letters of r, w, c, d and a. Admins have all of them.

    Attributes:
        pattern: below the chroot; `*` is one name, `**` at the end one or more.
    """

    pattern: str
    node: str
    router: str = ""

    def matches(self, path: str) -> bool:
        """Whether a path, below the chroot, is of this form."""
        wanted, found = self.pattern.split("/"), path.split("/")
        if wanted[-1] == _REST:
            wanted.pop()
            if len(found) <= len(wanted):
                return False
            found = found[: len(wanted)]
        return len(wanted) == len(found) and all(
            want in {_ANY, have} for want, have in zip(wanted, found, strict=True)
        )

    def rights(self, role: Role) -> frozenset[str]:
        """What a role may do."""
        letters = {Role.NODE: self.node, Role.ROUTER: self.router, Role.ADMIN: "rwcda"}[role]
        return frozenset(_LETTERS[letter] for letter in letters)


TABLE = (
    Rule("", "r", "r"),
    Rule("/services", "rc", "r"),
    Rule("/services/*", "rcd", "r"),
    Rule("/services/*/*", "rw", "r"),
    Rule("/locks", "rcd", "r"),
    Rule("/locks/*", "rcd", "r"),
    Rule("/locks/*/*", "rw", "r"),
    Rule("/leaders", "rcd", "r"),
    Rule("/leaders/*", "rcd", "r"),
    Rule("/leaders/*/*", "rw", "r"),
    Rule("/keys", "rc"),
    Rule("/keys/**", "rwc"),
    Rule("/*", "rc", "r"),
    Rule("/**", "rwc", "r"),
)
"""The first that matches holds. Documents are never deleted, so nobody but admins may."""

_SELF = Identity("auth", "")
OWN = Roles((_SELF,), (ANYBODY,), (_SELF,))
"""One identity is node and admin, anybody is a router: what holds when nothing else is said."""
OPEN = Roles((ANYBODY,), (ANYBODY,), (ANYBODY,))
"""Nobody is known."""


def grants(roles: Roles, path: str) -> tuple[Grant, ...]:
    """What a znode's rights have to be.

    Args:
        path: below the chroot; "" is the chroot itself.
    """
    rule = next(rule for rule in TABLE if rule.matches(path))
    held: dict[Identity, frozenset[str]] = {}
    for role in Role:
        for identity in _who(roles, role):
            held[identity] = held.get(identity, frozenset()) | rule.rights(role)
    return tuple(Grant(one.scheme, one.who, held[one]) for one in sorted(held) if held[one])


def differences(roles: Roles, path: str, found: tuple[Grant, ...]) -> Iterator[str]:
    """What a znode's rights are too many or too few of, in words.

    Args:
        roles: not `OPEN`: with that nothing would be too much.
        path: below the chroot.
        found: as ZooKeeper tells them; for who may not change them, without the hashes.
    """
    masked = any(grant.scheme == "digest" and grant.who.endswith(":x") for grant in found)
    wanted, there = _held(grants(roles, path), masked=masked), _held(found, masked=masked)
    own = wanted.pop(_SELF, None)
    for identity in sorted(wanted.keys() | there.keys()):
        # Whoever made it: only that others have no more than anybody can be told.
        if own is not None and identity != ANYBODY:
            continue
        have = there.get(identity, frozenset())
        want = wanted.get(identity, frozenset())
        who = "anybody" if identity == ANYBODY else f"{identity.scheme} {_shown(identity)}"
        if more := sorted(have - want):
            yield f"{who} may {', '.join(more)}"
        if less := sorted(want - have):
            yield f"{who} may not {', '.join(less)}"


def _who(roles: Roles, role: Role) -> tuple[Identity, ...]:
    return {Role.NODE: roles.node, Role.ROUTER: roles.router, Role.ADMIN: roles.admin}[role]


def _held(given: tuple[Grant, ...], *, masked: bool) -> dict[Identity, frozenset[str]]:
    held: dict[Identity, frozenset[str]] = {}
    for grant in given:
        who = f"{grant.who.partition(':')[0]}:x" if masked and grant.scheme == "digest" else None
        identity = Identity(grant.scheme, who or grant.who)
        held[identity] = held.get(identity, frozenset()) | grant.rights
    return held


def _shown(identity: Identity) -> str:
    return identity.who.partition(":")[0] if identity.scheme == "digest" else identity.who
