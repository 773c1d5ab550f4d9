"""`flightkeeper profile write`, and stock ADBC that fails over by what it wrote."""

import os
import signal
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import adbc_driver_flightsql
import adbc_driver_manager.dbapi as adbc
import pytest
from typer.testing import CliRunner

from flightkeeper.cli.main import app
from tests.support.processes import running
from tests.support.stub_process import eventually
from tests.support.zookeeper_server import free_ports


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
            eventually(out.exists)
            first = tomllib.loads(out.read_text())["Options"]["uri"]
            assert ask() == (42,)
            nodes[first].process.kill()
            eventually(lambda: tomllib.loads(out.read_text())["Options"]["uri"] != first)
            assert ask() == (42,)
            writer.process.send_signal(signal.SIGTERM)
            assert writer.ended() == 0


_ASKS = """
import sys
import adbc_driver_manager.dbapi as adbc
with adbc.connect(profile="service", autocommit=True) as connection:
    print("connected", flush=True)
    for _ in sys.stdin:
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT 42")
            value = cursor.fetchone()[0]
            cursor.close()
            print(value, flush=True)
        except adbc.Error as exc:
            print("failed", repr(exc), flush=True)
"""
# The driver looks names up in /etc/hosts alone: a namespace of mounts has one that is ours.
_NAMESPACE = ("unshare", "--map-root-user", "--mount", "sh", "-euc")
_WITH_HOSTS = (
    "mkdir {etc}; ln -s {hosts} {etc}/hosts; echo hosts: files > {etc}/nsswitch.conf;"
    'mount --bind {etc} /etc; exec "$@"'
)


@pytest.mark.cluster
def test_an_open_connection_of_plain_adbc_goes_to_the_next_address_of_its_name(
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    registry, out, hosts = f"dir://{tmp_path}/r", tmp_path / "service.toml", tmp_path / "hosts"
    flags = ("serve", "--insecure", "--registry", registry, "--service", "s")
    arguments = ("--registry", registry, "--service", "s", "--out", str(out))
    named = ("--host", "sql.flightkeeper.test", "--hosts-file", str(hosts))
    driver = ("--driver", adbc_driver_flightsql._driver_path(), "--username", "ada")
    inside = _WITH_HOSTS.format(etc=tmp_path / "etc", hosts=hosts)
    with ExitStack() as stack:
        nodes = {
            address: stack.enter_context(
                running(*flags, "--node-id", f"n{address}", "--listen", f"grpc://{address}:{port}")
            )
            for address in ("127.0.0.1", "127.0.0.2", "127.0.0.3")
        }
        for node in nodes.values():
            node.line()
        writer = running("profile", "write", "--watch", *arguments, *named, *driver)
        stack.enter_context(writer)
        eventually(out.exists)
        asking = subprocess.Popen(
            [*_NAMESPACE, inside, "sh", sys.executable, "-c", _ASKS],
            env={**os.environ, "ADBC_PROFILE_PATH": str(tmp_path), "FLIGHTKEEPER_PASSWORD": "any"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with asking:
            stack.callback(asking.kill)
            assert asking.stdout is not None
            assert asking.stdout.readline() == "connected\n"
            assert _ask(asking) == "42"
            while len(nodes) > 1:
                first = hosts.read_text().split()[0]
                nodes.pop(first).process.kill()
                # The call that finds the connection broken is an error; a later one is not.
                assert "42" in [_ask(asking) for _ in range(3)]
                eventually(partial(_lacks, hosts, first))
            asking.stdin and asking.stdin.close()
            assert asking.wait(20) == 0


def _ask(asking: "subprocess.Popen[str]") -> str:
    assert asking.stdin is not None
    assert asking.stdout is not None
    asking.stdin.write("\n")
    asking.stdin.flush()
    return asking.stdout.readline().strip()


def _lacks(file: Path, text: str) -> bool:
    return text not in file.read_text()
