"""A lock in a directory."""

import os
from pathlib import Path

import pytest

from flightkeeper.discovery.directory.lock import take
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import LockLost


def test_tokens_go_on_where_they_ended(tmp_path: Path) -> None:
    place = tmp_path / "locks" / "etl"
    tokens = []
    for _ in range(12):
        hold = take(place, "etl", lambda: 0)
        assert hold is not None
        tokens.append(hold.token)
        hold.release()
    assert tokens == list(range(1, 13))
    assert place.read_bytes() == b"12"


def test_who_has_it_keeps_others_out_until_it_is_let_go(tmp_path: Path) -> None:
    place = tmp_path / "etl"
    hold = take(place, "etl", lambda: 0)
    assert hold is not None
    assert take(place, "etl", lambda: 0) is None
    hold.check()
    with hold:
        assert not hold.wait_lost(0)
    with pytest.raises(LockLost, match="let go"):
        hold.check()
    assert take(place, "etl", lambda: 0) is not None


def test_a_child_that_has_the_file_open_keeps_nothing(tmp_path: Path) -> None:
    place = tmp_path / "etl"
    hold = take(place, "etl", lambda: 0)
    assert hold is not None
    # As a fork makes them: another descriptor of the same open file.
    open_files = [int(link.name) for link in Path("/proc/self/fd").iterdir()]
    (descriptor,) = (each for each in open_files if _is(each, place))
    child = os.dup(descriptor)
    hold.release()
    assert take(place, "etl", lambda: 0) is not None
    os.close(child)


def _is(descriptor: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), place.stat())
    except OSError:
        return False


def test_a_file_without_a_token_is_not_taken(tmp_path: Path) -> None:
    place = tmp_path / "etl"
    place.write_text("nonsense")
    for _ in range(2):
        with pytest.raises(RegistryUnavailable, match="holds no token"):
            take(place, "etl", lambda: 0)


def test_what_is_no_lock_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        take(tmp_path, "etl", lambda: 0)
