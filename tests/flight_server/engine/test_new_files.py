"""New files are found, whatever becomes of their folders; and these are read once, if at all."""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from inotify_simple import INotify

from flightkeeper.flight_server.engine import new_files
from flightkeeper.flight_server.engine.new_files import NewFiles
from tests.flight_server.engine.lake_files import written

_SKIPPED = ".kept"
_OLD_S = 3600.0
_EVENTS = Path("/proc/sys/fs/inotify/max_queued_events")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def refused(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(params=["told", "read", "told for a while"])
def found(
    request: pytest.FixtureRequest, root: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NewFiles]:
    """All that is found is the same, whether the kernel tells of it or not."""
    if request.param == "read":
        monkeypatch.setattr(new_files, "INotify", refused)
    with closing(NewFiles(root, _SKIPPED)) as made:
        if request.param == "told for a while":
            written(root / "before", _OLD_S)
            assert len(made.since(0)) == 1
            shutil.rmtree(root / "before")
            monkeypatch.setattr(INotify, "add_watch", refused)
        yield made


def test_a_root_may_come_later(found: NewFiles, root: Path) -> None:
    assert found.since(time.time()) == []
    begun_s = time.time() - 1
    path = written(root)
    assert found.since(begun_s) == [path]


def test_new_folders_are_looked_into(found: NewFiles, root: Path) -> None:
    begun_s, all_of_them = time.time() - 1, set[Path]()
    for number in range(3):
        all_of_them.add(written(root / f"s{number}/t/k={number}"))
        all_of_them.add(written(root / "s0/t"))
        assert set(found.since(begun_s)) == all_of_them


def test_a_folder_may_go_and_come_back(found: NewFiles, root: Path) -> None:
    begun_s = time.time() - 1
    for _ in range(3):
        path = written(root / "main/t")
        assert path in found.since(begun_s)
        shutil.rmtree(root)


def test_each_is_found_once(found: NewFiles, root: Path) -> None:
    begun_s = time.time() - 1
    paths = {written(root / "main/t") for _ in range(50)}
    for _ in range(2):
        told = found.since(begun_s)
        assert (len(told), set(told)) == (50, paths)


def test_what_is_older_or_nobody_s_is_not_found(found: NewFiles, root: Path) -> None:
    begun_s = time.time() - 1
    old = written(root / "main/t", _OLD_S)
    written(root / _SKIPPED / "tmp")
    (root / "main/t/other.parquet").write_text("not DuckLake's")
    new = written(root / "main/t")
    assert found.since(begun_s) == [new]
    # A transaction that has lasted for long wrote that, too.
    assert set(found.since(begun_s - 2 * _OLD_S)) == {old, new}


def test_what_has_aged_is_forgotten(
    found: NewFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(root / "main/t")
    begun_s = time.time() - 1
    assert len(found.since(begun_s)) == 1
    later_s = time.time() + _OLD_S
    monkeypatch.setattr(time, "time", lambda: later_s)
    assert found.since(later_s - 1) == []
    assert len(found.since(begun_s)) == 1


def test_folders_that_were_read_are_not_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_s, read, scandir = time.time() - 1, list[Path](), os.scandir

    def reading(folder: Path) -> object:
        read.append(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", reading)
    written(root / "main/t")
    with closing(NewFiles(root, _SKIPPED)) as found:
        for count in range(1, 5):
            assert len(found.since(begun_s)) == count
            written(root / "main/t")
    assert sorted(read) == [root, root / "main", root / "main/t"]


def test_more_than_the_kernel_remembers_is_read(root: Path) -> None:
    with closing(NewFiles(root, _SKIPPED)) as found:
        begun_s = time.time() - 1
        first = written(root / "main/t")
        assert found.since(begun_s) == [first]
        for number in range(int(_EVENTS.read_text()) + 1):
            (root / "main/t" / str(number)).touch()
        last = written(root / "main/u")
        assert set(found.since(begun_s)) == {first, last}


def test_a_root_that_is_another_one_is_looked_into(found: NewFiles, root: Path) -> None:
    """Such as one that was restored, while somebody has the one before open."""
    begun_s = time.time() - 1
    written(root / "main/t")
    found.since(begun_s)
    root.rename(root.with_name("before"))
    for _ in range(2):
        path = written(root / "main/t")
        assert path in found.since(begun_s)


def test_a_folder_may_be_elsewhere(found: NewFiles, root: Path) -> None:
    begun_s = time.time() - 1
    for number in range(2):
        elsewhere = root.with_name(f"elsewhere{number}")
        elsewhere.mkdir()
        written(root)
        found.since(begun_s)
        (root / f"link{number}").symlink_to(elsewhere)
        written(elsewhere)
        inside = [path for path in found.since(begun_s) if path.parent.name == f"link{number}"]
        assert len(inside) == 1


@pytest.mark.parametrize("times", [1, 2])
def test_after_an_error_all_is_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Wherever in the search it was, nothing is missing the next time."""
    begun_s, scandir, left = time.time() - 1, os.scandir, [0]

    def failing(folder: Path) -> object:
        if folder.name == "t" and left[0]:
            left[0] -= 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", failing)
    all_of_them = set[Path]()
    with closing(NewFiles(root, _SKIPPED)) as found:
        for number in range(2):
            all_of_them |= {written(root / "main/u"), written(root / f"main/{number}/t")}
            left[0] = times
            with suppress(OSError):
                found.since(begun_s)
            assert left == [0]
            all_of_them |= {written(root / "main/u"), written(root / f"main/{number}/t")}
            assert set(found.since(begun_s)) == all_of_them


def test_the_end_may_come_twice(root: Path) -> None:
    found = NewFiles(root, _SKIPPED)
    written(root)
    assert len(found.since(time.time() - 1)) == 1
    found.close()
    found.close()
