"""Where passwords come from."""

import io
from collections.abc import Iterator

import pytest
import typer

from flightkeeper.cli import hidden, passwords
from flightkeeper.cli.passwords import VARIABLE, password_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, *typed: str) -> None:
    answers: Iterator[str] = iter(typed)
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(hidden, "ask", lambda _prompt: next(answers))


def test_the_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "typed")
    monkeypatch.setenv(VARIABLE, "given")
    assert password_for("ada") == "given"


def test_asked_for_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "typed")
    assert password_for("ada") == "typed"


def test_a_new_password_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "typed", "typed")
    assert password_for("ada", confirm=True) == "typed"


def test_two_that_differ(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_a_terminal(monkeypatch, "typed", "other")
    with pytest.raises(typer.Exit):
        password_for("ada", confirm=True)
    assert "differ" in capsys.readouterr().err


def test_a_line_of_stdin_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("piped\r\nmore"))
    assert password_for("ada", from_stdin=True) == "piped"


def test_stdin_is_left_alone_where_it_holds_sql(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("select 1"))
    with pytest.raises(typer.Exit) as caught:
        password_for("ada")
    assert caught.value.exit_code == 2
    assert f"set {VARIABLE}" in capsys.readouterr().err


def test_what_a_keyring_keeps_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "typed", "typed")
    monkeypatch.setattr(passwords, "kept", lambda name, user: "kept" if user == name else None)
    assert password_for("ada", kept_as="ada") == "kept"
    assert password_for("eve", kept_as="ada") == "typed"
    assert password_for("ada") == "typed"
    monkeypatch.setenv(VARIABLE, "given")
    assert password_for("ada", kept_as="ada") == "given"


def test_nothing_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "")
    with pytest.raises(typer.Exit):
        password_for("ada")
