"""Keys that are rotated under running clients, and logins that are revoked, on three nodes."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pyarrow import flight

from flightkeeper.discovery.errors import RegistryDenied
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.flight_server.auth import key_changes, key_ring
from flightkeeper.flight_server.auth.key_following import REVOKED, RING
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flight_server.node import Node
from tests.discovery.recorder import Recorder
from tests.flight_server.wire_client import Served, WireClient, basic, eventually, serving
from tests.support.cluster import SERVICE, Cluster, make_database
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.cluster]

_SERVICE = "flightsql"
_REVOKED_WITHIN_S = 2.0
_CREDENTIALS: Mapping[str, Any] = {"registry_username": "node", "registry_password": "canary"}
_ROWS = "SELECT range AS i FROM range(300000)"

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
            stack.enter_context(serving(registry=url, node_id=f"n{number}", threads=1))
            for number in range(3)
        ]


def rotate(registry: Registry, service: str = _SERVICE) -> key_ring.Ring:
    """Rotate as the command does."""
    published = key_changes.publish(registry, time.time())
    assert published.next is not None
    key_changes.wait_seen(registry, [service], published.revision, 30.0)
    return key_changes.promote(registry, published.next.keys.kid, time.time(), 1000.0)


def seen(registry: Registry, revision: int) -> None:
    """Wait until all nodes have seen a revision."""
    key_changes.wait_seen(registry, [_SERVICE], revision, 20.0)


def everywhere(nodes: list[Served], authorization: str) -> list[WireClient]:
    """Clients of every node with the same token."""
    return [node.stranger(authorization) for node in nodes]


def work(nodes: list[Served], stop: threading.Event, told: Callable[[int], None]) -> None:
    """Mint on one node and redeem on the others, again and again; tells how often."""
    done = 0
    with nodes[0].client(user="busy") as first:
        assert first.value("SELECT 1") == 1
        prepared = first.prepare(_ROWS).prepared_statement_handle
        while not stop.is_set():
            here, there = nodes[done % 3], nodes[(done + 1) % 3]
            with here.stranger(first.authorization) as one:
                half = one.get(one.plan(_ROWS).endpoints[0].ticket)
                next(half)
                planned = one.plan("SELECT 42 AS i").endpoints[0].ticket
                again = one.prepare("SELECT 43 AS i").prepared_statement_handle
                with there.stranger(one.authorization) as other:
                    assert other.get(planned).read_all().to_pylist() == [{"i": 42}]
                    assert other.execute(again).to_pylist() == [{"i": 43}]
                    assert other.execute(prepared).num_rows == 300000
                    assert other.value("SELECT 44") == 44
                rest = sum(chunk.data.num_rows for chunk in half)
                assert 0 < rest < 300000
            done += 1
            told(done)


def rotated_under_half_read_tickets(registry: Registry, nodes: list[Served]) -> key_ring.Ring:
    """Rotate between the halves of an answer, and between a plan and its answer elsewhere."""
    with ExitStack() as stack:
        clients = [stack.enter_context(node.client()) for node in nodes]
        streams = [client.get(client.plan(_ROWS).endpoints[0].ticket) for client in clients]
        halves = [next(stream).data.num_rows for stream in streams]
        planned = clients[0].plan("SELECT 45").endpoints[0].ticket
        ring = rotate(registry)
        seen(registry, ring.revision)
        for half, stream in zip(halves, streams, strict=True):
            assert half + sum(chunk.data.num_rows for chunk in stream) == 300000
        for client in everywhere(nodes, str(clients[0].authorization)):
            with client:
                assert client.get(planned).read_all().num_rows == 1
    return ring


def test_no_client_notices_two_rotations(registry: Registry, nodes: list[Served]) -> None:
    stop, done, failures = threading.Event(), [0, 0], []

    def run(place: int) -> None:
        try:
            work(nodes, stop, partial(done.__setitem__, place))
        except BaseException as exc:
            failures.append(exc)
            raise

    def goes_on(before: list[int]) -> None:
        pairs = partial(zip, before, done, strict=True)
        eventually(lambda: bool(failures) or all(old < new for old, new in pairs()), 60)

    workers = [threading.Thread(target=run, args=(place,)) for place in range(2)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(2):
            goes_on(list(done))
            ring = rotated_under_half_read_tickets(registry, nodes)
        goes_on(list(done))
    finally:
        stop.set()
        for worker in workers:
            worker.join(60)
    assert not failures
    assert min(done) > 0
    assert len(ring.generations) == 3
    _measured.info("2 rotations under %s rounds of clients on 3 nodes, 0 failures", sum(done))


def test_what_a_dropped_key_signed_is_refused(registry: Registry, nodes: list[Served]) -> None:
    with nodes[0].client() as client:
        client.value("SELECT 1")
        old, ticket = client.authorization, client.plan("SELECT 1").endpoints[0].ticket
    first = key_changes.read_ring(registry).current.keys.kid
    rotate(registry)
    dropped = key_changes.change_ring(registry, lambda r: key_ring.prune(r, time.time(), first))
    seen(registry, dropped.revision)
    assert old is not None
    for client in everywhere(nodes, old):
        with client, pytest.raises(flight.FlightUnauthenticatedError, match="no longer in use"):
            client.value("SELECT 1")
    with nodes[1].client() as client:
        assert client.value("SELECT 1") == 1
        with pytest.raises(Exception, match="its key is no longer in use"):
            client.get(ticket).read_all()


def test_a_node_that_starts_later_begins_with_the_current_keys(
    url: str, registry: Registry, nodes: list[Served]
) -> None:
    ring = rotate(registry)
    with nodes[0].client() as client, serving(registry=url, node_id="late") as late:
        client.value("SELECT 1")
        assert client.authorization is not None
        with late.stranger(client.authorization) as other:
            assert other.value("SELECT 2") == 2
        seen(registry, ring.revision)


def test_documents_damaged_by_hand_leave_the_last_keys_and_are_pointed_out(
    registry: Registry, nodes: list[Served]
) -> None:
    ring = rotate(registry)
    seen(registry, ring.revision)
    heard = Recorder()
    registry.watch(_SERVICE, heard)
    found = registry.read_document(RING)
    assert found is not None
    broken = registry.write_document(RING, b"nonsense", found.version)
    heard.wait(
        lambda me: ["key ring" in i.problem and i.keys == 2 for i in me.listed or ()] == [True] * 3
    )
    with nodes[0].client() as client:
        client.value("SELECT 1")
        assert client.authorization is not None
        for other in everywhere(nodes, client.authorization):
            with other:
                assert other.value("SELECT 2") == 2
    registry.write_document(RING, key_ring.encode(ring), broken.version)
    heard.wait(lambda me: [i.problem for i in me.listed or ()] == [""] * 3)


def test_a_revoked_user_is_out_everywhere(registry: Registry, nodes: list[Served]) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(node.client(user="eve")) for node in nodes]
        bystander = stack.enter_context(nodes[0].client(user="ada"))
        handles = []
        for client in opened:
            client.update("CREATE TEMP TABLE mine AS SELECT 1")
            handles.append(client.prepare("SELECT 1").prepared_statement_handle)
            assert client.execute(handles[-1]).num_rows == 1
        assert bystander.value("SELECT 1") == 1

        began_s = time.monotonic()
        key_changes.revoke_user(registry, "eve", time.time(), time.time())
        for client in opened:
            eventually(partial(refused, partial(client.value, "SELECT 1")))
        took_s = time.monotonic() - began_s
        _measured.info("a revoked user was out of 3 nodes after %.2f s", took_s)
        assert took_s < _REVOKED_WITHIN_S
        for client, handle in zip(opened, handles, strict=True):
            assert refused(partial(client.execute, handle))
        assert bystander.value("SELECT 1") == 1
        again = stack.enter_context(nodes[0].client(user="eve"))
        assert again.value("SELECT 1") == 1


def test_a_node_that_starts_later_lets_no_revoked_login_in(
    url: str, registry: Registry, nodes: list[Served]
) -> None:
    with nodes[0].client(user="eve") as client:
        assert client.value("SELECT 1") == 1
        token = client.authorization
    key_changes.revoke_user(registry, "eve", time.time(), time.time())
    with serving(registry=url, node_id="late") as late, late.stranger(token) as other:
        assert refused(partial(other.value, "SELECT 2"))
    found = registry.read_document(REVOKED)
    assert found is not None
    registry.write_document(REVOKED, b"nonsense", found.version)
    with pytest.raises(StartFailed, match="list of revoked logins is damaged"):
        Node(NodeSettings(registry=url, node_id="later", insecure=True)).start()


@pytest.mark.zookeeper
def test_a_node_that_was_frozen_meanwhile_catches_up(
    zookeeper: ZooKeeperServer, tmp_path: Path
) -> None:
    make_database(tmp_path / "shared.duckdb")
    where = f"{zookeeper.url}/test-{uuid4().hex}"
    with (
        Cluster(where, tmp_path / "shared.duckdb") as cluster,
        closing(open_registry(where)) as registry,
    ):
        first, frozen = (cluster.start(name)["location"] for name in ("n1", "n2"))
        cluster.freeze("n2")
        # Until its session is over it is waited for as a living one.
        for _ in range(2):
            ring = rotate(registry, SERVICE)
        key_changes.change_ring(registry, lambda r: key_ring.prune(r, time.time(), oldest(ring)))
        with WireClient(first, basic("ada")) as client:
            assert client.value("SELECT 1") == 1
            token = client.authorization
        began_s = time.monotonic()
        cluster.thaw("n2")
        with WireClient(frozen, token) as client:
            eventually(lambda: succeeds(lambda: client.value("SELECT 2")))
        _measured.info("a thawed node had two new keys after %.2f s", time.monotonic() - began_s)
        key_changes.wait_seen(registry, [SERVICE], ring.revision + 1, 20.0)


@pytest.mark.zookeeper
def test_only_nodes_read_the_keys(zookeeper: ZooKeeperServer) -> None:
    where = f"{zookeeper.url}/test-{uuid4().hex}"
    with (
        serving(registry=where, node_id="n1", **_CREDENTIALS) as node,
        closing(open_registry(where, credentials=("node", "canary"))) as admin,
        closing(open_registry(where)) as stranger,
    ):
        rotate(admin)
        key_changes.revoke_user(admin, "eve", time.time(), time.time())
        for name in (RING, REVOKED):
            with pytest.raises(RegistryDenied):
                stranger.read_document(name)
        with pytest.raises(RegistryDenied):
            key_changes.publish(stranger, time.time())
        with node.client() as client:
            assert client.value("SELECT 1") == 1


def oldest(ring: key_ring.Ring) -> str:
    """The first key of a ring's life."""
    return ring.generations[-1].keys.kid


def succeeds(call: Callable[[], object]) -> bool:
    """Whether a call is let in."""
    try:
        call()
    except flight.FlightUnauthenticatedError:
        return False
    return True


def refused(call: Callable[[], object]) -> bool:
    """Whether a call is UNAUTHENTICATED as revoked."""
    try:
        call()
    except flight.FlightUnauthenticatedError as exc:
        return "revoked; log in again" in str(exc)
    return False
