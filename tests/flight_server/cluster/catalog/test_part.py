"""The catalog as clients of one node see it, in a registry on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import WireClient, serving


@pytest.fixture
def client(tmp_path: Path) -> Iterator[WireClient]:
    with serving(registry=f"dir://{tmp_path}/registry") as node, node.client() as connected:
        yield connected


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def refused(client: WireClient, text: str) -> str:
    with pytest.raises(pa.ArrowException) as caught:
        client.update(text)
    return str(caught.value)


def test_files_of_every_format_become_a_table(client: WireClient, data: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2], "name": ["a", "b"]}), data / "a.parquet")
    (data / "a.csv").write_text("id;name\n1;a\n2;b\n")
    (data / "a.json").write_text('{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n')
    options = {"csv": " OPTIONS ('delim' ';', 'header' 'true')"}
    for form in ("parquet", "csv", "json"):
        client.update(
            f"CREATE EXTERNAL TABLE s.{form} (id SMALLINT, name VARCHAR) STORED AS {form} "
            f"LOCATION '{data}'{options.get(form, '')}"
        )
        found = client.query(f"FROM s.{form} ORDER BY id")
        assert found.to_pylist() == [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
        assert found.schema.field("id").type == pa.int16()
    # What the files have is taken, if nothing is said.
    client.update(f"CREATE EXTERNAL TABLE found STORED AS PARQUET LOCATION '{data}/a.parquet'")
    assert client.value("SELECT sum(id) FROM found") == 3
    told = refused(client, f"CREATE EXTERNAL TABLE s.x STORED AS ARROW LOCATION '{data}'")
    assert "stored as PARQUET, CSV, JSON, and not as ARROW" in told


def test_what_cannot_be_is_refused_with_nothing_done(client: WireClient, data: Path) -> None:
    make = "CREATE EXTERNAL TABLE s.t (id INT) STORED AS"
    for text, reason in {
        f"{make} PARQUET LOCATION '{data}'": "No files found",
        f"{make} PARQUET LOCATION 'data'": "absolute path",
        f"{make} PARQUET LOCATION 's3://key:secret@bucket/x'": "must not hold credentials",
        f"{make} CSV LOCATION '{data}' OPTIONS (colour 'red')": "no option colour",
        "CREATE EXTERNAL TABLE s.t (id INT, ID INT) STORED AS CSV LOCATION '/x'": "the same name",
        "CREATE EXTERNAL TABLE s.t (id WORD) STORED AS CSV LOCATION '/x'": "WORD",
        f"{make.replace('(id', '(x')} CSV LOCATION '/' PARTITIONED BY (id)": "column id",
        "CREATE CLUSTER VIEW s.t AS SELECT nothing": "nothing",
        "CREATE CLUSTER MACRO s.t(a) AS": "syntax error",
        'CREATE CLUSTER VIEW s."a/b" AS SELECT 1': "cannot be used",
        "DROP EXTERNAL TABLE s.t": "there is no external table s.t",
        "MSCK REPAIR TABLE s.t": "there is no external table s.t",
        "COMMENT ON CLUSTER VIEW s.t IS 'x'": "there is no view s.t",
    }.items():
        assert reason in refused(client, text), text
    client.update("DROP EXTERNAL TABLE IF EXISTS s.t")
    transaction = client.begin()
    with pytest.raises(pa.ArrowException, match="not changed within a transaction"):
        client.update("CREATE CLUSTER VIEW s.v AS SELECT 1", transaction)


def test_it_looks_like_a_table_to_those_who_ask(client: WireClient, data: Path) -> None:
    pq.write_table(pa.table({"id": [1], "name": ["a"]}), data / "a.parquet")
    client.update(
        "CREATE EXTERNAL TABLE s.t (id BIGINT COMMENT 'which', name VARCHAR, "
        f"PRIMARY KEY (id, name)) COMMENT 'all of it' STORED AS PARQUET LOCATION '{data}'"
    )
    client.update("CREATE CLUSTER VIEW s.v AS SELECT id FROM s.t")
    client.update("COMMENT ON CLUSTER VIEW s.v IS 'ids'")
    tables = client.command(sql.CommandGetTables(db_schema_filter_pattern="s", include_schema=True))
    kinds = {row["table_name"]: row["table_type"] for row in tables.to_pylist()}
    assert kinds == {"t": "TABLE", "v": "VIEW"}
    schemas = {
        row["table_name"]: pa.ipc.read_schema(pa.py_buffer(row["table_schema"]))
        for row in tables.to_pylist()
    }
    remarks = {name: (schema.metadata or {}) for name, schema in schemas.items()}
    assert [b"".join(found.values()) for found in remarks.values()] == [b"all of it", b"ids"]
    of_id = schemas["t"].field("id").metadata or {}
    assert of_id[b"ARROW:FLIGHT:SQL:REMARKS"] == b"which"
    assert of_id[b"ARROW:FLIGHT:SQL:IS_READ_ONLY"] == b"1"
    for kind, names in (("TABLE", ["t"]), ("VIEW", ["v"])):
        found = client.command(
            sql.CommandGetTables(db_schema_filter_pattern="s", table_types=[kind])
        )
        assert found.column("table_name").to_pylist() == names
    keys = client.command(sql.CommandGetPrimaryKeys(db_schema="s", table="t"))
    assert [(row["column_name"], row["key_sequence"]) for row in keys.to_pylist()] == [
        ("id", 1),
        ("name", 2),
    ]
    assert client.command(sql.CommandGetPrimaryKeys(db_schema="s", table="v")).num_rows == 0
    assert client.query("DESCRIBE s.t").num_rows == 2


def test_clients_of_a_node_do_not_change_on_it_what_all_have(client: WireClient) -> None:
    client.update("CREATE CLUSTER VIEW s.v AS SELECT 1 AS x; CREATE CLUSTER MACRO m(a) AS a + 1")
    for text in (
        "DROP VIEW s.v",
        "CREATE OR REPLACE VIEW memory.s.v AS SELECT 2 AS x",
        "ALTER VIEW s.v RENAME TO w",
        "USE memory.s; DROP VIEW V",
        "DROP SCHEMA s CASCADE",
        "DROP MACRO m",
    ):
        assert "of the cluster, defined once for all nodes" in refused(client, text), text
    # Others of the same name elsewhere are nobody else's business.
    client.update(
        "CREATE TEMP VIEW v AS SELECT 3 AS x; CREATE SCHEMA o; CREATE VIEW o.v AS SELECT 4"
    )
    client.update("DROP VIEW o.v")
    assert client.value("SELECT m(x) FROM s.v") == 2


def test_a_file_is_never_written_to(tmp_path: Path) -> None:
    registry, file = f"dir://{tmp_path}/registry", tmp_path / "mine.db"
    with serving(registry=registry, database=str(file)) as node, node.client() as client:
        client.update("CREATE SCHEMA s; CREATE VIEW s.v AS SELECT 1 AS x")
        client.update("CREATE CLUSTER VIEW s.v AS SELECT 2 AS x")
        assert client.value("FROM s.v") == 1
        assert client.value("FROM cluster.s.v") == 2
        client.update("DROP VIEW s.v")
        assert "of the cluster" in refused(client, "DROP VIEW cluster.s.v")
    with serving(database=str(file)) as node, node.client() as client:
        assert client.value("SELECT count(*) FROM duckdb_views() WHERE schema_name = 's'") == 0


@pytest.mark.parametrize("dialect", ["spark", "trino", "mysql"])
def test_other_dialects_say_the_same(client: WireClient, data: Path, dialect: str) -> None:
    pq.write_table(pa.table({"id": [1, 2], "name": ["a", "b"]}), data / "a.parquet")
    client.update(f"SET dialect = '{dialect}'")
    text = "STRING" if dialect == "spark" else "VARCHAR(10)"
    client.update(
        f"CREATE EXTERNAL TABLE s.t (id INT, name {text}) STORED AS PARQUET LOCATION '{data}'"
    )
    client.update("CREATE CLUSTER VIEW s.v AS SELECT concat(name, 'x') AS y FROM s.t WHERE id = 2")
    assert client.value("SELECT y FROM s.v") == "bx"
