"""Runs each program once, against two fresh nodes of its own."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyarrow import flight

from tests.conformance.conftest import PASSWORD, USER
from tests.conformance.foreign.programs import Outcomes, becomes_idle, build, run
from tests.conformance.foreign.relocating import relocating
from tests.conformance.foreign.versions import version_of
from tests.support.processes import Running, running


@pytest.fixture(autouse=True)
def tool_version(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """Let the report say which version of the tool a test drove."""
    for mark in request.node.iter_markers("tool"):
        record_property("tool_version", version_of(mark.args[0]))


@pytest.fixture(scope="session")
def java(login_files: tuple[Path, Path]) -> Outcomes:
    """What the program in Java reported."""
    return _outcomes("java", login_files)


@pytest.fixture(scope="session")
def go(login_files: tuple[Path, Path]) -> Outcomes:
    """What the program in Go reported."""
    return _outcomes("go", login_files)


@pytest.fixture(scope="session")
def node(login_files: tuple[Path, Path]) -> Outcomes:
    """What the program for Node.js reported."""
    return _outcomes("node", login_files)


@pytest.fixture(scope="session")
def rust(login_files: tuple[Path, Path]) -> Outcomes:
    """What the program in Rust reported."""
    return _outcomes("rust", login_files)


def _outcomes(language: str, login_files: tuple[Path, Path]) -> Outcomes:
    build(language)
    with ExitStack() as stack:
        first = stack.enter_context(_serving(login_files))
        second = stack.enter_context(_serving(login_files))
        here, there = (each.line()["location"] for each in (first, second))
        nowhere = f"grpc://127.0.0.1:{_free_port()}"
        proxy = stack.enter_context(relocating(here, [nowhere, there]))
        arguments = {
            "node": _address(here),
            "other": _address(there),
            "proxy": proxy.location,
            "user": USER,
            "password": PASSWORD,
            "token": _token(here),
        }
        outcomes = run(language, arguments, {"idle": lambda: becomes_idle(first.process.pid)})
        outcomes.log = first.stderr + second.stderr
        return outcomes


@contextmanager
def _serving(login_files: tuple[Path, Path]) -> Iterator[Running]:
    users, key_file = map(str, login_files)
    # With several threads DuckDB loses the reason of one late error in a hundred.
    flags = ("serve", "--users", users, "--key-file", key_file, "--threads", "1")
    with running(*flags) as node:
        yield node


def _address(location: str) -> str:
    return location.removeprefix("grpc://")


def _token(location: str) -> str:
    client: Any = flight.FlightClient(location)
    with client:
        _, header = client.authenticate_basic_token(USER, PASSWORD)
    return str(header.decode().removeprefix("Bearer "))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
