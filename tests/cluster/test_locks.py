"""Locks of sessions on real nodes that are killed and frozen, through the stock ADBC driver."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import adbc_driver_flightsql.dbapi as adbc
import pytest

from tests.support.cluster import Cluster, make_database
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SESSION_S = 4.0
LOCK = "SELECT flightkeeper_lock('etl', {})"
CHECK = "SELECT flightkeeper_lock_check('etl')"

_measured = logging.getLogger("measured")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shared.duckdb"
    make_database(path)
    return path


def started(stack: ExitStack, url: str, database: Path) -> tuple[Cluster, Any, Any]:
    """Two nodes, and a session on each."""
    cluster = stack.enter_context(Cluster(url, database))
    sessions = [connected(stack, cluster.start(name)["location"]) for name in ("n1", "n2")]
    return cluster, sessions[0], sessions[1]


def connected(stack: ExitStack, location: str) -> Any:
    uri = location.replace("grpc://", "grpc+tcp://")
    credentials = {"username": "ada", "password": ""}
    return stack.enter_context(adbc.connect(uri, db_kwargs=credentials, autocommit=True))


def value(connection: Any, statement: str) -> Any:
    with connection.cursor() as cursor:
        return cursor.execute(statement).fetchone()[0]


@pytest.mark.parametrize("kind", ["dir", pytest.param("zk", marks=pytest.mark.zookeeper)])
def test_the_lock_of_a_killed_node_comes_free(
    kind: str, request: pytest.FixtureRequest, stack: ExitStack, tmp_path: Path, database: Path
) -> None:
    url = f"dir://{tmp_path}/registry"
    if kind == "zk":
        server: ZooKeeperServer = request.getfixturevalue("zookeeper")
        url = f"{server.url}/test-{uuid4().hex}"
    cluster, one, two = started(stack, url, database)
    token = value(one, LOCK.format(10))
    assert value(one, CHECK) == token
    with pytest.raises(adbc.OperationalError, match="others held it"):
        value(two, LOCK.format(0.5))
    cluster.kill("n1")
    began_s = time.monotonic()
    assert value(two, LOCK.format(30)) > token
    took_s = time.monotonic() - began_s
    _measured.info("%s: the lock of a killed node was taken after %.1f s", kind, took_s)
    assert took_s < SESSION_S + 5
    assert value(two, "SELECT flightkeeper_unlock('etl')") is True


@pytest.mark.zookeeper
def test_a_session_of_a_frozen_node_hears_that_its_lock_was_lost(
    zookeeper: ZooKeeperServer, stack: ExitStack, database: Path
) -> None:
    cluster, one, two = started(stack, f"{zookeeper.url}/test-{uuid4().hex}", database)
    token = value(one, LOCK.format(10))
    cluster.freeze("n1")
    began_s = time.monotonic()
    taken = value(two, LOCK.format(30))
    time.sleep(max(0.0, 2 * SESSION_S - (time.monotonic() - began_s)))
    cluster.thaw("n1")
    assert taken > token
    with pytest.raises(adbc.Error, match="the lock etl was lost"):
        value(one, CHECK)
    with pytest.raises(adbc.OperationalError, match="not to be had"):
        value(one, LOCK.format(0.5))
    assert value(two, CHECK) == taken
