"""What happens to a database when it is opened."""

import traceback
from pathlib import Path

import duckdb
import pytest

from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import StartFailed

KEEPS = "httpfs_connection_caching"


def sql_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "start.sql"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_operators_sql_is_run_first(tmp_path: Path) -> None:
    path = sql_file(tmp_path, "CREATE TABLE t AS SELECT 1 AS x; INSERT INTO t VALUES (2); ;")
    database = Database(DatabaseOptions(start_file=path))
    connection = database.lend()
    assert connection.rows("SELECT sum(x) FROM t") == [(3,)]
    database.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT 1; FROM canary", r"failed at its statement 2 \(SELECT.*\): CatalogException"),
        ("CREATE SECRET (TYPE canary, SECRET 'canary')", r"failed at its statement 1 \("),
        ("CREATE SECRET canary canary", "cannot be divided into statements: ParserException"),
    ],
    ids=["unknown", "secret", "syntax"],
)
def test_what_fails_is_said_without_its_words(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(StartFailed, match=told) as failed:
        Database(DatabaseOptions(start_file=sql_file(tmp_path, text)))
    assert "canary" not in "".join(traceback.format_exception_only(failed.value))
    assert failed.value.__suppress_context__


def test_a_file_that_others_can_read_or_nobody(tmp_path: Path) -> None:
    path = sql_file(tmp_path, "SELECT 1", 0o640)
    with pytest.raises(StartFailed, match="can be read by others; run: chmod 600"):
        Database(DatabaseOptions(start_file=path))
    path.unlink()
    with pytest.raises(StartFailed, match="cannot be read: No such file"):
        Database(DatabaseOptions(start_file=path))


def test_an_extension_that_is_not_there() -> None:
    with pytest.raises(StartFailed, match=f"duckdb-extension-nothing .* {duckdb.__version__}"):
        Database(DatabaseOptions(extensions=("nothing",)))


def test_an_extension_that_is_built_in() -> None:
    database = Database(DatabaseOptions(extensions=("json", "parquet")))
    assert database.works()
    database.close()


def test_secrets_stay_redacted() -> None:
    database = Database(DatabaseOptions())
    with pytest.raises(Exception, match="while database is running"):
        database.lend().command("SET GLOBAL allow_unredacted_secrets = true")
    with pytest.raises(Exception, match="unredacted secrets is disabled"):
        database.lend().rows("FROM duckdb_secrets(redact = false)")
    database.close()


@pytest.mark.lake
@pytest.mark.parametrize(("text", "kept"), [("", "true"), (f"SET GLOBAL {KEEPS} = false", "false")])
def test_connections_to_object_stores_are_kept_unless_the_operator_says_no(
    tmp_path: Path, text: str, kept: str
) -> None:
    start = sql_file(tmp_path, text)
    database = Database(DatabaseOptions(extensions=("httpfs",), start_file=start))
    asked = f"SELECT value FROM duckdb_settings() WHERE name = '{KEEPS}'"
    assert database.lend().rows(asked) == [(kept,)]
    database.close()
