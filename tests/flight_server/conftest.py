"""Real nodes in this process, and clients of them."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
import structlog

from flightkeeper.flight_server.auth import keys
from flightkeeper.flight_server.auth.middleware import Authentication, CallMiddleware
from flightkeeper.flight_server.lake.location import Location, parse
from flightkeeper.flight_server.service import FlightSqlService
from tests.flight_server.wire_client import Served, WireClient, serving
from tests.support.postgres_server import PostgresServer, postgres_server


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What another test has set up for the whole process does not hold here, nor after this one."""
    structlog.reset_defaults()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    raising = logging.raiseExceptions
    yield
    logging.raiseExceptions = raising
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """PostgreSQL, for all tests that clear it before they begin."""
    with postgres_server() as started:
        yield started


@pytest.fixture
def in_postgres(server: PostgresServer, tmp_path: Path) -> Location:
    """Where a lake may be made in PostgreSQL; nothing else is in it."""
    server.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return parse(server.lake, str(tmp_path / "files"))


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """Where a lake may be made, in each of the two."""
    if request.param == "sqlite":
        return parse(f"ducklake:sqlite:{tmp_path}/lake.sqlite", str(tmp_path / "files"))
    found: Location = request.getfixturevalue("in_postgres")
    return found


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A node for all tests of a module that leave it as they found it."""
    with serving() as node:
        yield node


@pytest.fixture
def client(served: Served, request: pytest.FixtureRequest) -> Iterator[WireClient]:
    """A client with a session of its own."""
    with served.client(user=request.node.name) as made:
        yield made


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A file with cluster keys."""
    path = tmp_path / "keys"
    path.write_bytes(keys.encode(keys.generate()))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session", autouse=True)
def measured() -> Iterator[None]:
    """Let a coverage run see the threads of gRPC, which Python's `threading` did not start."""
    trace = threading.gettrace()
    with pytest.MonkeyPatch.context() as patch:
        for kind in (FlightSqlService, Authentication, CallMiddleware) if trace else ():
            for name, function in list(vars(kind).items()):
                if callable(function) and not name.startswith("_"):
                    patch.setattr(kind, name, _traced(function, trace))
        if trace:
            stepping = _traced_steps(FlightSqlService._delivered, trace)
            patch.setattr(FlightSqlService, "_delivered", stepping)
        yield


def _traced(function: Callable[..., Any], trace: Any) -> Callable[..., Any]:
    @wraps(function)
    def traced(*arguments: Any, **named: Any) -> Any:
        if sys.gettrace() is None:
            sys.settrace(trace)
        return function(*arguments, **named)

    return traced


def _traced_steps(function: Callable[..., Any], trace: Any) -> Callable[..., Any]:
    @wraps(function)
    def traced(*arguments: Any) -> Any:
        steps = function(*arguments)
        while True:
            if sys.gettrace() is None:
                sys.settrace(trace)
            try:
                step = next(steps)
            except StopIteration:
                return
            yield step

    return traced
