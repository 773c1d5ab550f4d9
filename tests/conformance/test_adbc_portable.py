"""The stock ADBC driver: prepared statements outlive the nodes that prepared them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest

from tests.support.lake_nodes import LakeNodes, lake_nodes

pytestmark = [pytest.mark.cluster, pytest.mark.lake]
KILLS = 3


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[LakeNodes]:
    with lake_nodes(tmp_path) as started:
        yield started


class Prepared:
    """A connection, and what was prepared on it."""

    def __init__(self, stack: ExitStack, way: str, location: str) -> None:
        login = {"username": way, "password": "any"}
        opened = adbc.connect(location, db_kwargs=login, autocommit=True)
        connection = stack.enter_context(opened)
        self._way = way
        self._insert = self._prepared(stack, connection, "INSERT INTO stock VALUES (?, ?)")
        self._select = self._prepared(
            stack, connection, "SELECT number FROM stock WHERE name = ? AND number > ?"
        )

    def _prepared(self, stack: ExitStack, connection: Any, sql: str) -> Any:
        statement = stack.enter_context(connection.cursor()).adbc_statement
        statement.set_sql_query(sql)
        statement.prepare()
        return statement

    def insert(self, name: str, number: int) -> int:
        """How many rows it says that it put in."""
        self._bind(self._insert, name, number)
        changed: int = self._insert.execute_update()
        return changed

    def select(self, name: str, number: int) -> list[Any]:
        """The numbers that are greater."""
        self._bind(self._select, name, number)
        stream, _ = self._select.execute_query()
        return [
            row["number"] for row in pa.RecordBatchReader.from_stream(stream).read_all().to_pylist()
        ]

    def _bind(self, statement: Any, name: str, number: int) -> None:
        columns: Any = {"0": pa.array([name]), "1": pa.array([number], pa.int32())}
        statement.bind(pa.RecordBatch.from_pydict(columns))


@pytest.mark.tool("ADBC DB-API (Python)", "prepared statements that outlive their node, on a lake")
def test_any_node_runs_what_another_one_prepared(nodes: LakeNodes) -> None:
    with ExitStack() as stack:
        with adbc.connect(nodes.gateway, autocommit=True) as making, making.cursor() as cursor:
            cursor.execute("CREATE TABLE stock (name VARCHAR, number INTEGER)")
        ways = {"gateway": nodes.gateway, "address": nodes.address}
        prepared = [Prepared(stack, way, location) for way, location in ways.items()]
        for kills in range(KILLS + 1):
            if kills:
                nodes.kill_next()
            for way, each in zip(ways, prepared, strict=True):
                name = f"{way} {kills}"
                assert [each.insert(name, number) for number in (1, 2)] == [1, 1]
                assert each.select(name, 1) == [2]
