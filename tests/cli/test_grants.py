"""`flightkeeper users` and `flightkeeper grants` on a registry."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flightkeeper.cli.main import app
from flightkeeper.discovery.principals.accounts import read_principals
from flightkeeper.discovery.principals.model import Grant, Privilege, Securable
from flightkeeper.discovery.registry import open_registry
from flightkeeper.flight_server.auth.passwords import Users

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command on a registry of the test's own."""
    env = {"FLIGHTKEEPER_REGISTRY": f"dir://{tmp_path}/registry", "FLIGHTKEEPER_PASSWORD": "first"}
    return lambda *arguments, **more: CliRunner().invoke(app, list(arguments), env=env | more)


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def failed(result: Result, code: int) -> str:
    assert result.exit_code == code, result.output
    return result.stderr


def test_the_first_superuser_is_made_before_anybody_can_log_in(run: Run, tmp_path: Path) -> None:
    assert "can log in" in done(run("users", "create", "root", "--admin"))
    registry = open_registry(f"dir://{tmp_path}/registry")
    root = read_principals(registry).user("root")
    access = read_principals(registry).access("root")
    registry.close()
    assert root is not None
    assert access is not None
    assert access.superuser
    assert Users({"root": root.password_hash or ""}).verify("root", "first")
    assert done(run("users", "list")).startswith("root in superuser, changed by ")
    assert json.loads(done(run("users", "list", "--json")))["roles"] == ["superuser"]
    assert "ALL" in done(run("grants", "list", "root"))


def test_users_change_and_go(run: Run) -> None:
    done(run("users", "create", "amy"))
    assert "a user amy already" in failed(run("users", "create", "amy"), 1)
    done(run("users", "password", "amy", FLIGHTKEEPER_PASSWORD="second"))
    done(run("users", "drop", "amy"))
    assert "no user amy" in failed(run("users", "password", "amy"), 1)
    assert done(run("users", "list")) == ""
    assert "cannot be used" in failed(run("users", "create", "a/b"), 2)


def test_privileges_are_granted_in_the_words_of_sql(run: Run, tmp_path: Path) -> None:
    done(run("users", "create", "amy"))
    done(run("grants", "create-role", "reader"))
    done(run("grants", "grant", "reader", "TO", "amy"))
    done(run("grants", "grant", "SELECT (Id) ON main.orders TO reader WHERE region = 'north'"))
    done(run("grants", "grant", "ALL ON SCHEMA lake.sandbox TO amy"))
    done(run("grants", "grant", "INSERT ON lake.main.t TO amy"))
    listed = done(run("grants", "list", "amy")).splitlines()
    assert listed[0] == "amy: reader"
    assert "reader: SELECT (id) ON TABLE main.orders WHERE region = 'north'" in listed
    assert "amy: INSERT ON TABLE lake.main.t" in listed
    assert len(listed) == 8
    facts = [json.loads(line) for line in done(run("grants", "list", "--json")).splitlines()]
    assert {"holder": "amy", "role": "reader"} in facts
    done(run("grants", "revoke", "ALL ON SCHEMA lake.sandbox FROM amy"))
    done(run("grants", "revoke", "SELECT (id) ON main.orders FROM reader"))
    done(run("grants", "revoke", "reader FROM amy"))
    registry = open_registry(f"dir://{tmp_path}/registry")
    amy = read_principals(registry).by_name["amy"]
    registry.close()
    assert amy.grants == (Grant(Privilege.INSERT, Securable("lake", "main", "t")),)
    assert amy.roles == ()
    done(run("grants", "drop-role", "reader"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("grant", "SELECT ON orders TO amy"), 2, "name the schema"),
        (("grant", "EVERYTHING ON a.b TO amy"), 2, "not what is expected"),
        (("grant", "SELECT ON a.b TO amy WHERE a IN (SELECT 1)"), 2, "row filter"),
        (("grant", "SELECT ON a.b TO nobody"), 1, "no user or role nobody"),
        (("revoke", "SELECT ON a.b FROM amy"), 1, "holds no such privilege"),
        (("list", "nobody"), 1, "no user or role nobody"),
    ],
)
def test_what_is_wrong_is_refused(
    run: Run, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done(run("users", "create", "amy"))
    assert says in failed(run("grants", *arguments), code)
