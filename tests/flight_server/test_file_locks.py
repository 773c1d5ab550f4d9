"""Locks on files: who shares them, who is alone, and what is not there."""

import time
from contextlib import ExitStack
from fcntl import LOCK_EX, LOCK_SH
from pathlib import Path

import pytest

from flightkeeper.flight_server.file_locks import taken


@pytest.mark.parametrize(
    ("first", "second", "free"),
    [(LOCK_SH, LOCK_SH, True), (LOCK_SH, LOCK_EX, False), (LOCK_EX, LOCK_SH, False)],
)
def test_a_lock_is_shared_or_not(tmp_path: Path, first: int, second: int, *, free: bool) -> None:
    file = tmp_path / "lock"
    with ExitStack() as one, ExitStack() as other:
        assert taken(one, file, first)
        assert taken(other, file, second) is free
        one.close()
        assert taken(other, file, first)


def test_who_waits_gives_up_in_time(tmp_path: Path) -> None:
    with ExitStack() as one, ExitStack() as other:
        assert taken(one, tmp_path / "lock", LOCK_EX)
        until_s = time.monotonic() + 0.02
        assert not taken(other, tmp_path / "lock", LOCK_EX, until_s)
        assert time.monotonic() > until_s


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with ExitStack() as held, pytest.raises(FileNotFoundError):
        taken(held, tmp_path / "nobody" / "lock", LOCK_EX)
