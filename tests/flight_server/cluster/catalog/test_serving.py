"""Statements about the catalog: what clients are told, by two nodes on one registry."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.flight_server.wire_client import WireClient, serving


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[list[WireClient]]:
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(serving(registry=f"dir://{tmp_path}/registry", node_id=f"n{n}"))
            for n in range(2)
        ]
        yield [stack.enter_context(node.client()) for node in nodes]


def test_partitions_are_added_and_dropped_whole(clients: list[WireClient], tmp_path: Path) -> None:
    first, second = clients
    for day in (1, 2, 3):
        folder = tmp_path / "data" / f"day={day}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"id": [day]}), folder / "a.parquet")
    first.update(
        "CREATE EXTERNAL TABLE t PARTITIONED BY (day INT) STORED AS PARQUET "
        f"LOCATION '{tmp_path}/data'"
    )
    first.update(
        "ALTER TABLE t ADD PARTITION (day = 1) PARTITION (day = '02') "
        f"PARTITION (day = 30) LOCATION '{tmp_path}/data/day=3'"
    )
    assert second.query("SELECT id, day FROM t ORDER BY ALL").to_pylist() == [
        {"id": 1, "day": 1},
        {"id": 2, "day": 2},
        {"id": 3, "day": 30},
    ]
    for text, reason in {
        "ALTER TABLE t ADD PARTITION (day = 4) PARTITION (day = 1)": "partition day=1 already",
        "ALTER TABLE t DROP PARTITION (day = 1), PARTITION (day = 7)": "no partition day=7",
        "ALTER TABLE t ADD PARTITION (hour = 1)": "a value for each of day",
        "ALTER TABLE t ADD PARTITION (day = 5) LOCATION 'x'": "absolute path",
    }.items():
        with pytest.raises(pa.ArrowInvalid, match=reason):
            second.update(text)
    second.update("ALTER TABLE t ADD IF NOT EXISTS PARTITION (day = 1)")
    second.update("ALTER TABLE t DROP IF EXISTS PARTITION (day = 1), PARTITION (day = 7)")
    shown = first.query("SHOW PARTITIONS t").to_pylist()
    assert [(row["partition"], row["files"], row["rows"]) for row in shown] == [
        ("day=2", 1, 1),
        ("day=30", 1, 1),
    ]
    assert shown[1]["location"] == f"{tmp_path}/data/day=3"
    with pytest.raises(pa.ArrowInvalid, match=r"there is no external table main\.x"):
        first.query("SHOW PARTITIONS x")


def test_what_is_there_is_replaced_only_if_that_is_said(clients: list[WireClient]) -> None:
    first, second = clients
    first.update("CREATE CLUSTER VIEW s.v AS SELECT 1 AS x")
    with pytest.raises(pa.ArrowInvalid, match=r"there is a view s\.v already; nothing was done"):
        second.update("CREATE CLUSTER VIEW s.v AS SELECT 2 AS x")
    second.update("CREATE CLUSTER VIEW IF NOT EXISTS s.v AS SELECT 3 AS x")
    assert first.value("FROM s.v") == 1
    second.update("CREATE OR REPLACE CLUSTER VIEW s.v AS SELECT 4 AS x")
    assert [client.value("FROM s.v") for client in clients] == [4, 4]
    with pytest.raises(pa.ArrowInvalid, match=r"s\.v is a view and no macro"):
        first.update("DROP CLUSTER MACRO s.v")


def test_a_node_in_no_cluster_says_so() -> None:
    with (
        serving() as node,
        node.client() as client,
        pytest.raises(pa.ArrowNotImplementedError, match="start it with --registry"),
    ):
        client.update("CREATE CLUSTER VIEW s.v AS SELECT 1")
