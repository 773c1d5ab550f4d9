"""Passwords at a terminal of the test's own: unseen, and Ctrl-C is heard whenever it comes."""

import os
import pty
import select
import signal
import termios
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flightkeeper.cli import hidden


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of the terminal."""
    other_end, terminal = pty.openpty()
    monkeypatch.setattr(hidden, "TERMINAL", os.ttyname(terminal))
    yield other_end
    assert termios.tcgetattr(terminal)[3] & termios.ECHO
    os.close(terminal)
    os.close(other_end)


def types(person: int, *keys: bytes) -> threading.Thread:
    """Types once the prompt is there; after that shows what was shown."""

    def answer() -> None:
        assert os.read(person, 100) == b"Password: "
        for key in keys:
            os.write(person, key)

    typing = threading.Thread(target=answer)
    typing.start()
    return typing


@pytest.mark.parametrize("keys", [[b"hunter2\n"], [b"hun", b"ter2\r"], [b"hun\x04", b"ter2\n"]])
def test_what_is_typed_is_not_shown(person: int, keys: list[bytes]) -> None:
    typing = types(person, *keys)
    assert hidden.ask("Password: ") == "hunter2"
    typing.join(10)
    assert os.read(person, 100) == b"\r\n"


def test_the_end_of_input_is_no_password(person: int) -> None:
    typing = types(person, b"\x04")
    with pytest.raises(EOFError):
        hidden.ask("Password: ")
    typing.join(10)


def test_what_the_terminal_says_itself_is_not_typed(person: int) -> None:
    typing = types(person, b"\x1b[12;1Rhunter2\r")
    assert hidden.ask("Password: ") == "hunter2"
    typing.join(10)
    assert os.read(person, 100) == b"\r\n"
    typing = types(person, b"\x1b[3;40R\x04")
    with pytest.raises(EOFError):
        hidden.ask("Password: ")
    typing.join(10)


def test_a_signal_just_before_the_wait_ends_it(
    person: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[bool] = []

    def signalled_select(readers: list[Any], *others: list[Any]) -> Any:
        if not waits:
            signal.raise_signal(signal.SIGINT)
        found = select_(readers, *others)
        waits.append(readers[1] in found[0])
        return found

    select_: Callable[..., Any] = select.select
    monkeypatch.setattr(select, "select", signalled_select)
    # One that raises nothing, so that only the wait can show that it was heard.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        typing = types(person, b"hunter2\n")
        assert hidden.ask("Password: ") == "hunter2"
    finally:
        signal.signal(signal.SIGINT, before)
    typing.join(10)
    assert waits == [True, False]


def test_ctrl_c_is_no_password(person: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_waited_for: list[Any]) -> Any:
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it is raised before")

    monkeypatch.setattr(select, "select", interrupted)
    # What is started in the background ignores it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            hidden.ask("Password: ")
    finally:
        signal.signal(signal.SIGINT, before)
    assert os.read(person, 100) == b"Password: "


def test_without_a_terminal_python_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "TERMINAL", "/nowhere/tty")
    monkeypatch.setattr(hidden, "getpass", lambda prompt: f"answer to {prompt}")
    assert hidden.ask("Password: ") == "answer to Password: "
