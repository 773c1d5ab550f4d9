"""`flightkeeper sql` against a real node."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from flightkeeper import client
from flightkeeper.cli.main import app
from flightkeeper.client import Connection, connect
from flightkeeper.flight_server.auth.passwords import hash_password
from tests.support.processes import running
from tests.support.stub_process import eventually

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running("serve", "--insecure") as node:
        yield node.line()["location"].replace("grpc://", "flightsql://") + "?transport=tcp"


def sql(*args: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["sql", *args], input=text)


def test_a_table(url: str) -> None:
    result = sql(url, "-c", "SELECT 42 AS answer")
    assert result.exit_code == 0, result.output
    assert [line.rstrip() for line in result.stdout.splitlines()] == ["answer", "    42", "(1 row)"]


def test_statements_run_in_order_until_one_fails(url: str, tmp_path: Path) -> None:
    file = tmp_path / "q.sql"
    file.write_text(
        "CREATE TABLE t AS SELECT 1 AS a;\nINSERT INTO t VALUES (2);\n"
        "SELECT count(*) AS a FROM t; SELECT nonsense; DROP TABLE t"
    )
    result = sql(url, "-f", str(file), "--format", "jsonl")
    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[-1]) == {"a": 2}
    assert "nonsense" in result.stderr
    assert "Traceback" not in result.output
    assert sql(url, "-c", "SELECT * FROM t; DROP TABLE t").exit_code == 0


def test_what_has_no_rows_says_what_it_did(url: str) -> None:
    script = "CREATE TABLE did AS FROM range(3); DELETE FROM did WHERE range > 1; DROP TABLE did"
    assert sql(url, "-c", script).stdout.splitlines() == [
        "CREATE TABLE (3 rows)",
        "DELETE (1 row)",
        "DROP TABLE",
    ]


def test_statements_from_stdin(url: str) -> None:
    result = sql(url, "--format", "csv", text="SELECT 1 AS a")
    assert result.stdout == '"a"\n1\n'


def test_a_large_result_streams(url: str) -> None:
    result = sql(url, "--format", "csv", "-c", "SELECT i FROM range(300000) t(i)")
    lines = result.stdout.splitlines()
    assert len(lines) == 300_001
    assert sum(map(int, lines[1:])) == sum(range(300_000))


def test_arrow(url: str) -> None:
    result = sql(url, "--format", "arrow", "-c", "SELECT i FROM range(10) t(i)")
    assert pa.ipc.open_stream(result.stdout_bytes).read_all().num_rows == 10


def test_a_wrong_statement_shows_the_engines_words(url: str) -> None:
    result = sql(url, "-c", "SELEC 1")
    assert result.exit_code == 1
    assert result.stderr.startswith("flightkeeper: ")
    assert "SELEC" in result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["-c", " ; "], "nothing to run"),
        (["-c", "SELECT 1", "-f", "x.sql"], "not both"),
        (["-f", "/none/x.sql"], "cannot read"),
        (["--format", "arrow", "-c", "SELECT 1; SELECT 2"], "one statement"),
        (["--format", "nonsense", "-c", "SELECT 1"], "nonsense"),
    ],
)
def test_wrong_usage(url: str, args: list[str], words: str) -> None:
    result = sql(url, *args)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_url_that_does_not_parse() -> None:
    result = sql("http://x", "-c", "SELECT 1")
    assert result.exit_code == 2
    assert "the scheme is wrong" in result.stderr


def test_nothing_reachable() -> None:
    result = sql("flightsql://127.0.0.1:1?transport=tcp", "-c", "SELECT 1")
    assert result.exit_code == 3
    assert "Traceback" not in result.output


def test_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = tmp_path / "users"
    users.write_text(f"ada:{hash_password('hunter2')}\n")
    with running("serve", "--users", str(users)) as node:
        address = node.line()["location"].removeprefix("grpc://")
        url = f"flightsql://{address}?transport=tcp"
        monkeypatch.setenv("FLIGHTKEEPER_PASSWORD", "hunter2")
        assert sql(url, "--username", "ada", "-c", "SELECT 1").exit_code == 0
        assert sql(f"flightsql://ada@{address}?transport=tcp", "-c", "SELECT 1").exit_code == 0
        monkeypatch.setenv("FLIGHTKEEPER_PASSWORD", "hunter3")
        refused = sql(url, "--username", "ada", "-c", "SELECT 1")
        monkeypatch.delenv("FLIGHTKEEPER_PASSWORD")
        anonymous = sql(url, "-c", "SELECT 1")
        unasked = sql(url, "--username", "ada", "-c", "SELECT 1")
    assert refused.exit_code == 1
    assert "hunter3" not in refused.output
    assert anonymous.exit_code == 1
    assert (unasked.exit_code, "FLIGHTKEEPER_PASSWORD" in unasked.stderr) == (2, True)


def test_whoever_reads_may_stop_reading(url: str) -> None:
    query = "SELECT i FROM range(10000000) t(i)"
    command = [sys.executable, "-m", "flightkeeper.cli", "sql", url, "--format", "csv", "-c", query]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        assert reading.stdout.readline() == b'"i"\n'
        reading.stdout.close()
        assert reading.stderr.read() == b""
        assert reading.wait(60) == 1


RUNNING = """
SELECT statement_id FROM system.statements
WHERE text LIKE '%1000000000000%' AND text NOT LIKE '%system%'
"""


def test_ctrl_c_ends_the_statement_on_its_node_and_runs_no_other(url: str) -> None:
    endless = "SELECT count(*) FROM range(1000000000000)"
    then = "CREATE TABLE after_ctrl_c (a INTEGER)"
    with connect(url) as watching, running("sql", url, "-c", endless, "-c", then) as asking:
        eventually(lambda: watching.query(RUNNING).fetchall())
        asking.process.send_signal(signal.SIGINT)
        assert asking.ended() == 130
        eventually(lambda: not watching.query(RUNNING).fetchall())
        there = watching.query("SELECT * FROM duckdb_tables() WHERE table_name = 'after_ctrl_c'")
        assert there.fetchall() == []
        assert "cancelled by its caller" in asking.stderr
        assert "Traceback" not in asking.stderr


def test_after_ctrl_c_a_statement_that_still_ends_well_is_the_last(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Connection.query

    def interrupted(connection: Connection, text: str, **options: Any) -> client.Result:
        result = query(connection, text, **options)
        signal.raise_signal(signal.SIGINT)
        # Heard by the main thread, while this one runs the statement.
        eventually(lambda: options["control"].cancelled)
        return result

    monkeypatch.setattr(Connection, "query", interrupted)
    result = sql(url, "--format", "csv", "-c", "SELECT 1 AS a; SELECT 2 AS a")
    assert (result.exit_code, result.stdout) == (130, '"a"\n1\n')
