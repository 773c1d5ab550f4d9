"""The list of nodes on disk."""

import json
import stat
from pathlib import Path

import pytest

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
        b'{"format": 99, "saved_at_s": 1, "records": []}',
        b'{"format": 1, "saved_at_s": "x", "records": []}',
        b'{"format": 1, "saved_at_s": 1, "records": {}}',
    ],
)
def test_garbage_is_nothing(saved: SavedTopology, content: bytes) -> None:
    saved.path.parent.mkdir(parents=True)
    saved.path.write_bytes(content)
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
