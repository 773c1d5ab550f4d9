"""`flightkeeper up` as a process: ready lines, the cluster's URL, and nothing left behind."""

import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import psutil
import pytest

from flightkeeper import client
from flightkeeper.cli.up import client_url
from tests.support.processes import END_TIMEOUT_S, Running, running

pytestmark = pytest.mark.cluster


def nodes_of(up: Running) -> list[psutil.Process]:
    children: list[psutil.Process] = psutil.Process(up.process.pid).children(recursive=True)
    return children


def ready(up: Running, count: int) -> str:
    return ready_at(up, count)[0]


def ready_at(up: Running, count: int) -> tuple[str, list[str]]:
    """The URL of the cluster, and the places of its nodes."""
    lines = [up.line() for _ in range(count)]
    assert {line["event"] for line in lines} == {"ready"}
    assert {line["node"] for line in lines} == {f"node-{n}" for n in range(1, count + 1)}
    cluster = up.line()
    assert cluster["event"] == "cluster-ready"
    return cluster["url"], [urlsplit(line["location"]).netloc for line in lines]


@pytest.mark.lake
def test_three_nodes_and_an_end_that_leaves_nothing() -> None:
    with running("up") as up:
        url, places = ready_at(up, 3)
        assert url.startswith("flightsql+dir:///")
        assert url.endswith("?service=flightsql")
        nodes = nodes_of(up)
        assert len(nodes) == 3
        given = nodes[0].cmdline()
        lake = Path(given[given.index("--lake") + 1].removeprefix("ducklake:sqlite:"))
        assert lake.exists()
        writer, *readers = (f"flightsql://{place}?transport=tcp" for place in places)
        with client.connect(writer) as connection:
            connection.execute("CREATE TABLE t AS SELECT 42 AS answer")
        for reader in readers:
            with client.connect(reader) as connection:
                assert connection.query("SELECT answer FROM t").fetchall() == [(42,)]
        up.process.terminate()
        assert up.ended() == 0
        assert up.rest() == []
    assert not psutil.wait_procs(nodes, END_TIMEOUT_S)[1]
    assert not Path(urlsplit(url).path).exists()
    assert not lake.parent.exists()


def test_nodes_end_when_up_is_killed(tmp_path: Path) -> None:
    with running("up", "--nodes", "2", "--registry", f"dir://{tmp_path}/r") as up:
        ready(up, 2)
        nodes = nodes_of(up)
        up.process.kill()
        assert not psutil.wait_procs(nodes, END_TIMEOUT_S)[1]


def test_a_node_that_dies_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    registry = f"dir://{tmp_path}/r"
    flags = ("--registry", registry, "--service", "s", "--lake", "none")
    with running("up", "--nodes", "2", *flags) as up:
        assert ready(up, 2) == client_url(registry, "s")
        first, second = nodes_of(up)
        os.kill(first.pid, signal.SIGKILL)
        first.wait(END_TIMEOUT_S)
        os.kill(second.pid, signal.SIGKILL)
        assert up.ended() == 1
        assert "killed by SIGKILL; 1 nodes are left" in up.stderr
        assert "no node is left" in up.stderr


def test_a_shared_file_is_read_only(tmp_path: Path) -> None:
    database = tmp_path / "x.duckdb"
    duckdb.connect(str(database)).close()
    with running("up", "--nodes", "2", "--database", str(database)) as up:
        ready(up, 2)
        for node in nodes_of(up):
            assert "--read-only" in node.cmdline()
        up.process.send_signal(signal.SIGINT)
        assert up.ended() == 0


def test_a_shared_file_must_exist(tmp_path: Path) -> None:
    with running("up", "--database", str(tmp_path / "none.duckdb")) as up:
        assert up.ended() == 2
        assert "create it first, or use --nodes 1" in up.stderr


def test_a_node_that_does_not_start_ends_it(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("weight = 'heavy'")
    with running("up", "--nodes", "2", "--config", str(config)) as up:
        assert up.ended() == 1
        assert "did not start: exit code 2" in up.stderr
        assert "weight, from file" in up.stderr
        assert up.rest() == []


@pytest.mark.parametrize(
    ("registry", "url"),
    [
        ("dir:///r", "flightsql+dir:///r?service=s"),
        ("zk://h1:1,h2:2/c", "flightsql+zk://h1:1,h2:2/c?service=s"),
    ],
)
def test_the_url_of_clients(registry: str, url: str) -> None:
    assert client_url(registry, "s") == url
