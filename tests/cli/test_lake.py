"""`flightkeeper lake` on a lake in SQLite: what it prints, and how it ends."""

import json
from pathlib import Path

import pytest
from pyarrow.parquet import ParquetFile
from typer.testing import CliRunner, Result

from flightkeeper.cli.lake import app
from flightkeeper.flight_server.engine import lake_upkeep
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.errors import EngineFailed
from flightkeeper.flight_server.lake.location import parse

pytestmark = pytest.mark.lake


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = f"ducklake:sqlite:{tmp_path}/lake.sqlite"
    monkeypatch.setenv("FLIGHTKEEPER_LAKE", found)
    return found


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def small_files(url: str) -> None:
    database = Database(DatabaseOptions(lake=LakeOptions(parse(url))))
    connection = database.connect()
    connection.command("CREATE TABLE t (i BIGINT)")
    for _ in range(8):
        connection.command("INSERT INTO t FROM range(20)")
    connection.close()
    database.close()


def test_a_lake_is_made_once(url: str) -> None:
    absent = run("check")
    assert (absent.exit_code, "make it with `flightkeeper lake init`" in absent.stderr) == (1, True)
    first, second = run("init"), run("init")
    assert first.stdout.startswith(f"made the lake {url}, named ")
    assert second.stdout == first.stdout.replace("made", "found", 1)
    assert "catalog of format 1.0" in first.stdout
    checked = run("check")
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert checked.stdout.splitlines()[-1] == "ok: all 0 files of the catalog"


def test_files_are_compressed_as_was_said_last(url: str, tmp_path: Path) -> None:
    assert run("init").stdout.splitlines()[1].endswith(", snappy")
    for said in ("zstd", "lz4", "uncompressed"):
        assert run("init", "--compression", said).stdout.splitlines()[1].endswith(f", {said}")
    assert run("init").stdout.splitlines()[1].endswith(", uncompressed")
    small_files(url)
    files = list((tmp_path / "lake.sqlite.files").rglob("*.parquet"))
    columns = [ParquetFile(file).metadata.row_group(0).column(0) for file in files]
    assert {column.compression for column in columns} == {"UNCOMPRESSED"}
    assert "compression  uncompressed" in run("info").stdout
    assert run("init", "--compression", "best").exit_code == 2


def test_what_is_wrong_ends_with_1(url: str, tmp_path: Path) -> None:
    small_files(url)
    next((tmp_path / "lake.sqlite.files").rglob("*.parquet")).unlink()
    checked = run("check")
    assert checked.exit_code == 1
    assert "1 are missing, and their rows are lost" in checked.stderr
    assert f"1 things are wrong with the lake {url}" in checked.stderr
    assert "ok: the ledger's trigger" in checked.stdout


def test_what_is_in_it_is_shown(url: str) -> None:
    small_files(url)
    shown = run("info")
    assert shown.exit_code == 0
    assert "version      9, and 9 earlier ones" in shown.stdout
    assert shown.stdout.splitlines()[-1].split()[:4] == ["main", "t", "160", "8"]
    told = json.loads(run("info", "--format", "json").stdout)
    assert (told["location"], told["tables"][0]["files"]) == (url, 8)


def test_a_round_is_done_now(url: str) -> None:
    small_files(url)
    done = run("maintain")
    assert done.exit_code == 0, done.stderr
    assert "main.t: 8 files into 1" in done.stdout
    assert run("maintain").stdout == "there is nothing to do\n"
    assert json.loads(run("maintain", "--format", "json").stdout) == []


def test_a_round_that_fails_ends_with_1(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise EngineFailed("disk full")

    small_files(url)
    monkeypatch.setattr(lake_upkeep, "perform", full)
    failed = run("maintain", "--format", "json")
    assert failed.exit_code == 1
    steps = json.loads(failed.stdout.splitlines()[-1])
    assert {step["outcome"] for step in steps} == {"failed"}


def test_what_cannot_be_reached_ends_with_3() -> None:
    away = run("check", "--lake", "ducklake:postgres://x@127.0.0.1:1/db")
    assert (away.exit_code, "cannot be attached" in away.stderr) == (3, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--lake", "nonsense"), "a lake is ducklake:sqlite"), (("--format", "xml"), "--format")],
)
def test_wrong_usage_ends_with_2(words: tuple[str, str], said: str) -> None:
    wrong = run("info", *words)
    assert (wrong.exit_code, said in wrong.stderr) == (2, True)


def test_one_has_to_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLIGHTKEEPER_LAKE")
    assert "say which lake" in run("check").stderr
