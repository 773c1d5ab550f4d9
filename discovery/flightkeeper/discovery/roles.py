"""Who plays which part towards a registry that tells them apart: nodes, routers and admins.

Owns how that is written. What each may do is the backend's table.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_VARIABLE = "FLIGHTKEEPER_REGISTRY_ACL"
_DIGEST = re.compile(r"[^:]+:[A-Za-z0-9+/]{27}=")
_SECRET = re.compile(r"(digest:[^:;]*:)[^;]*")
_SUBJECT = re.compile(r"[^:;]*\w=[^;]+")


class Role(StrEnum):
    """What somebody is in a cluster."""

    NODE = "node"
    ROUTER = "router"
    ADMIN = "admin"


class InvalidRoles(ValueError):
    """Roles that nobody can be told apart by; says which part, and how they are written."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(
            f"{part!r} says no role: {reason}; write node=digest:USER:HASH;router=world:anyone;"
            "admin=x509:SUBJECT"
        )


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Whom a registry knows.

    Attributes:
        scheme: how they show who they are: "digest", "x509", "world" for anybody, or "auth" for
            whoever asks.
        who: their name in that scheme.
    """

    scheme: str
    who: str


ANYBODY = Identity("world", "anyone")


@dataclass(frozen=True, slots=True)
class Roles:
    """Who has which role; one identity may have several, one role several identities."""

    node: tuple[Identity, ...]
    router: tuple[Identity, ...]
    admin: tuple[Identity, ...]

    @classmethod
    def parse(cls, text: str) -> "Roles":
        """Read `node=digest:USER:HASH;router=world:anyone;admin=x509:SUBJECT`.

        Raises:
            InvalidRoles: it is not of that form, nobody is node or admin, or anybody is.
        """
        found: dict[Role, list[Identity]] = {role: [] for role in Role}
        for part in filter(None, map(str.strip, text.split(";"))):
            role, identity = _read(part)
            found[role].append(identity)
        for role in (Role.NODE, Role.ADMIN):
            if not found[role]:
                raise InvalidRoles(text, f"it names no {role}")
        return cls(*(tuple(found[role]) for role in (Role.NODE, Role.ROUTER, Role.ADMIN)))

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> "Roles | None":
        """What FLIGHTKEEPER_REGISTRY_ACL says, if anything. Raises InvalidRoles."""
        text = variables.get(_VARIABLE)
        return cls.parse(text) if text else None


def checked(text: str) -> str:
    """The text, if it says roles. Raises InvalidRoles."""
    Roles.parse(text)
    return text


def shown(text: str, mask: str) -> str:
    """The text of roles without hashes: a password that is easy to guess is found from its hash."""
    return _SECRET.sub(lambda found: found[1] + mask, text)


def _read(part: str) -> tuple[Role, Identity]:
    name, _, identity = part.partition("=")
    scheme, _, who = identity.partition(":")
    if name not in set(Role):
        raise InvalidRoles(part, "a role is node, router or admin")
    role = Role(name)
    match scheme:
        case "digest" if not _DIGEST.fullmatch(who):
            # Not shown: it may be a password.
            raise InvalidRoles(f"{name}=digest:…", "HASH is the SHA-1 of USER:PASSWORD in Base64")
        case "x509" if not _SUBJECT.fullmatch(who):
            raise InvalidRoles(part, "SUBJECT is a certificate's, such as CN=node")
        case "world" if role is not Role.ROUTER or who != ANYBODY.who:
            raise InvalidRoles(part, "only routers may be anybody, as world:anyone")
        case "digest" | "x509" | "world":
            return role, Identity(scheme, who)
        case _:
            raise InvalidRoles(f"{name}=…", "the scheme is digest, x509 or world")
