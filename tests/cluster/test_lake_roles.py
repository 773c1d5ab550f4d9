"""deploy/lake-roles.sql on a real PostgreSQL: each role can do its work, and no more."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flightkeeper import client
from flightkeeper.cli.lake import app
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import METADATA, LakeOptions
from flightkeeper.flight_server.errors import NodeError, StartFailed
from flightkeeper.flight_server.lake.location import parse
from tests.support.postgres_server import PostgresServer, postgres_server
from tests.support.processes import running

pytestmark = [pytest.mark.cluster, pytest.mark.lake]

SCRIPT = (Path(__file__).parents[2] / "deploy/lake-roles.sql").read_text()
CHANGES = [
    "CREATE SCHEMA s",
    "CREATE TABLE s.t (i BIGINT, name VARCHAR DEFAULT 'a')",
    "INSERT INTO s.t (i) SELECT range FROM range(1000)",
    "INSERT INTO s.t VALUES (1000, 'b')",
    "UPDATE s.t SET name = 'c' WHERE i < 500",
    "DELETE FROM s.t WHERE i = 1000",
    "DELETE FROM s.t WHERE i < 200",
    "MERGE INTO s.t USING (SELECT 5 AS i) u USING (i) WHEN NOT MATCHED THEN INSERT VALUES (5, 'm')",
    "ALTER TABLE s.t ADD COLUMN more INTEGER",
    "INSERT INTO s.t VALUES (6, 'd', 1)",
    "ALTER TABLE s.t RENAME TO u",
    "CREATE VIEW v AS SELECT count(*) AS n FROM s.u",
    "CREATE TABLE gone AS SELECT 1 AS i",
    "DROP TABLE gone",
    *(f"INSERT INTO s.u FROM range({n}, {n + 20}) r(i), (SELECT 'x', 2)" for n in range(8)),
]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


def role(server: PostgresServer, name: str) -> str:
    return server.lake.replace("postgres@", f"{name}@")


def lake(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, words)
    return result.exit_code, result.output


def denied(database: Database, sql: str) -> bool:
    connection = database.connect()
    try:
        connection.command(sql)
    except NodeError as exc:
        return "permission denied" in str(exc) or "read-only" in str(exc)
    finally:
        connection.close()
    return False


def test_each_role_does_its_work_and_no_more(server: PostgresServer, tmp_path: Path) -> None:
    files = str(tmp_path / "files")
    code, told = lake("init", "--lake", server.lake, "--lake-data", files)
    assert code == 0, told
    assert "as a superuser" in lake("check", "--lake", server.lake)[1]
    for _ in range(2):
        server.run(SCRIPT)
    reader, writer, maintainer = (
        role(server, f"lake_{name}") for name in ("reader", "writer", "maintainer")
    )

    with running("serve", "--insecure", "--lake", writer) as node:
        place = node.line()["location"].removeprefix("grpc://")
        with client.connect(f"flightsql://{place}?transport=tcp") as connection:
            for change in CHANGES:
                connection.execute(change)
            assert connection.query("SELECT n FROM v").fetchall() == [(962,)]
            # Its node leaves the upkeep to others.
            rows = connection.query("SELECT node_id FROM system.lake").fetchall()
            assert set(rows) == {(None,)}
    with closing(Database(DatabaseOptions(lake=LakeOptions(parse(writer))))) as database:
        for table in ("ducklake_snapshot", "ducklake_data_file", "flightkeeper_ledger"):
            assert denied(database, f"DELETE FROM {METADATA}.{table}")
        assert denied(database, f"UPDATE {METADATA}.flightkeeper_column_stats SET max_value = '0'")
    assert lake("check", "--lake", writer)[0] == 0
    # As an older version has left the lake.
    server.run("DROP TABLE flightkeeper_column_stats")
    with pytest.raises(StartFailed, match=r"attached: ERROR: .*must be owner.* lake init`"):
        Database(DatabaseOptions(lake=LakeOptions(parse(writer))))
    assert lake("init", "--lake", server.lake)[0] == 0
    server.run(SCRIPT)
    code, told = lake("maintain", "--lake", maintainer)
    assert code == 0, told
    assert "s.u: " in told
    code, told = lake("check", "--lake", maintainer)
    assert (code, "may read, write, do the upkeep" in told) == (0, True)

    options = LakeOptions(parse(reader), read_only=True)
    with closing(Database(DatabaseOptions(lake=options))) as database:
        assert database.connect().rows("SELECT n FROM v") == [(962,)]
        assert denied(database, "INSERT INTO s.u VALUES (1, 'r', 1)")
    with closing(Database(DatabaseOptions(lake=LakeOptions(parse(reader))))) as database:
        assert denied(database, "INSERT INTO s.u VALUES (1, 'r', 1)")
        assert denied(database, f"UPDATE {METADATA}.ducklake_snapshot SET snapshot_id = 0")
