"""The watcher of a document's file."""

from pathlib import Path

import pytest

from flightkeeper.discovery.directory.document_watcher import DocumentFileWatcher
from flightkeeper.discovery.directory.documents import write
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryUnavailable


def test_each_content_is_told_once(tmp_path: Path) -> None:
    place = tmp_path / "settings" / "cluster"
    told: list[Document | None] = []
    watcher = DocumentFileWatcher(place, told.append)
    watcher.look()
    watcher.look()
    write(place, "settings/cluster", b"a", None)
    watcher.look()
    watcher.lose()
    watcher.look()
    write(place, "settings/cluster", b"a", 0)
    watcher.look()
    assert told == [None, Document(b"a", 0), Document(b"a", 1)]


def test_what_is_no_document_is_told_again_once_it_is(tmp_path: Path) -> None:
    place = tmp_path / "cluster"
    place.write_bytes(b"no number\n")
    told: list[Document | None] = []
    watcher = DocumentFileWatcher(place, told.append)
    for _ in range(2):
        with pytest.raises(RegistryUnavailable, match="no document: its first line"):
            watcher.look()
    place.write_bytes(b"5\nx")
    watcher.look()
    assert told == [Document(b"x", 5)]
