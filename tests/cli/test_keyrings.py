"""Passwords in a keyring; it is one in memory, by the library's own interface."""

import sys
from collections.abc import Iterator

import keyring
import pytest
import typer
from keyring.backend import KeyringBackend
from keyring.core import load_keyring
from keyring.errors import KeyringLocked

from flightkeeper.cli import connecting
from flightkeeper.cli.connecting import Access, opened
from flightkeeper.cli.keyrings import entry, kept
from flightkeeper.client.options import parse_url

URL = "flightsql+zk://zk1:2181,zk2:2181/main"
NONE = "keyring.backends.fail.Keyring"


class MemoryKeyring(KeyringBackend):
    """Keeps passwords as long as it lives."""

    priority = 1
    locked = False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("it is locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


@pytest.fixture
def memory() -> Iterator[MemoryKeyring]:
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    keyring.set_password(URL, "ada", "hunter2")
    yield backend
    keyring.set_keyring(load_keyring(NONE))


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLIGHTKEEPER_PASSWORD", raising=False)


@pytest.mark.parametrize(
    "url", [URL, f"{URL}?service=x&zone=east", f"{URL.replace('://', '://ada@')}?transport=tls"]
)
def test_one_entry_for_all_ways_to_name_a_service(url: str) -> None:
    assert entry(parse_url(url)) == URL


@pytest.mark.usefixtures("memory")
def test_what_is_kept_and_what_is_not() -> None:
    assert kept(URL, "ada") == "hunter2"
    assert kept(URL, "eve") is None
    assert kept("flightsql://h:1", "ada") is None


def test_a_keyring_that_is_locked(
    memory: MemoryKeyring, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.locked = True
    with pytest.raises(typer.Exit) as caught:
        kept(URL, "ada")
    assert caught.value.exit_code == 1
    assert "did not answer: it is locked; nothing was tried" in capsys.readouterr().err


def test_a_machine_without_a_keyring(capsys: pytest.CaptureFixture[str]) -> None:
    keyring.set_keyring(load_keyring(NONE))
    with pytest.raises(typer.Exit) as caught:
        kept(URL, "ada")
    assert caught.value.exit_code == 1
    assert "the keyring did not answer" in capsys.readouterr().err


def test_without_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(typer.Exit) as caught:
        kept(URL, "ada")
    assert caught.value.exit_code == 2
    assert "pip install 'flightkeeper[keyring]'" in capsys.readouterr().err


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(("variable", "password"), [(None, "hunter2"), ("given", "given")])
def test_who_asks_for_it_logs_in_with_what_is_kept(
    variable: str | None, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(connecting, "connect", lambda _url, **options: seen.append(options))
    if variable is not None:
        monkeypatch.setenv("FLIGHTKEEPER_PASSWORD", variable)
    opened(f"{URL}?service=x", Access("ada", keyring=True))
    assert seen == [{"user": "ada", "password": password, "tls_roots": None}]


@pytest.mark.usefixtures("memory")
def test_nobody_looks_there_unasked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(typer.Exit):
        opened(URL, Access("ada"))
    assert "keyring" not in capsys.readouterr().err
    with pytest.raises(typer.Exit):
        opened(URL, Access("eve", keyring=True))
    assert f"keep it with: keyring set {URL} eve" in capsys.readouterr().err
