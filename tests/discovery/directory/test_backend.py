"""Opening `dir://`; what the registry does is in the conformance suite."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from flightkeeper.discovery.errors import InvalidRegistryUrl, RegistryUnavailable
from flightkeeper.discovery.registry import open_registry
from tests.discovery.backends import instance
from tests.discovery.recorder import Recorder, eventually


def test_a_file_is_no_registry(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidRegistryUrl, match="not a directory") as caught:
        open_registry(f"dir://{tmp_path}/file")
    assert caught.value.part == "path"


def test_a_path_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with closing(open_registry(f"dir://{tmp_path}/file/registry")) as registry:
        with pytest.raises(RegistryUnavailable, match="register node 'n1'; nothing was done"):
            registry.register(instance("i1"))
        with pytest.raises(RegistryUnavailable, match="agree"):
            registry.agree("secret", b"x")


def test_watching_makes_nothing(tmp_path: Path) -> None:
    heard = Recorder()
    with closing(open_registry(f"dir://{tmp_path}/registry")) as registry:
        registry.watch("analytics", heard)
        heard.wait_for_incarnations()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_removed_comes_back(tmp_path: Path) -> None:
    heard = Recorder()
    with closing(open_registry(f"dir://{tmp_path}/registry")) as registry:
        registry.watch("analytics", heard)
        registry.register(instance("i1"))
        heard.wait_for_incarnations("i1")
        shutil.rmtree(tmp_path / "registry")
        eventually((tmp_path / "registry/services/analytics/n1.json").exists, 2.0)
        heard.wait_for_incarnations("i1")


def test_a_directory_that_breaks_is_a_loss_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Recorder()
    folder = tmp_path / "registry/services/analytics"
    with closing(open_registry(f"dir://{tmp_path}/registry")) as registry:
        registry.watch("analytics", heard)
        registration = registry.register(instance("i1"))
        heard.wait_for_incarnations("i1")
        shutil.rmtree(folder)
        folder.touch()
        heard.wait(lambda me: me.unreachable)
        eventually(lambda: not registration.active, 2.0)
        folder.unlink()
        heard.wait_for_incarnations("i1")
        eventually(lambda: registration.active, 2.0)
    complaints = [r for r in caplog.records if "cannot be used" in r.message]
    assert 1 <= len(complaints) <= 2
