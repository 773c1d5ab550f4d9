"""The examples do what they say, on both registries."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.zookeeper_server import ZooKeeperServer

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.cluster]


@pytest.fixture(params=["dir", pytest.param("zk", marks=pytest.mark.zookeeper)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "dir":
        return f"dir://{tmp_path}/registry"
    server: ZooKeeperServer = request.getfixturevalue("zookeeper")
    return f"{server.url}/test-{uuid4().hex}"


def started(name: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", f"examples.{name}", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def told(process: "subprocess.Popen[str]") -> str:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output


def test_a_lock_around_a_critical_section(url: str, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    processes = [started("distributed_lock", url, str(counter)) for _ in range(3)]
    tokens = [int(told(process).split()[-1]) for process in processes]
    number, token = counter.read_text().split()
    assert (number, int(token)) == ("60", max(tokens))


def test_configuration_changed_under_running_queries(url: str) -> None:
    lines = told(started("live_configuration", url)).splitlines()
    assert [line.partition(" after")[0] for line in lines[:3]] == [
        "threads = 2",
        "threads = 3",
        "threads = 4",
    ]
    assert [line.partition(" by the example")[0] for line in lines[3:]] == [
        "revision 1: {'threads': 2}",
        "revision 2: {'threads': 3}",
        "revision 3: {'threads': 4}",
    ]


def test_a_record_batch_changed_and_watched_from_several_programs(url: str) -> None:
    watching = started("reference_table", "watch", url, "30")
    counting = [started("reference_table", "count", url) for _ in range(3)]
    assert [told(process) for process in counting] == [""] * 3
    assert told(watching).splitlines()[-1] == "version 30: [30, 30]"


def test_the_dialect_of_hive_and_spark(url: str) -> None:
    assert told(started("engine_dialect", url)) == "[{'name': 'Bob', 'age': 31}]\n"


def test_tables_and_partitions_managed_in_one_place(url: str, tmp_path: Path) -> None:
    lines = told(started("cluster_catalog", url, str(tmp_path / "sales"))).splitlines()
    assert lines == ["2026-11-01: 12", "2026-11-02: 9", "revision 3: 3 days", "left: 0"]


def test_members_come_and_go_and_share_the_work(url: str) -> None:
    lines = told(started("membership", url)).splitlines()
    members = [line for line in lines if line.startswith("members: ")]
    assert members[-3:] == ["members: a, b", "members: a, b, c", "members: b, c"]
    answered = {line.split()[0]: int(line.split()[-1]) for line in lines if " answered " in line}
    assert sum(answered.values()) >= 60
    assert len(answered) >= 2, "the router shares statements among nodes"
    assert lines[-1] == "without a, answers go on"


def test_what_is_granted_is_read_and_what_is_revoked_is_not(url: str) -> None:
    lines = told(started("accounts", url)).splitlines()
    assert lines == ["amy reads [{'id': 1, 'region': 'north'}]", "amy is refused: True"]
