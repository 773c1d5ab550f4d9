"""The login of a node that was started without users."""

import re
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from flightkeeper.cli.first_login import USER, with_login
from flightkeeper.flight_server.config import NodeSettings


def test_a_password_is_made_printed_once_and_works(capsys: pytest.CaptureFixture[str]) -> None:
    with with_login(NodeSettings()) as settings:
        assert settings.users is not None
        name, _, hashed = settings.users.read_text().strip().partition(":")
        assert name == USER
        assert settings.users.parent.stat().st_mode & 0o077 == 0
    out, err = capsys.readouterr()
    printed = re.search(rf"user {USER}, password (\S+)", err)
    assert printed
    assert PasswordHasher().verify(hashed, printed[1])
    assert out == ""
    assert not settings.users.exists()


def test_every_run_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with with_login(NodeSettings()):
            pass
    first, second = capsys.readouterr().err.splitlines()
    assert first != second


def test_given_users_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    users = tmp_path / "users"
    users.write_text("")
    given = NodeSettings(users=users)
    with with_login(given) as settings:
        assert settings is given
    assert capsys.readouterr().err == ""


def test_insecure_asks_for_none(capsys: pytest.CaptureFixture[str]) -> None:
    given = NodeSettings(insecure=True)
    with with_login(given) as settings:
        assert settings is given
    assert capsys.readouterr().err == ""


def test_accounts_of_the_registry_need_no_login_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = NodeSettings(accounts="registry", registry=f"dir://{tmp_path}")
    with with_login(given) as settings:
        assert settings is given
    assert capsys.readouterr().err == ""
