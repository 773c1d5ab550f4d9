"""`flightkeeper gateway` as a process: its ready line, flags and end, and TLS on both sides."""

import signal
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from pyarrow import flight
from typer.testing import CliRunner

from flightkeeper.cli.main import app
from flightkeeper.client.options import DEFAULT_SERVICE
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import open_registry
from flightkeeper.flight_server.auth.passwords import hash_password
from tests.cluster.test_rogue_records import Listener
from tests.flight_server.wire_client import WireClient, basic
from tests.support.certificates import Authority
from tests.support.processes import running


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--listen", "http://x:1"), "grpc://host:port"),
        (("--listen", "grpc://127.0.0.1:nine"), "grpc://host:port"),
        (("--listen", "grpc+tls://127.0.0.1:0"), "--tls-cert"),
        (("--listen", "grpc://0.0.0.0:0"), "this machine only"),
        (("--tls-cert", "missing.pem"), "belong together"),
        (("--tls-cert", "missing.pem", "--tls-key", "missing.pem"), "cannot be read"),
        (("--tls-client-ca", "missing.pem"), "needs --tls-cert"),
        (("--tls-roots", "missing.pem"), "cannot be read"),
        (("--transport", "udp"), "tls or tcp"),
        (("--registry", "nowhere"), "nowhere"),
    ],
)
def test_wrong_usage(flags: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(app, ["gateway", "--registry", "dir:///x", *flags])
    assert done.exit_code == 2
    assert words in done.stderr


@pytest.mark.cluster
def test_a_service_without_nodes_is_unreachable(tmp_path: Path) -> None:
    flags = ("--registry", f"dir://{tmp_path}", "--connect-timeout-s", "0.5")
    with running("gateway", *flags) as gateway:
        assert gateway.ended() == 3
        assert "no node of service" in gateway.stderr


@pytest.mark.cluster
def test_over_tls_on_both_sides_and_nothing_said_to_whoever_is_registered(tmp_path: Path) -> None:
    """Beside the node there are a record of a plain address and one of another's certificate."""
    authority, others = Authority(tmp_path / "ca"), Authority(tmp_path / "others")
    pair = authority.issue("localhost", "localhost", "127.0.0.1")
    url, users = f"dir://{tmp_path}/r", tmp_path / "users"
    users.write_text(f"ada:{hash_password('secret')}\n")
    tls = ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key))
    trusting = ("--tls-roots", str(authority.ca), "--transport", "tls")
    with ExitStack() as stack:
        rogues = [
            stack.enter_context(closing(Listener())),
            stack.enter_context(closing(Listener(others.issue("localhost", "127.0.0.1")))),
        ]
        registry = stack.enter_context(closing(open_registry(url)))
        for number, rogue in enumerate(rogues):
            record = Instance(DEFAULT_SERVICE, f"rogue-{number}", rogue.location, f"life {number}")
            assert registry.register(record).wait(10)
        serve = running("serve", "--registry", url, "--users", str(users), *tls)
        assert stack.enter_context(serve).line()["location"].startswith("grpc+tls://")
        gateway = stack.enter_context(running("gateway", "--registry", url, *tls, *trusting))
        location = gateway.line()["location"]
        assert location.startswith("grpc+tls://")
        client = stack.enter_context(WireClient(location, basic("ada", "secret")))
        roots: Any = authority.ca.read_bytes()
        client.flight = flight.FlightClient(
            location, tls_root_certs=roots, middleware=[client._recorder]
        )
        for _ in range(20):
            assert client.value("SELECT 42") == 42
        said = b"".join(rogue.heard for rogue in rogues)
        assert b"authorization" not in said
        assert basic("ada", "secret").partition(" ")[2].encode() not in said
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.ended() == 0
        assert gateway.rest() == []
