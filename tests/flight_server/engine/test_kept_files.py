"""Second names of the files of a commit: found, given, taken, and the first ones given back."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine.kept_files import FOLDER, KeptFiles
from tests.flight_server.engine.lake_files import written

_OLD_S = 3600.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def kept(root: Path) -> Iterator[KeptFiles]:
    root.mkdir()
    made = KeptFiles(root)
    yield made
    made.close()


def links(root: Path) -> list[Path]:
    return [path for path in (root / FOLDER).rglob("*") if path.is_file()]


def test_what_is_taken_away_is_put_back(kept: KeptFiles, root: Path) -> None:
    begun_s = time.time()
    here, deep = written(root / "main/t"), written(root / "main/t/day=1/hour=2", text="more")
    with kept.during(begun_s) as put_back:
        assert len(links(root)) == 2
        here.unlink()
        deep.unlink()
        put_back()
        put_back()
    assert (here.read_text(), deep.read_text()) == ("rows", "more")
    assert not links(root)
    assert here.stat().st_nlink == 1


def test_what_was_undone_stays_away(kept: KeptFiles, root: Path) -> None:
    path = written(root / "main/t")
    with kept.during(time.time()):
        path.unlink()
    assert not path.exists()
    assert not links(root)


def test_only_what_was_written_since_has_two_names(kept: KeptFiles, root: Path) -> None:
    begun_s = time.time()
    written(root / "main/t", _OLD_S)
    (root / "main/t/other.parquet").write_text("not DuckLake's")
    new = written(root / "main/t")
    with kept.during(begun_s):
        assert [link.samefile(new) for link in links(root)] == [True]
    # A transaction that lasted for long has written that, too.
    with kept.during(begun_s - 2 * _OLD_S):
        assert len(links(root)) == 2


def test_the_end_of_one_commit_leaves_the_other_what_it_needs(kept: KeptFiles, root: Path) -> None:
    begun_s = time.time()
    path = written(root / "main/t")
    with kept.during(begun_s) as put_back:
        with kept.during(begun_s):
            pass
        path.unlink()
        put_back()
    assert path.exists()


def test_a_folder_that_is_gone_is_forgotten(kept: KeptFiles, root: Path) -> None:
    begun_s = time.time()
    path = written(root / "main/t")
    with kept.during(begun_s):
        pass
    path.unlink()
    path.parent.rmdir()
    with kept.during(begun_s):
        assert not links(root)


def test_where_there_are_no_second_names_commits_go_on(
    kept: KeptFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    path = written(root / "main/t")
    for _ in range(2):
        with kept.during(time.time()) as put_back:
            put_back()
    assert path.exists()


def test_a_folder_of_names_that_was_taken_away_is_made_anew(kept: KeptFiles, root: Path) -> None:
    begun_s = time.time()
    path = written(root / "main/t")
    with kept.during(begun_s):
        shutil.rmtree(root / FOLDER)
    with kept.during(begun_s) as put_back:
        path.unlink()
        put_back()
    assert path.exists()


def test_what_cannot_be_kept_takes_nothing_with_it(
    kept: KeptFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a file of another user, or of another device."""
    begun_s, link = time.time(), os.link
    theirs, lost, ours = written(root / "a"), written(root / "b"), written(root / "c")

    def linked(path: Path, name: Path) -> None:
        if path == theirs:
            raise PermissionError(1, "Operation not permitted")
        link(path, name)

    monkeypatch.setattr(os, "link", linked)
    with kept.during(begun_s) as put_back:
        lost.unlink()
        lost.parent.rmdir()
        ours.unlink()
        put_back()
        monkeypatch.setattr(Path, "unlink", lambda *_, **__: Path("/nowhere").stat())
    assert ours.exists()


def test_nothing_is_left_in_the_end(kept: KeptFiles, root: Path) -> None:
    written(root / "main/t")
    with kept.during(time.time()):
        pass
    kept.close()
    kept.close()
    assert not list((root / FOLDER).iterdir())
