"""One registration in a directory."""

import threading
from pathlib import Path

import pytest

from flightkeeper.discovery.directory.record_files import RecordFile, place_of, read_living
from flightkeeper.discovery.directory.registration import DirectoryRegistration
from flightkeeper.discovery.errors import DuplicateNode
from flightkeeper.discovery.records import Instance, decode
from tests.discovery.backends import instance


def published(folder: Path) -> Instance | None:
    content = read_living(place_of(folder, "n1"))
    return decode(content.data) if content else None


def made(folder: Path, incarnation: str = "i1") -> DirectoryRegistration:
    return DirectoryRegistration(folder, instance(incarnation), lambda: None)


def test_it_publishes_and_keeps_still(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    registration = made(folder)
    registration.keep_up()
    inode = place_of(folder, "n1").stat().st_ino
    registration.keep_up()
    assert published(folder) == instance("i1")
    assert place_of(folder, "n1").stat().st_ino == inode
    assert registration.active
    registration.retire()


def test_an_update_is_published(tmp_path: Path) -> None:
    registration = made(tmp_path)
    registration.keep_up()
    moved = instance("i1", location="grpc://new:1")
    registration.update(moved)
    registration.keep_up()
    assert published(tmp_path) == moved
    registration.retire()


def test_a_removed_file_is_put_back(tmp_path: Path) -> None:
    registration = made(tmp_path / "a")
    registration.keep_up()
    place_of(tmp_path / "a", "n1").unlink()
    registration.keep_up()
    assert published(tmp_path / "a") == instance("i1")
    registration.retire()


def test_a_dead_predecessor_is_replaced(tmp_path: Path) -> None:
    RecordFile(place_of(tmp_path, "n1"), b"dead").abandon()
    registration = made(tmp_path)
    registration.keep_up()
    assert published(tmp_path) == instance("i1")
    registration.retire()


def test_a_living_other_is_left_alone_until_it_has_gone(tmp_path: Path) -> None:
    first, second = made(tmp_path), made(tmp_path, "i2")
    first.keep_up()
    second.keep_up()
    with pytest.raises(DuplicateNode, match="n1"):
        second.wait(0)
    assert published(tmp_path) == instance("i1")
    first.withdraw(0)
    first.keep_up()
    assert first.over
    second.keep_up()
    assert published(tmp_path) == instance("i2")
    second.retire()


def test_of_many_at_once_one_gets_the_id(tmp_path: Path) -> None:
    # A lock belongs to an open file, so threads contend as processes do.
    for number in range(20):
        folder = tmp_path / str(number)
        RecordFile(place_of(tmp_path, "n1"), b"dead").abandon()
        contenders = [made(folder, f"i{each}") for each in range(6)]
        start = threading.Barrier(len(contenders))

        def contend(one: DirectoryRegistration, start: threading.Barrier = start) -> None:
            start.wait(10)
            one.keep_up()

        threads = [threading.Thread(target=contend, args=(each,)) for each in contenders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert [each.active for each in contenders].count(True) == 1
        for each in contenders:
            each.retire()


def test_doubt_and_back(tmp_path: Path) -> None:
    registration = made(tmp_path)
    registration.doubt()
    assert not registration.wait(0)
    registration.keep_up()
    registration.doubt()
    assert not registration.active
    registration.keep_up()
    assert registration.active
    registration.retire()


def test_withdrawn(tmp_path: Path) -> None:
    registration = made(tmp_path)
    registration.keep_up()
    registration.withdraw(0)
    registration.keep_up()
    registration.retire()
    assert registration.over
    assert not place_of(tmp_path, "n1").exists()
