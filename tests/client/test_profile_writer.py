"""Profiles on disk: replaced when nodes come or go, kept when nothing better is known."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.client.profile_writer import Files, ProfileWriter, replace
from flightkeeper.client.profiles import NoUsableNode, Wish
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Registry, open_registry

_PATIENCE_S = 10.0


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = open_registry(f"dir://{tmp_path}/registry")
    yield opened
    opened.close()


def node(name: str, address: str) -> Instance:
    return Instance("s", name, f"grpc://{address}:31337", f"life of {name}")


def written(path: Path) -> str:
    uri: str = tomllib.loads(path.read_text())["Options"]["uri"]
    return uri


def until(writer: ProfileWriter, path: Path, text: str) -> None:
    for _ in range(20):
        writer.write_next(_PATIENCE_S)
        if text in path.read_text():
            return
    raise AssertionError(path.read_text())


def test_files_follow_the_registry(registry: Registry, tmp_path: Path) -> None:
    out, names = tmp_path / "p.toml", tmp_path / "hosts"
    first = registry.register(node("a", "127.0.0.1"))
    assert first.wait(_PATIENCE_S)
    writer = ProfileWriter(registry, "s", Wish(host="sql.test"), Files(out, names))
    try:
        until(writer, names, "127.0.0.1\tsql.test")
        assert written(out) == "grpc://sql.test:31337"
        assert (out.stat().st_mode & 0o777, names.stat().st_mode & 0o777) == (0o600, 0o644)
        registry.register(node("b", "127.0.0.2"))
        until(writer, names, "127.0.0.2\tsql.test")
        first.withdraw()
        while "127.0.0.1" in names.read_text():
            assert writer.write_next(_PATIENCE_S)
    finally:
        writer.close()


def test_an_empty_list_takes_nothing_away(registry: Registry, tmp_path: Path) -> None:
    out = tmp_path / "p.toml"
    out.write_text("as it was")
    writer = ProfileWriter(registry, "s", Wish(), Files(out))
    try:
        with pytest.raises(NoUsableNode):
            writer.write_next(_PATIENCE_S)
    finally:
        writer.close()
    assert out.read_text() == "as it was"


def test_a_file_is_replaced_only_when_it_changes_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    assert replace(path, "a", 0o600)
    path.chmod(0o640)
    assert not replace(path, "a", 0o600)
    assert replace(path, "b", 0o600)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("b", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        replace(tmp_path / "missing" / "f", "a", 0o600)
