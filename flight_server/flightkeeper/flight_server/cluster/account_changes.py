"""Carries out statements about accounts: each is written down for the whole cluster at once.

A change returns when this node goes by it; the others do within their second.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from flightkeeper.discovery.principals.accounts import Accounts
from flightkeeper.discovery.principals.model import (
    SUPERUSER,
    Access,
    Grant,
    Kind,
    Principal,
    Principals,
    Securable,
    folded,
)
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.auth.passwords import hash_password
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.commands import Handler
from flightkeeper.flight_server.cluster.failures import translated
from flightkeeper.flight_server.cluster.principals import LivePrincipals
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine import catalog, relations
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.named import builtin_functions
from flightkeeper.flight_server.engine.relations import Relation
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument, NotFound, PermissionDenied
from flightkeeper.flight_server.sql import account_statements as asked

_HOLDS_WITHIN_S = 2.0


class AccountChanges:
    """Changes and shows accounts for statements. Thread-safe; one per node."""

    def __init__(self, registry: Registry, principals: LivePrincipals, clocks: Clocks) -> None:
        self._registry = registry
        self._principals = principals
        self._clocks = clocks

    def handlers(self) -> Mapping[type[Command], Handler]:
        """The commands that are served here."""
        return {
            asked.CreateUser: self._create_user,
            asked.CreateRole: self._create_role,
            asked.SetPassword: self._set_password,
            asked.DropPrincipal: self._drop,
            asked.GrantPrivileges: self._grant,
            asked.RevokePrivileges: self._revoke,
            asked.GrantRoles: self._grant_roles,
            asked.RevokeRoles: self._revoke_roles,
            asked.ShowGrants: self._show_grants,
            asked.ShowUsers: self._show_users,
            asked.ShowRoles: self._show_roles,
        }

    def _create_user(self, call: Call, _: Connection, command: asked.CreateUser) -> None:
        hashed = _hashed(command.password)
        self._change(
            call,
            command.name,
            lambda accounts: accounts.create_user(
                command.name, hashed, command.role, if_absent=command.if_absent
            ),
        )

    def _create_role(self, call: Call, _: Connection, command: asked.CreateRole) -> None:
        self._change(
            call,
            command.name,
            lambda accounts: accounts.create_role(command.name, if_absent=command.if_absent),
        )

    def _set_password(self, call: Call, _: Connection, command: asked.SetPassword) -> None:
        hashed = _hashed(command.password)
        self._change(
            call, command.name, lambda accounts: accounts.set_password(command.name, hashed)
        )

    def _drop(self, call: Call, _: Connection, command: asked.DropPrincipal) -> None:
        self._change(
            call,
            command.name,
            lambda accounts: accounts.drop(command.name, command.kind, if_there=command.if_there),
        )

    def _grant(self, call: Call, connection: Connection, command: asked.GrantPrivileges) -> None:
        on, table = located(connection, command.on, must_be=True)
        if table is None and any(columns is not None for _, columns in command.privileges):
            raise InvalidArgument("columns are granted of tables only; nothing was done")
        if table is not None:
            for _, columns in command.privileges:
                _check_columns(connection, table, columns or frozenset())
        rows = command.rows
        if rows is not None and table is not None:
            rows = _checked_filter(connection, table, rows)
        grants = [Grant(privilege, on, columns, rows) for privilege, columns in command.privileges]
        for name in command.names:
            self._grant_to(call, name, grants)

    def _grant_to(self, call: Call, name: str, grants: list[Grant]) -> None:
        self._change(call, name, lambda accounts: accounts.grant(name, grants))

    def _revoke(self, call: Call, connection: Connection, command: asked.RevokePrivileges) -> None:
        on, _ = located(connection, command.on, must_be=False)
        for name in command.names:
            self._revoke_from(call, name, on, command.privileges)

    def _revoke_from(
        self, call: Call, name: str, on: Securable, privileges: asked.Privileges
    ) -> None:
        whole = [privilege for privilege, columns in privileges if columns is None]
        if whole:
            self._change(call, name, lambda accounts: accounts.revoke(name, whole, on))
        for privilege, columns in privileges:
            if columns is not None:
                self._revoke_columns(call, name, on, (privilege, columns))

    def _revoke_columns(
        self, call: Call, name: str, on: Securable, what: tuple[Any, frozenset[str]]
    ) -> None:
        privilege, columns = what
        self._change(call, name, lambda accounts: accounts.revoke(name, [privilege], on, columns))

    def _grant_roles(self, call: Call, _: Connection, command: asked.GrantRoles) -> None:
        for name in command.names:
            for role in command.roles:
                self._join(call, name, role)

    def _join(self, call: Call, name: str, role: str) -> None:
        self._change(call, name, lambda accounts: accounts.join(name, role))

    def _revoke_roles(self, call: Call, _: Connection, command: asked.RevokeRoles) -> None:
        for name in command.names:
            for role in command.roles:
                self._leave(call, name, role)

    def _leave(self, call: Call, name: str, role: str) -> None:
        self._change(call, name, lambda accounts: accounts.leave(name, role))

    def _change(
        self, call: Call, name: str, change: Callable[[Accounts], Principal | None]
    ) -> None:
        """Write a change down, and wait until this node goes by it."""
        accounts = Accounts(
            self._registry, call.identity.principal, self._clocks.wall_s, self._principals.now
        )
        with translated():
            after = change(accounts)
        self._principals.wait(lambda known: known.by_name.get(name) == after, _HOLDS_WITHIN_S)

    def _show_grants(self, call: Call, _: Connection, command: asked.ShowGrants) -> pa.Table:
        own = call.identity.principal
        name = command.name or own
        if name != own and not self._access(own).superuser:
            raise PermissionDenied("only superusers see the grants of others; nothing was done")
        principals = self._principals.now()
        principal = principals.by_name.get(name)
        if principal is None:
            raise NotFound(f"there is no user or role {name}")
        rows = [
            _grant_row(name, held.name, grant)
            for held in principals.held(principal)
            for grant in held.grants
        ]
        if any(held.name == SUPERUSER for held in principals.held(principal)):
            rows.append(
                {"grantee": name, "held_by": SUPERUSER, "privilege": "ALL"}
                | dict.fromkeys(("catalog", "schema", "table", "columns", "row_filter"))
            )
        return pa.Table.from_pylist(rows, asked.ShowGrants.schema)

    def _show_users(self, call: Call, _: Connection, command: asked.ShowUsers) -> pa.Table:
        del call
        principals = self._principals.now()
        rows = [
            {
                "name": one.name,
                "superuser": self._access(one.name, principals).superuser,
                "roles": [membership.role for membership in one.roles],
                "changed_by": one.changed_by,
                "changed_at": one.changed_at_ms,
            }
            for one in _sorted(principals, Kind.USER)
        ]
        return pa.Table.from_pylist(rows, command.schema)

    def _show_roles(self, call: Call, _: Connection, command: asked.ShowRoles) -> pa.Table:
        del call
        principals = self._principals.now()
        superuser = principals.role(SUPERUSER)
        assert superuser is not None
        rows = [
            {
                "name": one.name,
                "roles": [membership.role for membership in one.roles],
                "members": principals.members(one),
            }
            for one in [superuser, *_sorted(principals, Kind.ROLE)]
        ]
        return pa.Table.from_pylist(rows, command.schema)

    def _access(self, name: str, principals: Principals | None = None) -> Access:
        found = (principals or self._principals.now()).access(name)
        return found or Access(superuser=False)


def located(
    connection: Connection, thing: asked.Thing, *, must_be: bool
) -> tuple[Securable, Relation | None]:
    """What a statement names, as grants know it, and the table if it is one.

    Args:
        must_be: it has to be there.

    Raises:
        NotFound: it is not there.
        InvalidArgument: it may be several, or belongs to DuckDB or to a session.
    """
    own = folded(catalog.default_catalog(connection))
    scope = relations.look_up(connection, own, thing.path[-1:])
    here, schema = folded(scope.catalog), folded(scope.schema)
    if thing.kind == "CATALOG":
        return _known(connection, Securable(thing.path[0]), own, must_be=must_be), None
    if thing.kind == "SCHEMA":
        place = Securable(thing.path[0] if len(thing.path) > 1 else here, thing.path[-1])
        return _known(connection, place, own, must_be=must_be), None
    found = [one for one in scope.candidates(thing.path) if not one.internal and not one.temporary]
    if len(found) > 1:
        raise InvalidArgument(
            f"{'.'.join(thing.path)} may be several tables; nothing was done: write its catalog, "
            "schema and name"
        )
    if found:
        (table,) = found
        return _portable(*map(folded, (table.catalog, table.schema, table.name)), own=own), table
    if must_be:
        raise NotFound(f"there is no table or view {'.'.join(thing.path)}; nothing was done")
    names = [here, schema][: 3 - len(thing.path)] + list(thing.path)
    return _portable(*names, own=own), None


def _known(connection: Connection, place: Securable, own: str, *, must_be: bool) -> Securable:
    pattern = None if place.schema is None else place.schema
    rows = catalog.db_schemas(connection, None, None).to_pylist()
    there = any(
        folded(row["catalog_name"]) == place.catalog
        and pattern in {None, folded(row["db_schema_name"])}
        for row in rows
    )
    if must_be and not there:
        raise NotFound(f"there is no {place}; nothing was done")
    return _portable(place.catalog, place.schema, own=own)


def _portable(*names: str | None, own: str) -> Securable:
    """By names that mean the same on every node: the own database is called otherwise on each."""
    first, *rest = names
    return Securable(None if first == own else first, *rest)


def _check_columns(connection: Connection, table: Relation, columns: frozenset[str]) -> None:
    known = {folded(name) for name in relations.columns(connection, table)}
    if unknown := sorted(columns - known):
        raise NotFound(f"{table.name} has no column {', '.join(unknown)}; nothing was done")


def _checked_filter(connection: Connection, table: Relation, text: str) -> str:
    """A row filter that the engine takes, too."""
    from flightkeeper.flight_server.sql.access import limits, statements  # noqa: PLC0415 - sqlglot

    builtin = builtin_functions()
    rows = limits.filter_of(text, builtin)
    name = catalog.dotted((table.catalog, table.schema, table.name))
    (query,) = parse(f"SELECT 1 FROM {name} WHERE ({rows})")  # noqa: S608 - checked above
    if len(statements.uses(query.sql, query.kind, builtin).tables) != 1:
        raise InvalidArgument("a row filter is one condition over its table; nothing was done")
    connection.describe(query)
    return rows


def _hashed(password: str) -> str:
    if not password:
        raise InvalidArgument("the password is empty; nothing was done")
    return hash_password(password)


def _sorted(principals: Principals, kind: Kind) -> list[Principal]:
    found = (one for one in principals.by_name.values() if one.kind is kind)
    return sorted(found, key=lambda one: one.name)


def _grant_row(grantee: str, held_by: str, grant: Grant) -> dict[str, object]:
    return {
        "grantee": grantee,
        "held_by": held_by,
        "privilege": grant.privilege.value,
        "catalog": grant.on.catalog,
        "schema": grant.on.schema,
        "table": grant.on.table,
        "columns": None if grant.columns is None else sorted(grant.columns),
        "row_filter": grant.rows,
    }
