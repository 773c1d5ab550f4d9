"""Tables that are defined once are there on every node, as they change."""

import logging
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import flight

from flightkeeper.discovery.registry import Registry, open_registry
from tests.discovery.recorder import Recorder
from tests.flight_server.wire_client import WireClient, basic, eventually, serving
from tests.support.processes import running
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.cluster]

_measured = logging.getLogger("measured")
_DAYS = "SELECT list(DISTINCT day ORDER BY day) FROM s.t"


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
def clients(url: str) -> Iterator[list[WireClient]]:
    """A client of each of three nodes."""
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(serving(registry=url, node_id=f"n{number}", threads=1))
            for number in range(3)
        ]
        yield [stack.enter_context(node.client()) for node in nodes]


def write_day(root: Path, day: int, rows: int = 1) -> None:
    folder = root / f"day={day}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": list(range(rows))}), folder / "a.parquet")


def create(root: Path, name: str = "s.t") -> str:
    return (
        f"CREATE EXTERNAL TABLE {name} (id BIGINT NOT NULL COMMENT 'which', PRIMARY KEY (id)) "
        f"COMMENT 'measured' PARTITIONED BY (day INT) STORED AS PARQUET LOCATION '{root}'"
    )


def test_what_one_node_is_told_all_have(clients: list[WireClient], tmp_path: Path) -> None:
    root = tmp_path / "data"
    for day in (1, 2, 3):
        write_day(root, day, rows=day)
    first, second, third = clients
    first.update(create(root))
    # It returns when every node has it: nobody waits.
    assert [client.value("SELECT count(*) FROM s.t") for client in clients] == [0, 0, 0]
    began_s = time.monotonic()
    second.update("MSCK REPAIR TABLE s.t")
    _measured.info("partitions were known to 3 nodes after %.2f s", time.monotonic() - began_s)
    assert [client.value("SELECT sum(day) FROM s.t") for client in clients] == [14, 14, 14]
    shown = third.query("SHOW PARTITIONS s.t").to_pylist()
    assert [(row["partition"], row["rows"]) for row in shown] == [
        ("day=1", 1),
        ("day=2", 2),
        ("day=3", 3),
    ]
    third.update("ALTER TABLE s.t DROP PARTITION (day = 2)")
    assert [client.value(_DAYS) for client in clients] == [[1, 3]] * 3
    first.update("CREATE CLUSTER VIEW s.v AS SELECT max(day) AS last FROM s.t")
    second.update("CREATE CLUSTER MACRO s.twice(a) AS 2 * a")
    assert [c.value("SELECT s.twice(last) FROM s.v") for c in clients] == [6, 6, 6]
    second.update("DROP CLUSTER VIEW s.v; DROP CLUSTER MACRO s.twice; DROP EXTERNAL TABLE s.t")
    for client in clients:
        with pytest.raises(pa.ArrowInvalid, match="does not exist"):
            client.query("FROM s.t")


def test_a_node_that_joins_later_has_it_before_it_is_found(
    url: str, registry: Registry, clients: list[WireClient], tmp_path: Path
) -> None:
    write_day(tmp_path / "data", 1)
    clients[0].update(create(tmp_path / "data"))
    clients[0].update("MSCK REPAIR TABLE s.t")
    heard = Recorder()
    registry.watch("flightsql", heard)
    with serving(registry=url, node_id="late") as late, late.client() as client:
        heard.wait(lambda me: len(me.listed or ()) == 4)
        lists = [event.instances for _, event in heard.heard if hasattr(event, "instances")]
        # Whenever it was there, it had all.
        assert {i.catalog for found in lists for i in found if i.node_id == "late"} == {2}
        assert client.value(_DAYS) == [1]


def test_concurrent_changes_from_two_nodes_lose_nothing(
    clients: list[WireClient], tmp_path: Path
) -> None:
    root = tmp_path / "data"
    for day in range(12):
        write_day(root, day)
    clients[0].update(create(root))
    failures: list[BaseException] = []

    def add(client: WireClient, days: range) -> None:
        try:
            for day in days:
                client.update(f"ALTER TABLE s.t ADD PARTITION (day = {day})")
        except BaseException as exc:  # noqa: BLE001  reported below
            failures.append(exc)

    workers = [
        threading.Thread(target=add, args=(clients[n], range(n * 6, n * 6 + 6))) for n in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not failures
    assert [client.value(_DAYS) for client in clients] == [list(range(12))] * 3


def test_what_one_node_cannot_make_is_told(
    registry: Registry, clients: list[WireClient], tmp_path: Path
) -> None:
    # A table of its own is in the way on one node.
    clients[1].update("CREATE SCHEMA s; CREATE TABLE s.t (a INT); CREATE TABLE s.mine (a INT)")
    write_day(tmp_path / "data", 1)
    with pytest.raises(pa.ArrowException, match=r"nodes that cannot make it: n1: .*type Table"):
        clients[0].update(create(tmp_path / "data"))
    heard = Recorder()
    registry.watch("flightsql", heard)
    heard.wait(lambda me: ["s.t: " in i.problem for i in me.listed or ()] == [False, True, False])
    # All else goes on; and it is made once nothing is in the way.
    clients[0].update("CREATE CLUSTER VIEW s.v AS SELECT 7 AS x")
    assert [client.value("FROM s.v") for client in clients] == [7, 7, 7]
    clients[1].update("DROP TABLE s.t; DROP TABLE s.mine")
    heard.wait(lambda me: [i.problem for i in me.listed or ()] == [""] * 3)
    clients[2].update("MSCK REPAIR TABLE s.t")
    assert [client.value(_DAYS) for client in clients] == [[1]] * 3


def test_a_node_that_is_frozen_is_named(url: str, clients: list[WireClient]) -> None:
    flags = ("--insecure", "--listen", "grpc://127.0.0.1:0", "--node-id", "frozen")
    with running("serve", *flags, "--registry", url) as frozen:
        location = frozen.line()["location"]
        clients[0].update("CREATE CLUSTER VIEW s.v AS SELECT 1 AS x")
        os.kill(frozen.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(
                flight.FlightTimedOutError, match=r"s\.w was changed .* within 5 s: frozen"
            ):
                clients[0].update("CREATE CLUSTER VIEW s.w AS SELECT 2 AS x")
            assert [client.value("FROM s.w") for client in clients] == [2, 2, 2]
        finally:
            os.kill(frozen.process.pid, signal.SIGCONT)
        with WireClient(location, basic("ada")) as client:
            eventually(lambda: _works(client, "FROM s.w"))


def _works(client: WireClient, text: str) -> bool:
    try:
        client.query(text)
    except pa.ArrowException:
        return False
    return True


def test_a_table_of_thousands_of_partitions(clients: list[WireClient], tmp_path: Path) -> None:
    root, days = tmp_path / "data", 5000
    write_day(root, 0)
    one = (root / "day=0" / "a.parquet").read_bytes()
    for day in range(1, days):
        (root / f"day={day}").mkdir()
        (root / f"day={day}" / "a.parquet").write_bytes(one)
    clients[0].update(create(root))
    took_s: dict[str, float] = {}
    for text in ("MSCK REPAIR TABLE s.t", "ALTER TABLE s.t DROP PARTITION (day = 17)"):
        began_s = time.monotonic()
        clients[0].update(text)
        took_s[text] = round(time.monotonic() - began_s, 2)
    plan = str(clients[1].query(_THREE).column("explain_value")[0])
    assert re.search(r"Total Files Read: 3\b", plan)
    began_s = time.monotonic()
    assert clients[2].value("SELECT count(*) FROM s.t WHERE day BETWEEN 15 AND 18") == 3
    took_s["a query of 3 of them"] = round(time.monotonic() - began_s, 3)
    assert clients[2].query("SHOW PARTITIONS s.t").num_rows == days - 1
    _measured.info("with %d partitions: %s", days, took_s)


_THREE = "EXPLAIN ANALYZE SELECT id FROM s.t WHERE day IN (15, 16, 18)"
