"""Rows that the registry has: who holds locks, and who leads."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flightkeeper.discovery.contention import SHARED, Claim
from flightkeeper.discovery.locks import LockKind
from flightkeeper.discovery.principals.accounts import Accounts
from flightkeeper.discovery.principals.model import Grant, Privilege, Securable
from flightkeeper.discovery.registry import open_registry
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.errors import Unavailable
from flightkeeper.flight_server.system.agreed import providers
from tests.flight_server.wire_client import Served, eventually, serving


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Served]:
    with serving(node_id="n1", registry=f"dir://{tmp_path}/registry") as served:
        yield served


def test_locks_are_told_with_how_they_are_held() -> None:
    with closing(MemoryRegistry()) as registry:
        locks = providers(registry)["locks"]
        with (
            registry.lock("a") as exclusive,
            registry.lock("b", claim=SHARED) as shared,
            registry.lock("c", claim=Claim(permits=3)) as permit,
        ):
            assert locks() == [
                ("a", "exclusive", 0, True, exclusive.token, ""),
                ("b", "shared", 0, True, shared.token, ""),
                ("c", "3 permits", 0, True, permit.token, ""),
            ]
        assert locks() == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"node": "n1", "token": 1, "since_ms": 5}, ("n1", 5000)),
        ({"node": "n1", "token": 0, "since_ms": 5}, (None, None)),
        ({"node": "n1"}, (None, None)),
        ([], (None, None)),
        (None, (None, None)),
    ],
)
def test_leaders_are_told_as_they_say_themselves(said: object, told: tuple[object, object]) -> None:
    with closing(MemoryRegistry()) as registry:
        if said is not None:
            registry.write_document("duties/repair", json.dumps(said).encode(), None)
        with registry.lock("repair", kind=LockKind.LEADER) as hold:
            assert hold.token == 1
            assert providers(registry)["leaders"]() == [("repair", *told, 0, True, 1, "")]


def test_without_the_registry_nobody_can_say() -> None:
    with closing(MemoryRegistry()) as registry:
        registry.go_unreachable()
        for table in ("locks", "leaders"):
            with pytest.raises(Unavailable, match="cannot tell what the cluster has agreed on"):
                providers(registry)[table]()


def test_a_node_tells_them_and_itself_as_leader(node: Served, tmp_path: Path) -> None:
    with (
        closing(open_registry(f"dir://{tmp_path}/registry")) as registry,
        registry.lock("etl", 5) as hold,
        node.client() as client,
    ):
        (row,) = client.query("FROM system.locks").to_pylist()
        assert (row["name"], row["held"], row["token"]) == ("etl", True, hold.token)
        query = "SELECT DISTINCT node_id FROM system.leaders WHERE held"
        eventually(lambda: client.query(query).to_pylist() == [{"node_id": "n1"}])


def test_without_a_registry_there_are_none() -> None:
    with serving() as node, node.client() as client:
        assert client.query("FROM system.locks").num_rows == 0


def test_what_the_cluster_has_defined_is_told(node: Served, tmp_path: Path) -> None:
    files = tmp_path / "files"
    with node.client() as client:
        client.update(
            f"COPY (SELECT 1 AS a, 'x' AS p) TO '{files}' (FORMAT parquet, PARTITION_BY p)"
        )
        made = f"CREATE EXTERNAL TABLE s.t PARTITIONED BY (p) STORED AS PARQUET LOCATION '{files}'"
        client.update(made)
        client.update("MSCK REPAIR TABLE s.t")
        client.update("CREATE CLUSTER VIEW s.v AS SELECT a FROM s.t")
        client.update("CREATE REFERENCE TABLE r AS SELECT 1 AS a")
        objects = client.query(
            "SELECT schema_name, name, kind, partitioned_by, partitions, changed_by"
            " FROM system.catalog ORDER BY ALL"
        )
        assert [tuple(row.values()) for row in objects.to_pylist()] == [
            ("main", "r", "reference table", None, None, "ada"),
            ("s", "t", "external table", "p", 1, "ada"),
            ("s", "v", "view", None, None, "ada"),
        ]
        parts = client.query(
            "SELECT name, partition, rows, bytes > 0 AS big FROM system.partitions"
        )
        assert parts.to_pylist() == [{"name": "t", "partition": "p=x", "rows": 1, "big": True}]


def test_accounts_are_told_without_secrets() -> None:
    with closing(MemoryRegistry()) as registry:
        accounts = Accounts(registry, "root")
        accounts.create_user("amy", "hash")
        accounts.create_role("reader")
        table, columns = Securable(None, "main", "t"), frozenset({"b", "a"})
        accounts.grant("reader", [Grant(Privilege.SELECT, table, columns, "a > 1")])
        told = providers(registry)
        users = [row[:4] for row in told["users"]()]
        assert users == [("amy", "user", None, "root"), ("reader", "role", None, "root")]
        assert "hash" not in str(told["users"]())
        assert list(told["grants"]()) == [("reader", "SELECT", "TABLE main.t", "a, b", "a > 1")]
