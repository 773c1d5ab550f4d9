"""Statements about accounts: CREATE USER, CREATE ROLE, ALTER USER, DROP, GRANT, REVOKE, SHOW.

Owns their grammar. Errors do not quote the statement, because it may hold a password.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import pyarrow as pa

from flightkeeper.discovery.principals.model import Kind, Privilege, folded
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.errors import InvalidArgument

if TYPE_CHECKING:
    from flightkeeper.flight_server.sql.reading import Source

_NAMES = pa.list_(pa.string())
_MOMENT = pa.timestamp("ms", "UTC")
_GRANTS: list[Any] = [
    pa.field("grantee", pa.string(), nullable=False),
    pa.field("held_by", pa.string(), nullable=False),
    pa.field("privilege", pa.string(), nullable=False),
    pa.field("catalog", pa.string()),
    pa.field("schema", pa.string()),
    pa.field("table", pa.string()),
    pa.field("columns", _NAMES),
    pa.field("row_filter", pa.string()),
]
_USERS: list[Any] = [
    pa.field("name", pa.string(), nullable=False),
    pa.field("superuser", pa.bool_(), nullable=False),
    pa.field("roles", _NAMES, nullable=False),
    pa.field("changed_by", pa.string(), nullable=False),
    pa.field("changed_at", _MOMENT, nullable=False),
]
_ROLES: list[Any] = [
    pa.field("name", pa.string(), nullable=False),
    pa.field("roles", _NAMES, nullable=False),
    pa.field("members", _NAMES, nullable=False),
]


@dataclass(frozen=True, slots=True)
class CreateUser(Command):
    """`CREATE USER [IF NOT EXISTS] name PASSWORD '…' [ROLE role]`."""

    name: str
    password: str = field(repr=False)
    role: str | None
    if_absent: bool


@dataclass(frozen=True, slots=True)
class CreateRole(Command):
    """`CREATE ROLE [IF NOT EXISTS] name`."""

    name: str
    if_absent: bool


@dataclass(frozen=True, slots=True)
class SetPassword(Command):
    """`ALTER USER name PASSWORD '…'`."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DropPrincipal(Command):
    """`DROP USER|ROLE [IF EXISTS] name`."""

    name: str
    kind: Kind
    if_there: bool


@dataclass(frozen=True, slots=True)
class Thing:
    """What a grant is on, as it is named.

    Attributes:
        kind: `TABLE`, `SCHEMA` or `CATALOG`.
        path: folded.
    """

    kind: str
    path: tuple[str, ...]


Privileges = tuple[tuple[Privilege, frozenset[str] | None], ...]
"""Privileges, each with the columns it is limited to; None = all."""


@dataclass(frozen=True, slots=True)
class GrantPrivileges(Command):
    """`GRANT privilege [(column, …)], … ON [TABLE|SCHEMA|CATALOG] x TO name, … [WHERE …]`."""

    privileges: Privileges
    on: Thing
    names: tuple[str, ...]
    rows: str | None


@dataclass(frozen=True, slots=True)
class RevokePrivileges(Command):
    """`REVOKE privilege [(column, …)], … ON [TABLE|SCHEMA|CATALOG] x FROM name, …`."""

    privileges: Privileges
    on: Thing
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GrantRoles(Command):
    """`GRANT role, … TO name, …`, or `ALTER USER name ROLE role`."""

    roles: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RevokeRoles(Command):
    """`REVOKE role, … FROM name, …`."""

    roles: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShowGrants(Command):
    """`SHOW GRANTS [FOR name]`: what a user or role may do, also through roles."""

    name: str | None
    schema: ClassVar[pa.Schema | None] = pa.schema(_GRANTS)
    read_only: ClassVar[bool] = True
    public: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ShowUsers(Command):
    """`SHOW USERS`."""

    schema: ClassVar[pa.Schema | None] = pa.schema(_USERS)
    read_only: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ShowRoles(Command):
    """`SHOW ROLES`."""

    schema: ClassVar[pa.Schema | None] = pa.schema(_ROLES)
    read_only: ClassVar[bool] = True


class _Words:
    """The words of a statement, read one after another."""

    def __init__(self, source: "Source", start: int) -> None:
        self._source = source
        self._next = start

    def at_end(self) -> bool:
        return self._next >= len(self._source.tokens)

    def accept(self, *words: str) -> bool:
        """Read these words, if they come next."""
        found = self._source.tokens[self._next : self._next + len(words)]
        plain = [None if _is_quoted(self._source, token) else token.text.upper() for token in found]
        if plain != list(words):
            return False
        self._next += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            self.fail(" ".join(words))

    def name(self, what: str) -> str:
        """The next word as a name, exact."""
        if self.at_end() or self._kind() == "STRING":
            self.fail(what)
        token = self._source.tokens[self._next]
        if not (_is_quoted(self._source, token) or re.fullmatch(r"\w+", token.text)):
            self.fail(what)
        self._next += 1
        return token.text

    def text(self, what: str) -> str:
        """The next word as a literal."""
        if self.at_end() or self._kind() != "STRING":
            self.fail(what)
        self._next += 1
        return self._source.tokens[self._next - 1].text

    def several(self, what: str, read: Callable[[str], str] | None = None) -> tuple[str, ...]:
        """Names with commas between them."""
        reading = read or self.name
        found = [reading(what)]
        while self.accept(","):
            found.append(reading(what))
        return tuple(found)

    def rest(self, what: str) -> str:
        """All that is left, as it is written."""
        if self.at_end():
            self.fail(what)
        tokens = self._source.tokens[self._next :]
        self._next = len(self._source.tokens)
        return self._source.text[tokens[0].start : tokens[-1].end + 1]

    def end(self) -> None:
        if not self.at_end():
            self.fail("the end of the statement")

    def fail(self, wanted: str) -> NoReturn:
        """Say what was expected, by the number of the word and not by its text."""
        raise InvalidArgument(
            f"word {self._next + 1} of the statement is not what is expected there: {wanted}; "
            "nothing was done"
        )

    def _kind(self) -> str:
        return str(self._source.tokens[self._next].token_type.name)


def create_user(source: "Source") -> Command | None:
    """Read `CREATE USER`."""
    words = _Words(source, 2)
    if_absent = words.accept("IF", "NOT", "EXISTS")
    name = words.name("the user's name")
    words.expect("PASSWORD")
    password = words.text("a password in quotes")
    role = words.name("a role's name") if words.accept("ROLE") else None
    words.end()
    return CreateUser(name, password, role, if_absent)


def create_role(source: "Source") -> Command | None:
    """Read `CREATE ROLE`."""
    words = _Words(source, 2)
    if_absent = words.accept("IF", "NOT", "EXISTS")
    name = words.name("the role's name")
    words.end()
    return CreateRole(name, if_absent)


def alter_user(source: "Source") -> Command | None:
    """Read `ALTER USER`."""
    words = _Words(source, 2)
    name = words.name("the user's name")
    if words.accept("ROLE"):
        role = words.name("a role's name")
        words.end()
        return GrantRoles((role,), (name,))
    words.expect("PASSWORD")
    password = words.text("a password in quotes")
    words.end()
    return SetPassword(name, password)


def drop(source: "Source") -> Command | None:
    """Read `DROP USER` and `DROP ROLE`."""
    words = _Words(source, 2)
    if_there = words.accept("IF", "EXISTS")
    name = words.name("the name")
    words.end()
    return DropPrincipal(name, Kind(source.words[1].lower()), if_there)


def grant(source: "Source") -> Command | None:
    """Read `GRANT`."""
    words = _Words(source, 1)
    if not _on_something(source):
        roles = words.several("a role's name")
        words.expect("TO")
        names = words.several("a user's or role's name", lambda what: _grantee(words, what))
        words.end()
        return GrantRoles(roles, names)
    privileges, on = _privileges(words), _thing(words)
    words.expect("TO")
    names = words.several("a user's or role's name", lambda what: _grantee(words, what))
    rows = words.rest("a condition") if words.accept("WHERE") else None
    words.end()
    if rows is not None and on.kind != "TABLE":
        raise InvalidArgument("rows are granted of tables only; nothing was done")
    return GrantPrivileges(privileges, on, names, rows)


def revoke(source: "Source") -> Command | None:
    """Read `REVOKE`."""
    words = _Words(source, 1)
    if not _on_something(source):
        roles = words.several("a role's name")
        words.expect("FROM")
        names = words.several("a user's or role's name", lambda what: _grantee(words, what))
        words.end()
        return RevokeRoles(roles, names)
    privileges, on = _privileges(words), _thing(words)
    words.expect("FROM")
    names = words.several("a user's or role's name", lambda what: _grantee(words, what))
    words.end()
    return RevokePrivileges(privileges, on, names)


def show_grants(source: "Source") -> Command | None:
    """Read `SHOW GRANTS`."""
    words = _Words(source, 2)
    name = words.name("a user's or role's name") if words.accept("FOR") else None
    words.end()
    return ShowGrants(name)


def show_users(source: "Source") -> Command | None:
    """Read `SHOW USERS`."""
    _Words(source, 2).end()
    return ShowUsers()


def show_roles(source: "Source") -> Command | None:
    """Read `SHOW ROLES`."""
    _Words(source, 2).end()
    return ShowRoles()


def _on_something(source: "Source") -> bool:
    """Whether it is about privileges, and not about roles."""
    return any(
        token.text.upper() == "ON" and not _is_quoted(source, token) for token in source.tokens
    )


def _grantee(words: _Words, what: str) -> str:
    if not words.accept("ROLE"):
        words.accept("USER")
    return words.name(what)


def _privileges(words: _Words) -> Privileges:
    if words.accept("ALL", "PRIVILEGES") or words.accept("ALL"):
        return tuple((privilege, None) for privilege in Privilege)
    found = [_privilege(words)]
    while words.accept(","):
        found.append(_privilege(words))
    return tuple(found)


def _privilege(words: _Words) -> tuple[Privilege, frozenset[str] | None]:
    privilege = next((one for one in Privilege if words.accept(one.value)), None)
    if privilege is None:
        words.fail("SELECT, INSERT, UPDATE, DELETE, CREATE or ALL")
    if not words.accept("("):
        return privilege, None
    columns = frozenset(map(folded, words.several("a column's name")))
    words.expect(")")
    if privilege is not Privilege.SELECT:
        raise InvalidArgument("columns are granted for SELECT only; nothing was done")
    return privilege, columns


def _thing(words: _Words) -> Thing:
    words.expect("ON")
    kind = next((one for one in ("CATALOG", "SCHEMA", "VIEW", "TABLE") if words.accept(one)), "")
    path = [folded(words.name("the name of what is granted"))]
    while words.accept("."):
        path.append(folded(words.name("a name")))
    kind = "TABLE" if kind in {"", "VIEW"} else kind
    if len(path) > {"CATALOG": 1, "SCHEMA": 2, "TABLE": 3}[kind]:
        raise InvalidArgument(f"a {kind.lower()} has fewer names; nothing was done")
    return Thing(kind, tuple(path))


def _is_quoted(source: "Source", token: Any) -> bool:
    return bool(source.text[token.start] in "\"'`[")
