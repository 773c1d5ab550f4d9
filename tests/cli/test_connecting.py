"""The client's errors as exit codes."""

from pathlib import Path

import pytest
import typer

from flightkeeper.cli import connecting
from flightkeeper.cli.connecting import Access, connected
from flightkeeper.client import (
    AuthenticationFailed,
    InvalidUrl,
    NoNodeAvailable,
    OutcomeUnknown,
    StatementFailed,
)
from flightkeeper.discovery.errors import RegistryUnavailable
from tests.support.certificates import Authority
from tests.support.processes import running


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidUrl("x://", "scheme", "unknown"), 2),
        (NoNodeAvailable("no node"), 3),
        (RegistryUnavailable("no answer"), 3),
        (AuthenticationFailed("who are you"), 1),
        (StatementFailed("no such table"), 1),
        (OutcomeUnknown("the answer was lost"), 1),
    ],
)
def test_errors_are_one_line_and_a_code(
    error: Exception,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(connecting, "connect", refuse)
    with pytest.raises(typer.Exit) as caught, connected("flightsql+dir:///r", Access()):
        pytest.fail("there was a connection")
    assert caught.value.exit_code == code
    assert capsys.readouterr().err == f"flightkeeper: {error}\n"


def test_other_errors_are_defects_and_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(connecting, "connect", fail)
    with pytest.raises(RuntimeError), connected("flightsql+dir:///r", Access()):
        pytest.fail("there was a connection")


@pytest.mark.parametrize(
    ("url", "username", "user"),
    [
        ("flightsql://h:1", None, None),
        ("flightsql://h:1", "ada", "ada"),
        ("flightsql://ada@h:1,i:2", None, "ada"),
        ("flightsql://ada@h:1", "eve", "eve"),
    ],
)
def test_who_logs_in(
    url: str, username: str | None, user: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}

    def refuse(_url: str, **options: object) -> None:
        seen.update(options)
        raise NoNodeAvailable("no node")

    monkeypatch.setattr(connecting, "connect", refuse)
    monkeypatch.setenv("FLIGHTKEEPER_PASSWORD", "hunter2")
    with pytest.raises(typer.Exit), connected(url, Access(username)):
        pytest.fail("there was a connection")
    assert seen == {"user": user, "password": "hunter2" if user else None, "tls_roots": None}


@pytest.mark.cluster
def test_a_node_is_trusted_by_the_authority_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = (Authority(tmp_path / name, name) for name in ("ours", "theirs"))
    pair = ours.issue("localhost", "localhost", "127.0.0.1")
    flags = ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key))
    with running("serve", "--insecure", "--listen", "grpc+tls://127.0.0.1:0", *flags) as node:
        url = node.line()["location"].replace("grpc+tls://", "flightsql://")
        with connected(url, Access(tls_roots=ours.ca)) as connection:
            assert connection.query("SELECT 1").fetchall() == [(1,)]
        with pytest.raises(typer.Exit) as caught, connected(url, Access(tls_roots=theirs.ca)) as no:
            no.query("SELECT 1")
    assert caught.value.exit_code == 3
    assert "certificate verify failed" in capsys.readouterr().err
