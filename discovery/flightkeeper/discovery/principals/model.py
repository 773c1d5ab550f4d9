"""Users, roles and grants as values, and what follows from them for one user.

Owns what a grant covers and how roles add up. Must not know how principals are written down, where
they are kept, or what SQL looks like: a row filter is a text here. Pure.

Names of catalogs, schemas, tables and columns are kept folded, because SQL does not tell `T` from
`t`; names of users and roles are exact.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

SUPERUSER = "superuser"
"""The role whose members may do everything. It is always there and cannot be changed."""
_UPPER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def folded(name: str) -> str:
    """A name of SQL as it is compared: ASCII in lower case, as DuckDB does, and the rest exact."""
    return name.translate(_UPPER)


class Privilege(StrEnum):
    """What a grant allows."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CREATE = "CREATE"
    """Making tables in a schema, or schemas in a catalog."""


class Kind(StrEnum):
    """What a principal is."""

    USER = "user"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Securable:
    """A catalog, a schema or a table, by its folded names.

    Attributes:
        catalog: None = the node's own database, whatever that is called on each node.
        schema: None = all of the catalog.
        table: None = all of the schema.
    """

    catalog: str | None
    schema: str | None = None
    table: str | None = None

    def covers(self, other: "Securable", own: str) -> bool:
        """Whether the other one is this one, or lies in it.

        Args:
            own: what the node's own database is called.
        """
        return (
            (self.catalog or own) == (other.catalog or own)
            and self.schema in {None, other.schema}
            and self.table in {None, other.table}
        )

    def __str__(self) -> str:
        """For people: what it is and its names."""
        kind = "CATALOG" if self.schema is None else "SCHEMA" if self.table is None else "TABLE"
        names = [name for name in (self.catalog, self.schema, self.table) if name is not None]
        return f"{kind} {'.'.join(names)}".rstrip()


@dataclass(frozen=True, slots=True)
class Grant:
    """One privilege on one thing.

    Attributes:
        columns: folded names; None = all columns, later ones too. For SELECT on a table only.
        rows: a condition of SQL over the table's columns; None = all rows. For tables only.
    """

    privilege: Privilege
    on: Securable
    columns: frozenset[str] | None = None
    rows: str | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """That a principal is in a role; the id tells the role from a later one of the same name."""

    role: str
    role_id: str


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or a role.

    Attributes:
        id: told from all others, also from earlier ones of the same name.
        password_hash: argon2id; None for roles.
        changed_by: who wrote it last.
        changed_at_ms: when, in Unix milliseconds by the writer's clock.
    """

    name: str
    kind: Kind
    id: str
    password_hash: str | None = field(default=None, repr=False)
    roles: tuple[Membership, ...] = ()
    grants: tuple[Grant, ...] = ()
    changed_by: str = ""
    changed_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Access:
    """What one user may do, all roles added up.

    Attributes:
        superuser: everything; the grants do not matter.
    """

    superuser: bool
    grants: tuple[Grant, ...] = ()

    def to(self, privilege: Privilege, thing: Securable, own: str) -> tuple[Grant, ...]:
        """The grants that give a privilege on a thing; none = it is refused."""
        return tuple(
            grant
            for grant in self.grants
            if grant.privilege is privilege and grant.on.covers(thing, own)
        )

    def index(self, own: str) -> "GrantIndex":
        """The grants, for who asks about many things."""
        return GrantIndex.of(self.grants, own)


@dataclass(frozen=True, slots=True)
class GrantIndex:
    """Grants by what they are on, so that it does not matter how many there are.

    Attributes:
        own: what the node's own database is called.
        by_thing: with the catalog named.
        containers: the catalogs and schemas that something is granted in.
    """

    own: str
    by_thing: Mapping[Securable, Sequence[Grant]]
    containers: frozenset[Securable]

    @classmethod
    def of(cls, grants: Iterable[Grant], own: str) -> "GrantIndex":
        """Index some grants."""
        by_thing: dict[Securable, list[Grant]] = {}
        containers: set[Securable] = set()
        for grant in grants:
            thing = replace(grant.on, catalog=grant.on.catalog or own)
            by_thing.setdefault(thing, []).append(grant)
            containers |= {Securable(thing.catalog), Securable(thing.catalog, thing.schema)}
        return cls(own, by_thing, frozenset(containers))

    def covering(self, thing: Securable) -> list[Grant]:
        """The grants on a thing or on what it lies in."""
        named = replace(thing, catalog=thing.catalog or self.own)
        around = Securable(named.catalog), Securable(named.catalog, named.schema), named
        return [grant for one in dict.fromkeys(around) for grant in self.by_thing.get(one, ())]

    def sees(self, thing: Securable) -> bool:
        """Whether a catalog, schema or table is shown: something is granted on it or within."""
        named = replace(thing, catalog=thing.catalog or self.own)
        return named in self.containers or bool(self.covering(thing))


_SUPERUSER_ROLE = Principal(SUPERUSER, Kind.ROLE, SUPERUSER)


@dataclass(frozen=True)
class Principals:
    """All users and roles of a cluster at one moment."""

    by_name: Mapping[str, Principal]
    _known: dict[str, Access] = field(default_factory=dict, compare=False, repr=False)

    def user(self, name: str) -> Principal | None:
        """The user of this name."""
        found = self.by_name.get(name)
        return found if found is not None and found.kind is Kind.USER else None

    def role(self, name: str) -> Principal | None:
        """The role of this name."""
        if name == SUPERUSER:
            return _SUPERUSER_ROLE
        found = self.by_name.get(name)
        return found if found is not None and found.kind is Kind.ROLE else None

    def access(self, name: str) -> Access | None:
        """What a user may do; None = there is no such user."""
        if (known := self._known.get(name)) is None and (user := self.user(name)) is not None:
            held = tuple(self.held(user))
            superuser = any(principal.name == SUPERUSER for principal in held)
            grants = tuple(dict.fromkeys(grant for one in held for grant in one.grants))
            # Two threads may both find it out; they find the same.
            known = self._known[name] = Access(superuser, grants)
        return known

    def held(self, principal: Principal) -> Iterator[Principal]:
        """The principal, its roles, their roles, and so on; each once.

        A membership in a role that was dropped counts for nothing, also when another role has
        taken the name.
        """
        seen: set[str] = set()
        left = [principal]
        while left:
            one = left.pop()
            if one.name in seen:
                continue
            seen.add(one.name)
            yield one
            for membership in one.roles:
                role = self.role(membership.role)
                if role is not None and role.id == membership.role_id:
                    left.append(role)

    def members(self, role: Principal) -> Sequence[str]:
        """The names of those who are in a role themselves, in order."""
        membership = Membership(role.name, role.id)
        return sorted(one.name for one in self.by_name.values() if membership in one.roles)
