"""`flightkeeper profile write`, and stock ADBC that fails over by what it wrote."""

import signal
import time
import tomllib
from pathlib import Path
from typing import Any

import adbc_driver_flightsql
import adbc_driver_manager.dbapi as adbc
import pytest
from typer.testing import CliRunner

from flightkeeper.cli.main import app
from tests.support.processes import running


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["profile", "write", *arguments])


@pytest.mark.parametrize(
    ("extra", "code", "words"),
    [
        (("--registry", "nowhere"), 2, "nowhere"),
        (("--registry", "dir:///x", "--transport", "udp"), 2, "tls or tcp"),
        (("--registry", "dir:///x", "--hosts-file", "h"), 2, "--host"),
    ],
)
def test_wrong_usage(tmp_path: Path, extra: tuple[str, ...], code: int, words: str) -> None:
    done = run("--out", str(tmp_path / "p.toml"), *extra)
    assert (done.exit_code, words in done.stderr) == (code, True)


def test_without_nodes_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    done = run("--registry", f"dir://{tmp_path}/r", "--out", str(tmp_path / "p.toml"))
    assert done.exit_code == 1
    assert "nothing was written" in done.stderr
    assert not (tmp_path / "p.toml").exists()


@pytest.mark.cluster
def test_plain_adbc_goes_where_the_profile_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, out = f"dir://{tmp_path}/r", tmp_path / "service.toml"
    flags = ("serve", "--insecure", "--registry", registry, "--service", "s", "--node-id")
    arguments = ("--registry", registry, "--service", "s", "--out", str(out))
    driver = ("--driver", adbc_driver_flightsql._driver_path(), "--username", "ada")
    monkeypatch.setenv("ADBC_PROFILE_PATH", str(tmp_path))
    monkeypatch.setenv("FLIGHTKEEPER_PASSWORD", "any")

    def ask() -> Any:
        with adbc.connect(profile="service", autocommit=True) as made, made.cursor() as cursor:
            cursor.execute("SELECT 42")
            return cursor.fetchone()

    with running(*flags, "a") as a, running(*flags, "b") as b:
        nodes = {node.line()["location"]: node for node in (a, b)}
        with running("profile", "write", "--watch", *arguments, *driver) as writer:
            deadline_s = time.monotonic() + 20
            while not out.exists():
                assert time.monotonic() < deadline_s, writer.stderr
                time.sleep(0.05)
            first = tomllib.loads(out.read_text())["Options"]["uri"]
            assert ask() == (42,)
            nodes[first].process.kill()
            while tomllib.loads(out.read_text())["Options"]["uri"] == first:
                assert time.monotonic() < deadline_s, writer.stderr
                time.sleep(0.05)
            assert ask() == (42,)
            writer.process.send_signal(signal.SIGTERM)
            assert writer.ended() == 0
