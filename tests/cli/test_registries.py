"""The registry that a verb is about."""

import getpass
from pathlib import Path

import pytest
import typer

from flightkeeper.cli.registries import author, opened
from flightkeeper.discovery.errors import (
    InvalidName,
    RegistryDenied,
    RegistryError,
    RegistryUnavailable,
)


def test_it_is_named_by_flag_variable_or_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"dir://{tmp_path}/registry"
    file = tmp_path / "node.toml"
    file.write_text(f'registry = "{url}"\n')
    with opened(url, None) as registry:
        registry.write_document("a/b", b"x", None)
    with opened(None, file) as registry:
        assert registry.read_document("a/b") is not None
    monkeypatch.setenv("FLIGHTKEEPER_REGISTRY", url)
    with opened(None, None) as registry:
        assert registry.read_document("a/b") is not None


@pytest.mark.parametrize("url", [None, "ftp://x"])
def test_without_one_nothing_is_done(
    url: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FLIGHTKEEPER_REGISTRY", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(typer.Exit) as ended, opened(url, None):
        pytest.fail("it was opened")
    assert ended.value.exit_code == 2


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (InvalidName("x"), 2),
        (RegistryDenied("x"), 1),
        (RegistryUnavailable("x"), 3),
        (RegistryError("x"), 1),
    ],
)
def test_its_errors_end_the_verb(raised: Exception, code: int, tmp_path: Path) -> None:
    with pytest.raises(typer.Exit) as ended, opened(f"dir://{tmp_path}", None):
        raise raised
    assert ended.value.exit_code == code


def test_who_does_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    assert author().startswith("ada@")

    def unknown() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert author().split("@")[0].isdigit()
