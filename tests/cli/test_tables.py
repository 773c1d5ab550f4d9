"""`flightkeeper tables` on a registry."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from flightkeeper.cli.main import app
from tests.flight_server.wire_client import serving

Tables = Callable[..., Result]


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """Runs the command on a registry of the test's own."""
    env = {"FLIGHTKEEPER_REGISTRY": f"dir://{tmp_path}/registry"}
    return lambda *arguments: CliRunner().invoke(app, ["tables", *arguments], env=env)


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def failed(result: Result, code: int) -> str:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    return result.stderr


def test_what_is_created_here_nodes_have(tables: Tables, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "day=1"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"id": [1, 2]}), folder / "a.parquet")
    make = (
        "CREATE EXTERNAL TABLE s.t COMMENT 'ours' PARTITIONED BY (day INT) STORED AS PARQUET "
        f"LOCATION '{tmp_path}/data'"
    )
    made = tables("create", make)
    assert done(made) == "revision 1: s.t\n"
    assert "MSCK REPAIR TABLE" in made.stderr
    assert done(tables("create", "CREATE CLUSTER VIEW IF NOT EXISTS v AS SELECT 7 AS x"))
    assert done(tables("create", "CREATE CLUSTER VIEW IF NOT EXISTS v AS SELECT 8 AS x")) == ""
    with serving(registry=f"dir://{tmp_path}/registry") as node, node.client() as client:
        client.update("MSCK REPAIR TABLE s.t")
        assert client.value("SELECT sum(x) FROM s.t, v") == 14
    assert done(tables("partitions", "s.t")).startswith("day=1, 1 files, 2 rows, ")
    found = json.loads(done(tables("partitions", "s.t", "--json")))
    assert (found["partition"], found["path"], found["rows"]) == ("day=1", "day=1", 2)
    listed = done(tables("list")).splitlines()
    assert [line.partition(",")[0] for line in listed] == ["view main.v", "external table s.t"]
    assert listed[1].endswith(": ours")
    assert json.loads(done(tables("list", "--json")).splitlines()[1])["kind"] == "external table"
    assert json.loads(done(tables("show", "s.t")))["partitioned_by"] == ["day"]
    assert done(tables("drop", "v")) == "revision 4: main.v is gone\n"
    what = [line.rpartition("UTC: ")[2] for line in done(tables("history")).splitlines()]
    assert what == ["create s.t", "create main.v", "partitions s.t", "drop main.v"]


def test_what_cannot_be_is_refused(tables: Tables) -> None:
    assert "there is no s.t in the catalog" in failed(tables("show", "s.t"), 1)
    assert "there is no s.t in the catalog" in failed(tables("drop", "s.t"), 1)
    assert "there is no external table s.t" in failed(tables("partitions", "s.t"), 1)
    assert "write one CREATE" in failed(tables("create", "SELECT 1"), 2)
    bad = tables("create", "CREATE CLUSTER VIEW v AS FROM nothing")
    assert "nothing does not exist" in failed(bad, 1)
    location = tables("create", "CREATE EXTERNAL TABLE t (a INT) STORED AS CSV LOCATION 'x'")
    assert "absolute path" in failed(location, 1)
    done(tables("create", "CREATE CLUSTER VIEW v AS SELECT 1 AS x"))
    again = tables("create", "CREATE CLUSTER VIEW v AS SELECT 1 AS x")
    assert "there is a view main.v already" in failed(again, 1)
