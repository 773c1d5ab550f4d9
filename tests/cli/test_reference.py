"""`flightkeeper reference` on a registry."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from typer.testing import CliRunner, Result

from flightkeeper.cli.main import app

Reference = Callable[..., Result]
NAME = "geo.countries"
ROWS = pa.table({"code": ["de", "fr"], "n": [84, 68]})


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    """Runs the command on a registry of the test's own."""
    env = {"FLIGHTKEEPER_REGISTRY": f"dir://{tmp_path}/registry"}
    return lambda *arguments: CliRunner().invoke(app, ["reference", *map(str, arguments)], env=env)


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def failed(result: Result, code: int) -> str:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    return result.stderr


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("code,n\nde,84\nfr,68\n")
    return path


def test_a_table_is_put_shown_and_deleted(reference: Reference, csv: Path) -> None:
    put = reference("put", NAME, csv, "--primary-key", "code", "--comment", "all")
    assert done(put) == f"version 0 of {NAME}, 2 rows\n"
    assert done(reference("get", NAME, "--format", "csv")) == '"code","n"\n"de",84\n"fr",68\n'
    assert done(reference("list")).startswith(f"{NAME} version 0, 2 rows, by ")
    listed = json.loads(done(reference("list", "--json")))
    assert listed == {"name": NAME, "version": 0, "rows": 2}
    assert done(reference("history", NAME)).startswith("version 0 by ")
    assert done(reference("delete", NAME)) == f"{NAME} is gone\n"
    assert done(reference("list")) == ""
    assert f"there is no reference table {NAME}" in failed(reference("get", NAME), 1)
    assert "there is no reference table" in failed(reference("delete", NAME), 1)


def test_who_is_overtaken_is_told_by_whom(reference: Reference, csv: Path) -> None:
    done(reference("put", NAME, csv))
    assert done(reference("put", NAME, csv, "--version", 0)) == f"version 1 of {NAME}, 2 rows\n"
    told = failed(reference("put", NAME, csv, "--version", 0), 1)
    assert "changed meanwhile and is at version 1, by " in told
    assert "is at version 1" in failed(reference("delete", NAME, "--version", 0), 1)
    lines = done(reference("history", NAME, "--json")).splitlines()
    assert [json.loads(line)["version"] for line in lines] == [0, 1]


@pytest.mark.parametrize("ending", [".arrow", ".arrows", ".parquet", ".jsonl"])
def test_rows_are_read_from_files_of_many_kinds(
    reference: Reference, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"rows{ending}"
    match ending:
        case ".arrow":
            with pa.ipc.new_file(str(path), ROWS.schema) as file:
                file.write_table(ROWS)
        case ".arrows":
            with pa.ipc.new_stream(str(path), ROWS.schema) as stream:
                stream.write_table(ROWS)
        case ".parquet":
            pa_parquet.write_table(ROWS, path)
        case _:
            path.write_text("".join(json.dumps(row) + "\n" for row in ROWS.to_pylist()))
    done(reference("put", NAME, path))
    assert done(reference("get", NAME, "--format", "csv")) == '"code","n"\n"de",84\n"fr",68\n'


def test_what_cannot_be_read_is_told(reference: Reference, tmp_path: Path, csv: Path) -> None:
    assert "cannot be read" in failed(reference("put", NAME, tmp_path / "no.csv"), 1)
    other = tmp_path / "rows.xls"
    other.write_text("x")
    assert "has to end in .arrow" in failed(reference("put", NAME, other), 2)
    assert "has no column x" in failed(reference("put", NAME, csv, "--primary-key", "x"), 2)
    assert "a schema and a table in lower case" in failed(reference("put", "t", csv), 2)
    assert done(reference("list")) == ""
