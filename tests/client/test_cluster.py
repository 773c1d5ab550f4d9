"""The cluster for Python programs, on the registry of one machine and in memory."""

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from flightkeeper.client import Cluster, LockLost, LockTimeout, open_cluster
from flightkeeper.discovery.errors import InvalidRegistryUrl, RegistryUnavailable
from flightkeeper.discovery.locks import Hold
from flightkeeper.discovery.reference_table import Content
from flightkeeper.discovery.reference_tables import Author
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.discovery.testing_store import MemoryStore
from tests.discovery.recorder import eventually


def test_a_lock_excludes_others_and_ends_with_its_block(tmp_path: Path) -> None:
    url = f"dir://{tmp_path}/registry"
    with open_cluster(url) as one, open_cluster(url) as two:
        with one.lock("etl", timeout_s=5) as hold:
            hold.check()
            with pytest.raises(LockTimeout):
                two.lock("etl", timeout_s=0.1)
            document = one.registry.write_document("app/state", b"1", None, guard=hold)
        assert hold.lost
        with pytest.raises(LockLost):
            one.registry.write_document("app/state", b"2", document.version, guard=hold)
        assert two.lock("etl").token > hold.token


def test_readers_share_and_writers_do_not() -> None:
    with Cluster(MemoryRegistry()) as cluster:
        readers = [cluster.lock("t", shared=True), cluster.lock("t", shared=True)]
        with pytest.raises(LockTimeout):
            cluster.lock("t", 0.05)
        for reader in readers:
            reader.release()
        assert cluster.lock("t").token > readers[1].token


def test_a_semaphore_has_permits() -> None:
    with Cluster(MemoryRegistry()) as cluster:
        holds = [cluster.semaphore("t", 2) for _ in range(2)]
        assert [hold.permit for hold in holds] == [0, 1]
        with pytest.raises(LockTimeout):
            cluster.semaphore("t", 2, timeout_s=0.05)
        with pytest.raises(ValueError, match="1 to 256"):
            cluster.semaphore("t", 0)


def test_one_of_two_leads_until_it_is_closed() -> None:
    store, leaders = MemoryStore(), list[int]()

    def work(hold: Hold) -> None:
        leaders.append(hold.token)
        hold.wait_lost(60)

    with Cluster(MemoryRegistry(store)) as one, Cluster(MemoryRegistry(store)) as two:
        first = one.lead("repair", work)
        eventually(lambda: first.token is not None, 10)
        second = two.lead("repair", work)
        assert second.token is None
        one.close()
        eventually(lambda: second.token is not None, 10)
        with pytest.raises(RegistryUnavailable, match="closed"):
            one.lead("repair", work)
    assert leaders == sorted(set(leaders))
    assert not [thread for thread in threading.enumerate() if thread.name == "lead-repair"]


def test_all_is_let_go_when_it_is_closed(tmp_path: Path) -> None:
    url = f"dir://{tmp_path}/registry"
    cluster = open_cluster(url)
    hold = cluster.lock("etl")
    cluster.close()
    cluster.close()
    assert hold.lost
    with open_cluster(url) as other:
        assert other.lock("etl").token > hold.token


def test_a_wrong_url_is_told() -> None:
    with pytest.raises(InvalidRegistryUrl):
        open_cluster("flightsql://localhost")


def test_its_reference_tables_are_those_of_its_registry(tmp_path: Path) -> None:
    with open_cluster(f"dir://{tmp_path}") as one, open_cluster(f"dir://{tmp_path}") as two:
        one.reference_tables.create("main.t", Content(pa.table({"a": [1]})), Author("ada", 0))
        found = two.reference_tables.get("main.t")
        assert found is not None
        assert found.rows.to_pydict() == {"a": [1]}
