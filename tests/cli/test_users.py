"""`flightkeeper users`."""

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from flightkeeper.cli.main import app


@pytest.mark.parametrize(
    ("text", "environ"),
    [("hunter2\n", {}), ("", {"FLIGHTKEEPER_PASSWORD": "hunter2"})],
)
def test_hash_prints_a_line_of_the_users_file(text: str, environ: dict[str, str]) -> None:
    result = CliRunner().invoke(app, ["users", "hash", "ada"], input=text, env=environ)
    assert result.exit_code == 0
    name, _, hashed = result.stdout.rstrip("\n").partition(":")
    assert name == "ada"
    assert hashed.startswith("$argon2id$")
    assert PasswordHasher().verify(hashed, "hunter2")
    assert "hunter2" not in result.output


@pytest.mark.parametrize("name", ["a:b", "a b", "#a", ""])
def test_names_the_file_cannot_hold(name: str) -> None:
    result = CliRunner().invoke(app, ["users", "hash", name], input="x\n")
    assert result.exit_code == 2
    assert "neither spaces nor : nor #" in result.stderr


def test_an_empty_password_is_refused() -> None:
    result = CliRunner().invoke(app, ["users", "hash", "ada"], input="\n")
    assert result.exit_code == 2
    assert "empty" in result.stderr
