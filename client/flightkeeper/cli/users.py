"""`flightkeeper users`: the users of a cluster, and lines of a node's users file.

Owns the verbs; the hash and the file's form belong to the node.
"""

import json
import re
from typing import Annotated

import typer

from flightkeeper.cli.exits import USAGE, fail
from flightkeeper.cli.passwords import password_for
from flightkeeper.cli.registries import ConfigOption, JsonOption, RegistryOption, author, opened
from flightkeeper.discovery.principals.accounts import Accounts, read_principals
from flightkeeper.discovery.principals.model import SUPERUSER, Kind
from flightkeeper.flight_server.auth.passwords import hash_password

app = typer.Typer(pretty_exceptions_enable=False, no_args_is_help=True)

_NAME = re.compile(r"[^\s:#]+")
_User = Annotated[str, typer.Argument(metavar="USER")]


@app.callback()
def users() -> None:
    """Who may log in: to a cluster, or to one node."""


@app.command("hash")
def hash_(
    name: Annotated[str, typer.Argument(help="Name the user logs in with.")],
) -> None:
    """Print the users-file line of a user: the name and the argon2id hash of the password.

    The password comes from FLIGHTKEEPER_PASSWORD, a line on stdin, or a prompt.
    """
    if not _NAME.fullmatch(name):
        fail(f"user name {name!r}: it may hold neither spaces nor : nor #", USAGE)
    typer.echo(f"{name}:{hash_password(password_for(name, confirm=True, from_stdin=True))}")


@app.command("list")
def list_(
    *, registry: RegistryOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Print the users of a cluster, with their roles."""
    with opened(registry, config) as found:
        principals = read_principals(found)
    users = (one for one in principals.by_name.values() if one.kind is Kind.USER)
    for user in sorted(users, key=lambda one: one.name):
        roles = [membership.role for membership in user.roles]
        if as_json:
            facts = {"name": user.name, "roles": roles, "changed_by": user.changed_by}
            typer.echo(json.dumps(facts))
        else:
            within = f" in {', '.join(roles)}" if roles else ""
            typer.echo(f"{user.name}{within}, changed by {user.changed_by}")


@app.command()
def create(
    name: _User,
    *,
    admin: Annotated[
        bool, typer.Option("--admin", help=f"Let the user do everything: the role {SUPERUSER}.")
    ] = False,
    registry: RegistryOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a user of a cluster; the password comes from where that of `hash` does."""
    hashed = hash_password(password_for(name, confirm=True, from_stdin=True))
    with opened(registry, config) as found:
        Accounts(found, author()).create_user(name, hashed, SUPERUSER if admin else None)
    typer.echo(f"{name} can log in to nodes with accounts = registry")


@app.command()
def password(name: _User, *, registry: RegistryOption = None, config: ConfigOption = None) -> None:
    """Give a user of a cluster another password; logins with the old one end."""
    hashed = hash_password(password_for(name, confirm=True, from_stdin=True))
    with opened(registry, config) as found:
        Accounts(found, author()).set_password(name, hashed)
    typer.echo(f"{name} has another password")


@app.command()
def drop(name: _User, *, registry: RegistryOption = None, config: ConfigOption = None) -> None:
    """Take a user of a cluster away, with all grants and logins."""
    with opened(registry, config) as found:
        Accounts(found, author()).drop(name, Kind.USER)
    typer.echo(f"{name} is gone")
