"""The watcher of a folder of documents in a directory."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from flightkeeper.discovery.directory import documents
from flightkeeper.discovery.directory.folder_watcher import FolderWatcher
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryUnavailable

LATER_NS = 10**10


class Fixture:
    """A watcher of a folder, and what it told."""

    def __init__(self, root: Path) -> None:
        self.place = root / "tables"
        self.told: list[Mapping[str, Document]] = []
        self.now_ns = 0
        self.watcher = FolderWatcher(
            self.place, "tables", self.told.append, clock_ns=lambda: self.now_ns
        )

    def write(self, name: str, data: bytes, version: int | None = None) -> None:
        documents.write(self.place / name, name, data, version)

    def settle(self) -> None:
        """Let what was written be old."""
        self.now_ns = LATER_NS + max(
            path.stat().st_mtime_ns for path in (self.place, *self.place.rglob("*"))
        )


@pytest.fixture
def fixture(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def test_the_whole_is_told_when_something_is_new(fixture: Fixture) -> None:
    fixture.watcher.look()
    fixture.watcher.look()
    fixture.write("geo/countries", b"a")
    fixture.watcher.look()
    fixture.write("main/t", b"b")
    fixture.write("geo/countries", b"c", 0)
    fixture.watcher.look()
    fixture.watcher.lose()
    fixture.watcher.look()
    assert fixture.told == [
        {},
        {"tables/geo/countries": Document(b"a", 0)},
        {"tables/geo/countries": Document(b"c", 1), "tables/main/t": Document(b"b", 0)},
    ]


def test_what_is_empty_or_gone_is_absent(fixture: Fixture) -> None:
    fixture.write("main/t", b"x")
    fixture.watcher.look()
    fixture.write("main/t", b"", 0)
    fixture.watcher.look()
    fixture.write("main/t", b"y", 1)
    fixture.watcher.look()
    (fixture.place / "main" / "t").unlink()
    fixture.watcher.look()
    name = "tables/main/t"
    assert fixture.told == [{name: Document(b"x", 0)}, {}, {name: Document(b"y", 2)}, {}]


def test_files_are_looked_at_where_their_folder_changed(fixture: Fixture) -> None:
    fixture.write("main/t", b"x")
    fixture.settle()
    fixture.watcher.look()
    # Not the way documents are written, which shows that nobody looked.
    place = fixture.place / "main" / "t"
    place.write_bytes(b"7\nother")
    fixture.watcher.look()
    assert len(fixture.told) == 1
    fixture.write("main/u", b"x")
    fixture.watcher.look()
    assert fixture.told[-1]["tables/main/t"] == Document(b"other", 7)


def test_a_change_within_the_same_tick_of_the_clock_is_seen(fixture: Fixture) -> None:
    fixture.write("main/t", b"x")
    folder = fixture.place / "main"
    stamp_ns = folder.stat().st_mtime_ns
    fixture.now_ns = stamp_ns + 1
    fixture.watcher.look()
    fixture.write("main/t", b"y", 0)
    os.utime(folder, ns=(stamp_ns, stamp_ns))
    fixture.watcher.look()
    assert fixture.told[-1]["tables/main/t"] == Document(b"y", 1)


def test_what_is_no_document_keeps_nobody_else_from_being_told(fixture: Fixture) -> None:
    fixture.write("main/t", b"x")
    fixture.place.joinpath("main", "bad").write_bytes(b"no number\n")
    for _ in range(2):
        with pytest.raises(RegistryUnavailable, match="no document: its first line"):
            fixture.watcher.look()
    assert fixture.told == [{"tables/main/t": Document(b"x", 0)}]
    fixture.place.joinpath("main", "bad").write_bytes(b"1\nz")
    fixture.watcher.look()
    assert len(fixture.told[-1]) == 2
