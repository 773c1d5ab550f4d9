"""The list of nodes on disk."""

import json
import os
import stat
from pathlib import Path

import pytest

from flightkeeper.client import saved_topology
from flightkeeper.client.saved_topology import Saved, SavedTopology, cache_directory
from tests.client.instances import instance

URL = "flightsql+zk://h1:2181/x?service=flights"
NODES = (instance("a"), instance("b", "two"))


@pytest.fixture
def saved(tmp_path: Path) -> SavedTopology:
    return SavedTopology(tmp_path / "deep" / "cache", URL)


def test_what_is_saved_is_loaded(saved: SavedTopology) -> None:
    assert saved.load() is None
    assert saved.save(NODES, 1000.0)
    assert saved.load() == Saved(NODES, 1000.0)
    assert saved.save(NODES[:1], 2000.0)
    assert saved.load() == Saved(NODES[:1], 2000.0)


def test_only_the_owner_can_read_it_and_nothing_is_left_beside_it(saved: SavedTopology) -> None:
    saved.save(NODES, 1000.0)
    assert stat.S_IMODE(saved.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(saved.path.parent.stat().st_mode) == 0o700
    assert list(saved.path.parent.iterdir()) == [saved.path]


def test_every_url_has_a_file(tmp_path: Path) -> None:
    other = SavedTopology(tmp_path, URL + "2")
    assert other.path != SavedTopology(tmp_path, URL).path


def test_a_cache_that_cannot_be_written_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    assert not SavedTopology(tmp_path / "file" / "cache", URL).save(NODES, 1.0)
    assert "was not saved" in caplog.text


def test_a_failed_replacement_leaves_no_debris(saved: SavedTopology) -> None:
    saved.path.mkdir(parents=True)
    assert not saved.save(NODES, 1.0)
    assert list(saved.path.parent.iterdir()) == [saved.path]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"format": 99, "saved_at_s": 1, "records": []}',
        b'{"format": 1, "saved_at_s": "x", "records": []}',
        b'{"format": 1, "saved_at_s": 1, "records": {}}',
    ],
)
def test_garbage_is_nothing(saved: SavedTopology, content: bytes) -> None:
    saved.path.parent.mkdir(parents=True)
    saved.path.write_bytes(content)
    assert saved.load() is None


def test_a_list_of_another_service_is_nothing(saved: SavedTopology, tmp_path: Path) -> None:
    other = SavedTopology(tmp_path, URL + "2")
    other.save(NODES, 1.0)
    saved.path.parent.mkdir(parents=True)
    other.path.rename(saved.path)
    assert saved.load() is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_left_alone(
    saved: SavedTopology, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    saved.save(NODES, 1.0)
    saved.path.chmod(mode)
    assert saved.load() is None
    assert "others may write it" in caplog.text


def test_a_file_of_another_user_is_left_alone(
    saved: SavedTopology, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    saved.save(NODES, 1.0)
    monkeypatch.setattr(os, "geteuid", lambda: saved.path.stat().st_uid + 1)
    assert saved.load() is None
    assert "belongs to somebody else" in caplog.text


def test_a_link_is_not_followed_and_is_replaced(saved: SavedTopology, tmp_path: Path) -> None:
    saved.save(NODES, 1.0)
    planted = tmp_path / "planted"
    saved.path.rename(planted)
    saved.path.symlink_to(planted)
    assert saved.load() is None
    before = planted.read_bytes()
    assert saved.save(NODES[:1], 2.0)
    assert planted.read_bytes() == before
    assert saved.load() == Saved(NODES[:1], 2.0)


@pytest.mark.timeout(10)
def test_a_pipe_does_not_make_a_start_wait(saved: SavedTopology) -> None:
    saved.path.parent.mkdir(parents=True)
    os.mkfifo(saved.path)
    assert saved.load() is None


def test_a_file_without_end_is_not_read(
    saved: SavedTopology, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved.save(NODES, 1.0)
    monkeypatch.setattr(saved_topology, "SIZE_MAX", 10)
    assert saved.load() is None


def test_a_record_of_garbage_costs_only_itself(saved: SavedTopology) -> None:
    saved.save(NODES, 1000.0)
    document = json.loads(saved.path.read_bytes())
    document["records"].insert(1, {"name": "half"})
    saved.path.write_text(json.dumps(document))
    assert saved.load() == Saved(NODES, 1000.0)


def test_where_caches_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert cache_directory({}) == Path("/somewhere/.cache/flightkeeper")
    assert cache_directory({"XDG_CACHE_HOME": "relative"}) == cache_directory({})
    assert cache_directory({"XDG_CACHE_HOME": "/caches"}) == Path("/caches/flightkeeper")
