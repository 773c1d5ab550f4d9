"""Record files: alive exactly as long as their writer."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from flightkeeper.discovery.directory import record_files
from flightkeeper.discovery.directory.record_files import (
    RecordFile,
    clean_up,
    place_of,
    places,
    read_living,
    registrants_turn,
)
from flightkeeper.discovery.errors import RegistryUnavailable
from tests.discovery.recorder import eventually


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return place_of(tmp_path, "n1")


def data_at(place: Path) -> bytes | None:
    content = read_living(place)
    return content.data if content else None


def test_it_lives_until_it_is_let_go(place: Path) -> None:
    assert data_at(place) is None
    file = RecordFile(place, b"1")
    assert data_at(place) == b"1"
    assert file.in_place
    file.abandon()
    file.abandon()
    assert place.exists()
    assert data_at(place) is None


def test_removed(place: Path) -> None:
    file = RecordFile(place, b"1")
    file.remove()
    file.remove()
    assert list(place.parent.iterdir()) == []


def test_removing_leaves_a_successor_alone(place: Path) -> None:
    first = RecordFile(place, b"1")
    second = RecordFile(place, b"2")
    assert not first.in_place
    first.remove()
    assert data_at(place) == b"2"
    second.remove()


def test_a_stamp_tells_contents_apart(place: Path) -> None:
    first = RecordFile(place, b"1")
    one, again = read_living(place), read_living(place)
    second = RecordFile(place, b"1")
    two = read_living(place)
    assert one == again
    assert one is not None
    assert two is not None
    assert one.stamp != two.stamp
    first.remove()
    second.remove()


def test_places_are_in_order_and_only_records(tmp_path: Path) -> None:
    assert places(tmp_path / "none") == []
    for name in ("n2.json", "n1.json", ".n3.json", "n4.json.bak", ".lock"):
        (tmp_path / name).touch()
    assert [place.name for place in places(tmp_path)] == ["n1.json", "n2.json"]


def test_what_cannot_be_written_leaves_nothing(place: Path) -> None:
    place.mkdir()
    with pytest.raises(OSError, match="directory"):
        RecordFile(place, b"1")
    assert list(place.parent.iterdir()) == [place]


def test_clean_up_removes_the_dead_only(tmp_path: Path) -> None:
    living = RecordFile(place_of(tmp_path, "n1"), b"1")
    RecordFile(place_of(tmp_path, "n2"), b"2").abandon()
    for name in (".n1.123.tmp", ".n2.123.tmp", ".n2.x.123.tmp", ".lock"):
        (tmp_path / name).touch()
    clean_up(tmp_path, "n2")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        ".lock",
        ".n1.123.tmp",
        ".n2.x.123.tmp",
        "n1.json",
    ]
    living.remove()


def test_turns_are_taken_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_files, "_LOCK_WAIT_S", 0.05)
    with (
        registrants_turn(tmp_path),
        pytest.raises(RegistryUnavailable, match="nothing was done"),
        registrants_turn(tmp_path),
    ):
        pytest.fail("two turns at once")
    with registrants_turn(tmp_path):
        pass


def test_a_place_rewritten_without_pause(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.touch()
    monkeypatch.setattr(record_files, "_is_at", lambda *_: False)
    with pytest.raises(RegistryUnavailable, match="without pause"):
        read_living(place)


WRITER = """
import sys
from pathlib import Path
from flightkeeper.discovery.directory.record_files import RecordFile
place, rewrite = Path(sys.argv[1]), sys.argv[2] == "rewrite"
file = RecordFile(place, b"0" * 700)
print("written", flush=True)
number = 0
while rewrite:
    number += 1
    before, file = file, RecordFile(place, b"%d" % (number % 10) * 700)
    before.abandon()
sys.stdin.read()
"""


def writing(place: Path, how: str) -> subprocess.Popen[str]:
    """A process that keeps a record alive."""
    command = [sys.executable, "-c", WRITER, str(place), how]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def test_a_killed_writer_is_dead_at_once(place: Path) -> None:
    process = writing(place, "once")
    assert data_at(place) == b"0" * 700
    os.kill(process.pid, signal.SIGSTOP)
    assert data_at(place) == b"0" * 700
    process.kill()
    process.communicate(timeout=10)
    assert data_at(place) is None


def test_a_writer_that_rewrites_never_looks_dead_nor_half_written(place: Path) -> None:
    process = writing(place, "rewrite")
    wrong: list[bytes | None] = []
    reads = [0]
    deadline = time.monotonic() + 1.5

    def read() -> None:
        while time.monotonic() < deadline:
            data = data_at(place)
            reads[0] += 1
            if data is None or len(data) != 700 or len(set(data)) != 1:
                wrong.append(data)

    def tidy() -> None:
        while time.monotonic() < deadline:
            with registrants_turn(place.parent):
                clean_up(place.parent, "n2")

    readers = [threading.Thread(target=target) for target in (read, read, tidy)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(30)
    process.kill()
    process.communicate(timeout=10)

    assert wrong == []
    assert reads[0] > 1000
    assert data_at(place) is None


def test_readers_do_not_disturb_a_registrant(tmp_path: Path) -> None:
    place = place_of(tmp_path, "n1")
    RecordFile(place, b"dead").abandon()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            read_living(place)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(300):
            with registrants_turn(tmp_path):
                assert read_living(place) is None
                clean_up(tmp_path, "n1")
                file = RecordFile(place, b"alive")
            assert data_at(place) == b"alive"
            file.abandon()
    finally:
        stop.set()
        reader.join(10)


def test_a_program_that_is_started_does_not_inherit_life(place: Path) -> None:
    file = RecordFile(place, b"1")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    file.abandon()
    eventually(lambda: data_at(place) is None, 1.0)
    child.communicate(b"\n", timeout=10)
