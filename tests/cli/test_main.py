"""The command itself: its verbs, what they load, and what it says without the server's needs."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

from flightkeeper.cli import main
from flightkeeper.cli.main import VERBS, Verb, app

HEAVY = ("pyarrow", "duckdb", "pydantic", "structlog", "kazoo")


@pytest.fixture(autouse=True)
def _libraries_that_a_verb_goes_without_come_back() -> Iterator[None]:
    """What a verb keeps from being imported is kept from its own process only."""
    yield
    for verb in VERBS.values():
        for library in verb.without:
            if library in sys.modules and sys.modules[library] is None:
                del sys.modules[library]


def test_help_lists_every_verb() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for name, verb in VERBS.items():
        assert name in result.stdout
        assert verb.summary in result.stdout


@pytest.mark.parametrize("name", list(VERBS))
def test_every_verb_loads_and_says_what_it_does(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert VERBS[name].summary in result.stdout


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == version("flightkeeper") + "\n"


def test_an_unknown_verb_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["srve"])
    assert result.exit_code == 2
    assert "serve" in result.stderr


def test_help_loads_neither_node_nor_client() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from flightkeeper.cli.main import app; "
        "CliRunner().invoke(app, ['--help']); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    loaded = set(done.stdout.decode().split())
    assert not loaded & set(HEAVY)
    assert "flightkeeper.cli.serve" not in loaded


def test_help_is_quick() -> None:
    command = [sys.executable, "-m", "flightkeeper.cli", "--help"]
    took_s = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Processor time: what other tests take meanwhile is not ours.
        took_s.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(took_s) < 1.0


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_duckdb(_name: str) -> object:
        raise ModuleNotFoundError("No module named 'duckdb'", name="duckdb")

    monkeypatch.setattr("flightkeeper.cli.main.importlib.import_module", without_duckdb)
    result = CliRunner().invoke(app, ["serve"])
    assert result.exit_code == 2
    assert result.stderr == (
        "flightkeeper: this needs duckdb: install it with pip install 'flightkeeper[server]'\n"
    )


def test_a_module_of_ours_that_is_missing_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(main.VERBS, "serve", Verb("flightkeeper.cli.gone", ""))
    result = CliRunner().invoke(app, ["serve"])
    assert isinstance(result.exception, ModuleNotFoundError)
    assert isinstance(app, typer.Typer)
