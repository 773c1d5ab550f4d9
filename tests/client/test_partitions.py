"""Parts of a result: pickled, read anywhere, of one version."""

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flightkeeper.client import Connection, StatementFailed, connect
from flightkeeper.client.partitions import owner
from tests.support.cluster import Cluster
from tests.support.stub_process import StubProcess, eventually, url_of

ROWS = 1_000_000


def test_parts_are_values_that_anybody_reads(real: Connection, service: str) -> None:
    real.execute(f"CREATE TABLE work.t AS SELECT range AS i FROM range({ROWS})")
    found = real.partitions("SELECT i FROM work.t WHERE i >= ?", [0], parts=4)
    assert len(found.parts) == 1
    found = real.partitions("SELECT i FROM work.t", parts=4)
    assert (len(found.parts), found.ordered, found.schema.names) == (4, False, ["i"])
    assert repr(found.parts[1]).startswith("<Partition 1 on 127.0.0.1:")
    assert owner(found.parts[0]).node_id == found.parts[0].node
    parts = pickle.loads(pickle.dumps(found.parts))
    assert parts == found.parts
    with connect(service) as other, ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda part: other.read_partition(part).read_all(), parts))
    rows: list[Any] = [value for table in tables for value in table["i"].to_pylist()]
    assert sorted(rows) == list(range(ROWS))


def test_an_ordered_result_says_so(real: Connection) -> None:
    found = real.partitions("SELECT range FROM range(10) ORDER BY 1 DESC")
    assert (len(found.parts), found.ordered) == (1, True)
    rows = real.read_partition(found.parts[0]).fetchall()
    assert rows == [(n,) for n in range(9, -1, -1)]


def test_only_reads_are_divided(real: Connection) -> None:
    with pytest.raises(StatementFailed, match="only reads"):
        real.partitions("CREATE TABLE work.t (n INT)")


def test_rows_of_two_states_are_never_mixed(real: Connection) -> None:
    real.execute(f"CREATE TABLE work.t AS SELECT range AS i FROM range({ROWS})")
    found = real.partitions("SELECT i FROM work.t", parts=2)
    assert real.read_partition(found.parts[0]).read_all().num_rows > 0
    real.execute("DELETE FROM work.t")
    # Kept since it was planned, it is of the old state; fetched again, it is refused.
    assert real.read_partition(found.parts[1]).read_all().num_rows > 0
    with pytest.raises(StatementFailed, match="run the statement again"):
        real.read_partition(found.parts[0])


def test_another_node_reads_the_parts_of_one_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "shared.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute(f"CREATE TABLE t AS SELECT range AS i FROM range({ROWS})")
    (tmp_path / "registry").mkdir()
    with Cluster(f"dir://{tmp_path}/registry", path) as cluster:
        cluster.start("n1")
        cluster.start("n2")
        with connect(cluster.url, cache_dir=tmp_path) as connection:
            eventually(lambda: len(connection.nodes()) == 2)
            found = connection.partitions("SELECT i FROM t", parts=4)
            assert connection.read_partition(found.parts[0]).node == found.parts[0].node
            cluster.kill(found.parts[0].node)
            results = [connection.read_partition(part) for part in found.parts]
            assert {result.node for result in results} == {"n1", "n2"} - {found.parts[0].node}
            tables = [result.read_all() for result in results]
            rows: list[Any] = [value for table in tables for value in table["i"].to_pylist()]
    assert sorted(rows) == list(range(ROWS))


def test_endpoints_of_another_server_are_parts_too(
    start_node: Callable[..., StubProcess],
) -> None:
    with connect(url_of(start_node())) as connection:
        found = connection.partitions("rows 10 3 + rows 5 2 + rows 0 0")
        counts = [connection.read_partition(part).read_all().num_rows for part in found.parts]
    assert counts == [30, 10, 0]
