"""One watcher of a directory."""

from pathlib import Path

import pytest

from flightkeeper.discovery.directory.record_files import RecordFile, place_of
from flightkeeper.discovery.directory.watcher import DirectoryWatcher
from flightkeeper.discovery.records import encode
from flightkeeper.discovery.topology import Event, Listed, Unreachable
from tests.discovery.backends import instance


class Made:
    """A watcher with a clock of the test's."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 0.0
        self.told: list[Event] = []
        self.watcher = DirectoryWatcher(folder, self.told.append, lambda: self.now_s)


def test_changes_are_told_once(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.watcher.look()
    file = RecordFile(place_of(tmp_path, "n1"), encode(instance("i1")))
    made.watcher.look()
    made.watcher.look()
    file.abandon()
    made.watcher.look()
    assert made.told == [Listed((), 0), Listed((instance("i1"),), 0), Listed((), 0)]


def test_an_unchanged_list_is_told_again_after_a_while(tmp_path: Path) -> None:
    made = Made(tmp_path)
    for made.now_s in (0.0, 4.9, 5.0, 9.9, 10.0):
        made.watcher.look()
    assert made.told == [Listed((), 0), Listed((), 5.0), Listed((), 10.0)]


def test_a_folder_that_is_missing_is_empty(tmp_path: Path) -> None:
    made = Made(tmp_path / "none")
    made.watcher.look()
    assert made.told == [Listed((), 0)]


def test_a_folder_that_cannot_be_read_is_a_loss(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    made = Made(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        made.watcher.look()
    made.watcher.lose()
    assert made.told == []
    (tmp_path / "file").unlink()
    made.watcher.look()
    made.watcher.lose()
    made.watcher.lose()
    assert made.told == [Listed((), 0), Unreachable(0)]
    made.watcher.look()
    assert made.told[2:] == [Listed((), 0)]


def test_garbage_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = Made(tmp_path)
    garbage = RecordFile(place_of(tmp_path, "n1"), b"garbage")
    made.watcher.look()
    made.watcher.look()
    assert made.told == [Listed((), 0)]
    assert len(caplog.records) == 1
    garbage.remove()
