"""Real nodes as processes, with users, for clients that others wrote."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from flightkeeper.flight_server.auth import keys
from flightkeeper.flight_server.auth.passwords import hash_password
from tests.support.processes import running

USER = "ada"
PASSWORD = "correct: horse, battery"  # colons and commas travel through Basic


class Pair(NamedTuple):
    """Two nodes that share nothing but the cluster's keys."""

    first: str
    second: str


@pytest.fixture(scope="module")
def login_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A users file and a key file."""
    directory = tmp_path_factory.mktemp("login")
    users, key_file = directory / "users", directory / "key"
    users.write_text(f"# people\n{USER}:{hash_password(PASSWORD)}\n")
    key_file.write_bytes(keys.encode(keys.generate()))
    key_file.chmod(0o600)
    return users, key_file


@pytest.fixture(scope="module")
def pair(login_files: tuple[Path, Path]) -> Iterator[Pair]:
    """Two nodes, found by their addresses alone."""
    users, key_file = map(str, login_files)
    flags = ("serve", "--users", users, "--key-file", key_file)
    with running(*flags, "--node-id", "a") as a, running(*flags, "--node-id", "b") as b:
        yield Pair(a.line()["location"], b.line()["location"])
