"""Real nodes as processes, with users, for clients that others wrote."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import adbc_driver_flightsql.dbapi as adbc
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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="module")
def solo(login_files: tuple[Path, Path]) -> Iterator[str]:
    """The address of one node."""
    users, key_file = map(str, login_files)
    with running("serve", "--users", users, "--key-file", key_file) as node:
        yield node.line()["location"]


@pytest.fixture
def connection(pair: Pair) -> Iterator[Any]:
    """An autocommitting ADBC connection."""
    with connect(pair.first, autocommit=True) as opened:
        yield opened


@pytest.fixture
def cursor(connection: Any) -> Iterator[Any]:
    """A cursor of that connection; there is an empty schema `work`."""
    with connection.cursor() as opened:
        opened.execute("DROP SCHEMA IF EXISTS work CASCADE")
        opened.execute("CREATE SCHEMA work")
        yield opened


def connect(location: str, **options: Any) -> Any:
    """A connection of the stock ADBC driver; `db_kwargs` are added to the login."""
    login = {"username": USER, "password": PASSWORD}
    return adbc.connect(location, db_kwargs=login | options.pop("db_kwargs", {}), **options)
