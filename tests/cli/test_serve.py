"""`flightkeeper serve` as a process: its ready line, its ends, its exit codes."""

import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import urlsplit

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyarrow import flight

from flightkeeper.client import FlightkeeperError, connect
from flightkeeper.flight_server.auth.passwords import hash_password
from tests.support.processes import Running, running

pytestmark = pytest.mark.cluster


def ping(location: str) -> None:
    with flight.connect(location) as client:
        client.wait_for_available(timeout=5)


def test_one_line_on_stdout_when_ready_and_logs_on_stderr() -> None:
    with running("serve", "--insecure", "--node-id", "n1", "--log-format", "json") as node:
        ready = node.line()
        assert list(ready) == ["event", "node", "location"]
        assert (ready["event"], ready["node"]) == ("ready", "n1")
        assert ready["location"].startswith("grpc://127.0.0.1:")
        ping(ready["location"])
        node.process.terminate()
        assert node.ended() == 0
        assert node.rest() == []
        assert '"node": "n1"' in node.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(number: signal.Signals, tmp_path: Path) -> None:
    registry = tmp_path / "registry"
    with running("serve", "--insecure", "--registry", f"dir://{registry}") as node:
        node.line()
        node.process.send_signal(number)
        assert node.ended() == 0
    assert "Traceback" not in node.stderr


def test_it_ends_with_the_stdin_of_its_starter() -> None:
    with running("serve", "--insecure", "--until-stdin-closes") as node:
        node.line()
        assert node.process.stdin is not None
        node.process.stdin.close()
        assert node.ended() == 0


def test_without_users_a_password_is_made_and_asked_for() -> None:
    with running("serve") as node:
        location = node.line()["location"]
        assert "login for this run: user flightkeeper, password " in node.stderr
        with flight.connect(location) as client, pytest.raises(flight.FlightUnauthenticatedError):
            list(client.list_flights())
        password = node.stderr.split("password ")[1].split()[0]
        with flight.connect(location) as client:
            header = client.authenticate_basic_token("flightkeeper", password)
            assert str(header).startswith("(b'authorization', b'Bearer ")


def failing(*args: str) -> Running:
    with running(*args) as node:
        node.ended()
        assert node.rest() == []
        assert "Traceback" not in node.stderr
    return node


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        node = failing("serve", "--insecure", "--listen", f"grpc://127.0.0.1:{port}")
    assert node.process.returncode == 1
    assert str(port) in node.stderr


def test_a_database_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    path.write_text("this is no database, and never was one\n" * 1000)
    node = failing("serve", "--insecure", "--database", str(path))
    assert node.process.returncode == 1
    assert str(path) in node.stderr


def test_a_wrong_setting_is_wrong_usage() -> None:
    node = failing("serve", "--weight", "heavy")
    assert node.process.returncode == 2
    assert node.stderr.startswith("flightkeeper: weight, from flag --weight: ")


def test_open_to_others_without_login_is_refused() -> None:
    node = failing("serve", "--listen", "grpc://0.0.0.0:0")
    assert node.process.returncode == 2
    assert "give users" in node.stderr


def certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    cert_path, key_path = directory / "node.crt", directory / "node.key"
    cert_path.write_bytes(signed.public_bytes(pem))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_path.write_bytes(key.private_bytes(pem, form, plain))
    return cert_path, key_path


def test_tls_and_login_open_the_node_to_others(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    users = tmp_path / "users"
    users.write_text(f"ada:{hash_password('hunter2')}\n")
    files = ["--tls-cert", str(cert), "--tls-key", str(key), "--users", str(users)]
    with running("serve", "--listen", "grpc://0.0.0.0:0", *files) as node:
        port = urlsplit(node.line()["location"]).port
        with flight.connect(
            f"grpc+tls://127.0.0.1:{port}", tls_root_certs=cert.read_text()
        ) as client:
            header = client.authenticate_basic_token("ada", "hunter2")
            assert str(header).startswith("(b'authorization', b'Bearer ")


ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = -1"


def test_a_second_signal_stops_at_once_what_a_drain_would_wait_for() -> None:
    outcome: SimpleQueue[Exception] = SimpleQueue()

    def ask(location: str) -> None:
        address = location.removeprefix("grpc://")
        with connect(f"flightsql://{address}?transport=tcp") as connection:
            try:
                connection.query(ENDLESS, timeout_s=60).read_all()
            except FlightkeeperError as exc:
                outcome.put(exc)

    with running("serve", "--insecure", "--drain-timeout-s", "600") as node:
        location = node.line()["location"]
        caller = threading.Thread(target=ask, args=(location,), name="ask", daemon=True)
        caller.start()
        wait_until(lambda: psutil.Process(node.process.pid).cpu_times().user > 2)
        node.process.terminate()
        wait_until(lambda: "draining" in node.stderr)
        assert "statements=1" in node.stderr
        assert node.process.poll() is None
        began_s = time.monotonic()
        node.process.terminate()
        assert node.ended() == 0
        assert time.monotonic() - began_s < 12
        assert isinstance(outcome.get(timeout=20), FlightkeeperError)
        caller.join(20)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
