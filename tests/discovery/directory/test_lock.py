"""A lock in a directory."""

import os
from pathlib import Path

import pytest

from flightkeeper.discovery.contention import EXCLUSIVE, Claim
from flightkeeper.discovery.directory.lock import take
from flightkeeper.discovery.directory.record_files import RecordFile
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import LastingHold, LockLost


def taken(place: Path, claim: Claim = EXCLUSIVE) -> LastingHold | None:
    return take(place, "etl", claim, lambda: 0)


def in_line(place: Path) -> list[str]:
    return sorted(each.name for each in place.iterdir() if not each.name.startswith("."))


def test_tokens_go_on_where_they_ended(tmp_path: Path) -> None:
    place = tmp_path / "locks" / "etl"
    tokens = []
    for _ in range(12):
        hold = taken(place)
        assert hold is not None
        tokens.append(hold.token)
        hold.release()
    assert tokens == list(range(1, 13))
    assert (place / ".token").read_bytes() == b"12"
    assert in_line(place) == []


def test_who_has_it_keeps_others_out_until_it_is_let_go(tmp_path: Path) -> None:
    hold = taken(tmp_path)
    assert hold is not None
    assert taken(tmp_path) is None
    hold.check()
    with hold:
        assert not hold.wait_lost(0)
    with pytest.raises(LockLost, match="let go"):
        hold.check()
    assert taken(tmp_path) is not None


def test_a_child_that_has_the_file_open_keeps_nothing(tmp_path: Path) -> None:
    hold = taken(tmp_path)
    assert hold is not None
    # As a fork makes them: another descriptor of the same open file.
    (name,) = in_line(tmp_path)
    open_files = [int(link.name) for link in Path("/proc/self/fd").iterdir()]
    (descriptor,) = (each for each in open_files if _is(each, tmp_path / name))
    child = os.dup(descriptor)
    hold.release()
    assert taken(tmp_path) is not None
    os.close(child)


def _is(descriptor: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), place.stat())
    except OSError:
        return False


@pytest.mark.parametrize("claim", [EXCLUSIVE, Claim(permits=2)], ids=["lock", "semaphore"])
def test_places_of_the_dead_are_taken(tmp_path: Path, claim: Claim) -> None:
    first = taken(tmp_path, claim)
    assert first is not None
    first.release()
    for number in (2, 3):
        RecordFile(tmp_path / f"{number}-{claim.code}", b"%d" % (number - 2)).abandon()
    (tmp_path / ".token").write_bytes(b"3")
    hold = taken(tmp_path, claim)
    assert hold is not None
    assert hold.token == 4


def test_a_file_without_a_token_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / ".token").write_text("nonsense")
    for _ in range(2):
        with pytest.raises(RegistryUnavailable, match="holds no token"):
            taken(tmp_path)


def test_what_is_no_lock_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etl").write_text("")
    with pytest.raises(FileExistsError):
        taken(tmp_path / "etl")


def test_files_of_others_do_not_stand_in_line(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("what is this?")
    (tmp_path / "0-what").write_text("")
    assert taken(tmp_path) is not None
