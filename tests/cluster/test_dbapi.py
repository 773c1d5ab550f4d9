"""Programs on DB-API and SQLAlchemy, with a node killed under them."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from flightkeeper.client import SessionLost, dbapi
from tests.support.cluster import MODULUS, ROWS, Cluster, make_database

pytestmark = pytest.mark.cluster

TOTAL = sum(i * 31 % MODULUS for i in range(ROWS))
QUESTION = "SELECT sum(v) FROM number"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes over one file."""
    make_database(tmp_path / "numbers.duckdb")
    with Cluster(f"dir://{tmp_path / 'registry'}", tmp_path / "numbers.duckdb") as started:
        started.start("n1")
        started.start("n2")
        yield started


def test_the_examples_of_the_documentation_run(cluster: Cluster) -> None:
    text = (Path(__file__).parents[2] / "docs/python.md").read_text()
    programs = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    told = cluster.url.partition("://")[2]
    said = []
    for program in programs:
        here = program.replace("/tmp/flightkeeper", told)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", here],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        said.extend(done.stdout.splitlines())
    assert said == ["[(3, 9), (4, 16)]", "1000000", "42"]


def node_of(connection: dbapi.Connection) -> str:
    """Where the connection's open transaction is."""
    return repr(connection).partition(" on ")[2].partition(">")[0]


def test_reads_outside_of_transactions_do_not_fail(cluster: Cluster) -> None:
    with dbapi.connect(cluster.url, autocommit=True) as connection:
        cursor = connection.cursor()
        for turn in range(40):
            if turn == 10:
                cluster.kill("n1")
            assert cursor.execute(QUESTION).fetchone() == (TOTAL,)


def test_a_transaction_ends_with_its_node_and_the_next_one_works(cluster: Cluster) -> None:
    with dbapi.connect(cluster.url) as connection:
        cursor = connection.cursor()
        cursor.execute(QUESTION)
        node = node_of(connection)
        cluster.kill(node)
        for _again in range(2):
            with pytest.raises(dbapi.OperationalError) as caught:
                cursor.execute(QUESTION)
            error = caught.value
            assert isinstance(error.__cause__, SessionLost)
            assert (error.connection_lost, error.in_doubt, error.node) == (True, False, node)
            assert error.statement_id
        connection.rollback()
        assert cursor.execute(QUESTION).fetchone() == (TOTAL,)
        assert node_of(connection) != node


def test_a_pool_survives(cluster: Cluster) -> None:
    engine = sa.create_engine(cluster.url.replace("flightsql", "flightkeeper"), pool_size=3)
    with engine.connect() as first, engine.connect() as second:
        assert [each.scalar(sa.text(QUESTION)) for each in (first, second)] == [TOTAL, TOTAL]
        held = first.connection.dbapi_connection
        assert isinstance(held, dbapi.Connection)
        cluster.kill(node_of(held))
        with pytest.raises(sa.exc.OperationalError) as caught:
            first.scalar(sa.text(QUESTION))
        assert caught.value.connection_invalidated
    for _turn in range(10):
        with engine.connect() as connection:
            assert connection.scalar(sa.text(QUESTION)) == TOTAL
    engine.dispose()
