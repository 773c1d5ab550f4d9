"""The password of a lake's server: looked for wherever a node and its commands say anything."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flight_server.system.tables import TABLES
from tests.flight_server.wire_client import WireClient, basic
from tests.support.postgres_server import PostgresServer, postgres_server
from tests.support.processes import NODE_PYTHON, Running, running

pytestmark = [pytest.mark.cluster, pytest.mark.lake, pytest.mark.timeout(240)]

CANARY, WRONG = "canary-Pa55word", "canary-not-it"
_ASKED = (
    "FROM duckdb_secrets()",
    "FROM duckdb_databases()",
    "FROM duckdb_settings()",
    "FROM duckdb_variables()",
    "FROM ducklake_settings('lake')",
    "FROM ducklake_options('lake')",
    "PRAGMA database_list",
    "FROM which_secret('postgres://x', 'postgres')",
    "FROM duckdb_secrets(redact => false)",
    "CREATE SECRET mine (TYPE postgres, PASSWORD 'x', BOGUS 'y')",
    "ATTACH '' AS other (TYPE postgres, SECRET flightkeeper_lake)",
    "FROM postgres_query('__ducklake_metadata_lake', 'bogus')",
    "FROM __ducklake_metadata_lake.ducklake_metadata",
    "EXPLAIN FROM __ducklake_metadata_lake.ducklake_metadata",
    "INSERT INTO t VALUES ('x')",
    *(f"FROM system.{table}" for table in TABLES),
)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        started.let_in("keeper", CANARY)
        yield started


def told(location: str, *texts: str) -> list[str]:
    """All that a node answers to these, rows or errors."""
    seen = []
    with WireClient(location, basic("ada")) as asking:
        for text in texts:
            try:
                seen.append(str(asking.query(text).to_pydict()))
            except (flight.FlightError, pa.ArrowException) as exc:
                seen.append(f"{exc!r} {exc}")
    return seen


def processes() -> list[str]:
    """What anybody of this machine sees of its processes, and the user itself of the node's."""
    seen = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            seen.append(path.read_bytes().decode(errors="replace"))
    return seen


def command(*args: str, password_file: Path) -> str:
    """All that a command prints."""
    ran = subprocess.run(
        [NODE_PYTHON, "-m", "flightkeeper.cli", *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "FLIGHTKEEPER_LAKE_PASSWORD_FILE": str(password_file)},
    )
    return ran.stdout + ran.stderr


def ended(node: Running) -> str:
    """All that a node has printed, which is at its end."""
    node.process.terminate()
    node.ended()
    return "\n".join([*node.rest(), node.stderr])


def test_the_password_is_nowhere_to_be_seen(server: PostgresServer, tmp_path: Path) -> None:
    kept, wrong = tmp_path / "password", tmp_path / "wrong"
    kept.write_text(f"{CANARY}\n")
    wrong.write_text(f"{WRONG}\n")
    lake = ("--lake", server.lake_of("keeper"), "--lake-data", str(tmp_path / "files"))
    registry = ("--registry", f"dir://{tmp_path}/registry")
    serve = ("serve", "--insecure", *registry, *lake)
    seen: list[str] = []
    with running(*serve, env={"FLIGHTKEEPER_LAKE_PASSWORD_FILE": str(kept)}) as node:
        location = node.line()["location"]
        assert "Count" in told(location, "CREATE TABLE t AS SELECT 1 AS a")[0]
        answers = told(location, *_ASKED)
        # The secret is gone once it was used: nobody attaches the server by it.
        assert "flightkeeper_lake" not in answers[0]
        assert "flightkeeper_lake" in answers[10]
        seen += [
            *answers,
            *processes(),
            (Path("/proc") / str(node.process.pid) / "environ").read_text(),
        ]
        seen += [
            command("nodes", f"flightsql+dir://{tmp_path}/registry", password_file=kept),
            command("config", "print", password_file=kept),
            command("config", "check", password_file=kept),
            command(*serve, password_file=wrong),
        ]
        assert "cannot be attached" in seen[-1]
        server.run(f"ALTER ROLE keeper PASSWORD '{WRONG}x'")
        server.restart()
        seen += told(location, "FROM t", "INSERT INTO t VALUES (2)")
        assert "password authentication failed" in seen[-2]
        with server.away():
            seen += told(location, "FROM t", "INSERT INTO t VALUES (3)")
            seen.append(command(*serve, password_file=kept))
            assert "cannot be attached" in seen[-1]
        server.run(f"ALTER ROLE keeper PASSWORD '{CANARY}'")
        # It goes on without the secret.
        seen += told(location, "INSERT INTO t VALUES (4)", "FROM t")
        assert seen[-1] == str({"a": [1, 4]})
        seen.append(ended(node))
    for one in seen:
        assert CANARY not in one
        assert WRONG not in one
        assert "Traceback" not in one
