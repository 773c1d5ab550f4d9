"""A setting that is changed once holds on every node, under running queries."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest

from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.flight_server.live import changing
from flightkeeper.flight_server.live.changing import CLUSTER, node_document
from tests.discovery.recorder import Recorder
from tests.flight_server.wire_client import Served, serving
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.cluster]

_THREADS = "SELECT current_setting('threads')"
_WITHIN_S = 5.0
"""One second is promised, and measured; the rest is for a busy machine."""

_measured = logging.getLogger("measured")


@pytest.fixture(params=["dir", pytest.param("zk", marks=pytest.mark.zookeeper)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "dir":
        return f"dir://{tmp_path}/registry"
    server: ZooKeeperServer = request.getfixturevalue("zookeeper")
    return f"{server.url}/test-{uuid4().hex}"


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    with closing(open_registry(url)) as opened:
        yield opened


@pytest.fixture
def nodes(url: str) -> Iterator[list[Served]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(serving(registry=url, node_id=f"n{number}", threads=2))
            for number in range(3)
        ]


def put(registry: Registry, name: str = CLUSTER, **after: object) -> float:
    """Change settings; when that was asked for, in seconds of the monotonic clock."""
    began_s = time.monotonic()
    changing.change(registry, name, after, by="ada", at_ms=0)
    return began_s


def held_s(nodes: list[Served], expected: list[int], began_s: float) -> float:
    """How long it took until each node has so many threads, as its clients see it."""
    with ExitStack() as stack:
        clients = [stack.enter_context(node.client()) for node in nodes]
        while [client.value(_THREADS) for client in clients] != expected:
            assert time.monotonic() - began_s < _WITHIN_S
    return time.monotonic() - began_s


def test_every_node_follows_while_it_works(registry: Registry, nodes: list[Served]) -> None:
    failures: list[BaseException] = []
    answers: list[object] = []
    stop = threading.Event()

    def work(node: Served) -> None:
        try:
            with node.client(user="busy") as client:
                while not stop.is_set():
                    answers.append(client.value("SELECT sum(range) FROM range(100000)"))
        except BaseException as exc:  # noqa: BLE001  reported below
            failures.append(exc)

    workers = [threading.Thread(target=work, args=(node,)) for node in nodes]
    for worker in workers:
        worker.start()
    try:
        took_s = [
            held_s(nodes, [threads] * 3, put(registry, threads=threads)) for threads in (1, 3, 2, 4)
        ]
        _measured.info("a setting held on 3 busy nodes after %s s", [round(s, 2) for s in took_s])
        held_s(nodes, [4, 1, 4], put(registry, node_document("n1"), threads=1))
        held_s(nodes, [4, 4, 4], put(registry, node_document("n1"), threads=None))
    finally:
        stop.set()
        for worker in workers:
            worker.join(30)
    assert not failures
    assert set(answers) == {4999950000}


def test_a_node_that_joins_later_has_it_from_the_start(
    url: str, registry: Registry, nodes: list[Served]
) -> None:
    held_s(nodes, [3] * 3, put(registry, threads=3, weight=50))
    with serving(registry=url, node_id="late") as late, late.client() as client:
        assert client.value(_THREADS) == 3
        heard = Recorder()
        registry.watch("flightsql", heard)
        heard.wait(lambda me: len(me.listed or ()) == 4)
        heard.wait(lambda me: {(i.settings, i.weight) for i in me.listed or ()} == {((1, 0), 50)})


def test_what_got_there_anyway_is_refused_by_every_node(
    registry: Registry, nodes: list[Served]
) -> None:
    held_s(nodes, [3] * 3, put(registry, threads=3))
    heard = Recorder()
    registry.watch("flightsql", heard)
    registry.write_document(CLUSTER, b"nonsense", 0)
    told = "no document of settings"
    heard.wait(lambda me: [told in i.problem for i in me.listed or ()] == [True] * 3)
    held_s(nodes, [3] * 3, time.monotonic())
