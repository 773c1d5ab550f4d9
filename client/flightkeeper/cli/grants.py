"""`flightkeeper grants`: what users and roles of a cluster may do, and the roles themselves.

Owns the verbs. They are written as in SQL; only names are not looked up, because no node is asked:
a table is `schema.table` of the nodes' own databases, or `catalog.schema.table`.
"""

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from flightkeeper.cli.exits import FAILED, USAGE, fail
from flightkeeper.cli.registries import ConfigOption, JsonOption, RegistryOption, author, opened
from flightkeeper.discovery.principals.accounts import Accounts, read_principals
from flightkeeper.discovery.principals.model import (
    SUPERUSER,
    Grant,
    Kind,
    Principal,
    Principals,
    Securable,
)
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.named import builtin_functions
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.sql import account_statements as asked
from flightkeeper.flight_server.sql.access.limits import filter_of
from flightkeeper.flight_server.sql.dialects import DUCKDB
from flightkeeper.flight_server.sql.translation import parse

app = typer.Typer(pretty_exceptions_enable=False, no_args_is_help=True)

_Words = Annotated[list[str], typer.Argument(metavar="WORDS…", help="As in SQL.")]
_Role = Annotated[str, typer.Argument(metavar="ROLE")]
_DEPTH = {"CATALOG": 1, "SCHEMA": 2, "TABLE": 3}


@app.callback()
def grants() -> None:
    """What users and roles of a cluster may do."""


@app.command("list")
def list_(
    name: Annotated[str | None, typer.Argument(help="Of one user or role, with its roles.")] = None,
    *,
    registry: RegistryOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print who holds what."""
    with opened(registry, config) as found:
        principals = read_principals(found)
    for principal in _asked_for(principals, name):
        for line in _lines(principal, as_json=as_json):
            typer.echo(line)


@app.command()
def grant(words: _Words, *, registry: RegistryOption = None, config: ConfigOption = None) -> None:
    """Grant privileges or a role, as in `grants grant SELECT ON main.orders TO reader`."""
    command = _command("GRANT", words)
    with opened(registry, config) as found:
        _grant(Accounts(found, author()), command)
    typer.echo("granted")


@app.command()
def revoke(words: _Words, *, registry: RegistryOption = None, config: ConfigOption = None) -> None:
    """Take privileges or a role away, as in `grants revoke ALL ON SCHEMA main FROM reader`."""
    command = _command("REVOKE", words)
    with opened(registry, config) as found:
        _revoke(Accounts(found, author()), command)
    typer.echo("revoked")


@app.command("create-role")
def create_role(
    name: _Role, *, registry: RegistryOption = None, config: ConfigOption = None
) -> None:
    """Make a role."""
    with opened(registry, config) as found:
        Accounts(found, author()).create_role(name)
    typer.echo(f"{name} can be granted")


@app.command("drop-role")
def drop_role(name: _Role, *, registry: RegistryOption = None, config: ConfigOption = None) -> None:
    """Take a role away from all its members, with its grants."""
    with opened(registry, config) as found:
        Accounts(found, author()).drop(name, Kind.ROLE)
    typer.echo(f"{name} is gone")


def _command(verb: str, words: list[str]) -> Command:
    try:
        (statement,) = parse(f"{verb} {' '.join(words)}", DUCKDB)
    except (NodeError, ValueError) as exc:
        fail(str(exc), USAGE)
    assert statement.command is not None
    return statement.command


def _grant(accounts: Accounts, command: Command) -> None:
    if isinstance(command, asked.GrantRoles):
        for name in command.names:
            for role in command.roles:
                accounts.join(name, role)
    elif isinstance(command, asked.GrantPrivileges):
        rows = None if command.rows is None else _filter(command.rows)
        on = _securable(command.on)
        for name in command.names:
            accounts.grant(name, [Grant(one, on, some, rows) for one, some in command.privileges])


def _revoke(accounts: Accounts, command: Command) -> None:
    if isinstance(command, asked.RevokeRoles):
        for name in command.names:
            for role in command.roles:
                accounts.leave(name, role)
    elif isinstance(command, asked.RevokePrivileges):
        on = _securable(command.on)
        for name in command.names:
            _revoke_privileges(accounts, name, on, command.privileges)


def _revoke_privileges(
    accounts: Accounts, name: str, on: Securable, privileges: asked.Privileges
) -> None:
    whole = [privilege for privilege, columns in privileges if columns is None]
    if whole:
        accounts.revoke(name, whole, on)
    for privilege, columns in privileges:
        if columns is not None:
            accounts.revoke(name, [privilege], on, columns)


def _filter(text: str) -> str:
    try:
        return filter_of(text, builtin_functions())
    except NodeError as exc:
        fail(str(exc), USAGE)


def _securable(thing: asked.Thing) -> Securable:
    """By names that are full, but for the catalog, which may be the nodes' own."""
    missing = _DEPTH[thing.kind] - len(thing.path)
    if missing > 1:
        fail(f"name the schema, too: schema.{thing.path[0]}; nothing was changed", USAGE)
    return Securable(*([None] * missing), *thing.path)


def _asked_for(principals: Principals, name: str | None) -> list[Principal]:
    if name is None:
        return sorted(principals.by_name.values(), key=lambda one: one.name)
    principal = principals.by_name.get(name)
    if principal is None:
        fail(f"there is no user or role {name}", FAILED)
    return list(principals.held(principal))


def _lines(principal: Principal, *, as_json: bool) -> Iterator[str]:
    for membership in principal.roles:
        facts = {"holder": principal.name, "role": membership.role}
        text = f"{principal.name}: {membership.role}"
        yield json.dumps(facts) if as_json else text
    for one in principal.grants:
        columns = None if one.columns is None else sorted(one.columns)
        facts_of = {
            "holder": principal.name,
            "privilege": one.privilege.value,
            "catalog": one.on.catalog,
            "schema": one.on.schema,
            "table": one.on.table,
            "columns": columns,
            "rows": one.rows,
        }
        within = f" ({', '.join(columns)})" if columns else ""
        where = f" WHERE {one.rows}" if one.rows else ""
        text = f"{principal.name}: {one.privilege}{within} ON {one.on}{where}"
        yield json.dumps(facts_of) if as_json else text
    if principal.name == SUPERUSER:
        yield (
            json.dumps({"holder": SUPERUSER, "privilege": "ALL"})
            if as_json
            else f"{SUPERUSER}: ALL"
        )
