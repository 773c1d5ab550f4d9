"""Reads of a lake in parts: together they are the whole, on two nodes and while others write."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from tests.flight_server.wire_client import Served, WireClient, sharing
from tests.support.stub_process import eventually

pytestmark = pytest.mark.lake


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    with sharing(tmp_path_factory.mktemp("lake")) as (one, other):
        with one.client() as client:
            client.update("CREATE TABLE t (i BIGINT, v BIGINT)")
            # More than a batch in each file, or parts of one file each are all here at once and
            # given as one.
            for number in range(6):
                client.update(f"INSERT INTO t SELECT range, {number} FROM range(150000)")
            client.update("INSERT INTO t VALUES (-1, 7), (-2, 7)")
            client.update("DELETE FROM t WHERE i % 1000 = 7 AND v = 3")
            client.update("ALTER TABLE t RENAME v TO w")
            client.update("ALTER TABLE t ADD COLUMN x BIGINT DEFAULT 5")
            client.update("INSERT INTO t VALUES (-3, 8, 9)")
            client.update("DELETE FROM t WHERE i = -2")
        yield one, other


def rows(tables: list[pa.Table]) -> list[tuple[Any, ...]]:
    whole = pa.concat_tables(tables).to_pydict()
    return sorted(zip(*whole.values(), strict=True))


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("text", ["SELECT * FROM t", "SELECT w + x AS s, i FROM t u WHERE i < 50"])
def test_the_parts_are_the_whole(nodes: tuple[Served, Served], count: int, text: str) -> None:
    with nodes[0].client() as here, nodes[1].client() as there:
        whole = rows([here.query(text)])
        here.extra_headers["x-flightkeeper-endpoints"] = str(count)
        # A catalog that is busy just then is asked no second time: the read is one part.
        eventually(lambda: len(here.plan(text).endpoints) > 1 or "WHERE" in text)
        info = here.plan(text)
        first = [here.get(endpoint.ticket).read_all() for endpoint in info.endpoints]
        assert rows(first) == whole
        there.update("INSERT INTO t SELECT range, 9, 9 FROM range(20)")
        there.update("DELETE FROM t WHERE i = 11 AND w = 1")
        clients: list[WireClient] = [here, there]
        again = [
            clients[number % 2].get(endpoint.ticket).read_all()
            for number, endpoint in enumerate(info.endpoints)
        ]
        assert rows(again) == whole
        assert rows([there.query(text)]) != whole
        there.update("DELETE FROM t WHERE x = 9 AND w = 9")
        there.update("INSERT INTO t VALUES (11, 1, 5)")
