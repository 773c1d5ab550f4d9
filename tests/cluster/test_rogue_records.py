"""Whoever can write to the registry can name any address: none of them learns a password."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from kazoo.client import KazooClient

from flightkeeper import client
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import open_registry
from flightkeeper.discovery.urls import parse_registry_url
from flightkeeper.flight_server.auth.passwords import hash_password
from tests.support.certificates import Authority, Pair
from tests.support.processes import running
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.cluster, pytest.mark.zookeeper]

_SERVICE = "guarded"
_USER, _PASSWORD = "ada", "correct horse battery"
_READS = 30


class Listener:
    """Accepts whoever comes, and keeps what they say.

    Attributes:
        location: a Flight URI of it.
        heard: all bytes, after TLS where it speaks TLS.
        callers: connections so far.
    """

    def __init__(self, pair: Pair | None = None) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._context: ssl.SSLContext | None = None
        if pair is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(pair.cert, pair.key)
            self._context.set_alpn_protocols(["h2"])
        scheme = "grpc" if pair is None else "grpc+tls"
        self.location = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        self.heard = b""
        self.callers = 0
        self._threads = [threading.Thread(target=self._accept, name="rogue", daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                self.callers += 1
                caller.settimeout(5)
                thread = threading.Thread(
                    target=self._listen, args=(caller,), name="rogue-caller", daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _listen(self, caller: socket.socket) -> None:
        with suppress(OSError), caller:
            heard = caller
            if self._context is not None:
                heard = self._context.wrap_socket(caller, server_side=True)
            with heard:
                while data := heard.recv(1 << 16):
                    self.heard += data


@contextmanager
def listening(pair: Pair | None = None) -> Iterator[Listener]:
    listener = Listener(pair)
    try:
        yield listener
    finally:
        listener.close()


@pytest.fixture
def registry_url(zookeeper: ZooKeeperServer) -> str:
    return f"{zookeeper.url}/rogue-{uuid4().hex}"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def guarded(registry_url: str, authority: Authority, tmp_path: Path) -> Iterator[None]:
    """One true node, over TLS, that wants a login."""
    pair = authority.issue("node", "127.0.0.1")
    users = tmp_path / "users"
    users.write_text(f"{_USER}:{hash_password(_PASSWORD)}\n")
    flags = f"--registry {registry_url} --service {_SERVICE} --node-id true --users {users}"
    flags += f" --tls-cert {pair.cert} --tls-key {pair.key} --listen grpc+tls://127.0.0.1:0"
    with running("serve", *flags.split()) as node:
        assert node.line()["event"] == "ready"
        yield


def connect(url: str, authority: Authority, tmp_path: Path, query: str = "") -> client.Connection:
    return client.connect(
        f"flightsql+{url}?service={_SERVICE}{query}",
        user=_USER,
        password=_PASSWORD,
        tls_roots=authority.ca.read_bytes(),
        cache_dir=tmp_path,
    )


def read_a_lot(connection: client.Connection) -> None:
    for number in range(_READS):
        answer = connection.query("SELECT ?::INT + 1 AS n", [number]).read_all()
        assert answer["n"].to_pylist() == [number + 1]


@pytest.mark.usefixtures("guarded")
def test_a_record_with_a_wrong_address_gets_no_login(
    registry_url: str, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "stranger", "stranger")
    with ExitStack() as stack:
        rogues = [
            stack.enter_context(listening()),
            stack.enter_context(listening(stranger.issue("wrong-ca", "127.0.0.1"))),
            stack.enter_context(listening(authority.issue("wrong-name", "127.0.0.2"))),
            stack.enter_context(listening(authority.issue("expired", "127.0.0.1", days=-1))),
        ]
        registry = stack.enter_context(closing(open_registry(registry_url)))
        for number, rogue in enumerate(rogues):
            registration = registry.register(
                Instance(_SERVICE, f"rogue-{number}", rogue.location, uuid4().hex)
            )
            assert registration.wait(10)
        connection = stack.enter_context(
            connect(registry_url, authority, tmp_path, "&transport=tls")
        )
        read_a_lot(connection)
        assert {node.instance.node_id for node in connection.nodes()} > {"true"}
    plain, *over_tls = rogues
    assert plain.callers == 0
    assert any(rogue.callers for rogue in over_tls), "nobody tried them: nothing was shown"
    # With TLS nothing of HTTP/2 is said before the certificate has been judged.
    assert [rogue.heard for rogue in rogues] == [b""] * len(rogues)


@pytest.mark.usefixtures("guarded")
def test_when_only_rogues_are_left_the_error_names_each_and_its_fault(
    registry_url: str, authority: Authority, tmp_path: Path
) -> None:
    lonely = f"{registry_url}/lonely"
    with ExitStack() as stack:
        rogue = stack.enter_context(listening())
        registry = stack.enter_context(closing(open_registry(lonely)))
        registration = registry.register(Instance(_SERVICE, "rogue", rogue.location, "1"))
        assert registration.wait(10)
        with pytest.raises(client.NoNodeAvailable) as caught:
            connect(lonely, authority, tmp_path, "&transport=tls")
    assert "plain text, so no login is shown there" in caught.value.reasons["rogue"]
    assert _PASSWORD not in str(caught.value)
    assert rogue.heard == b""


@pytest.mark.usefixtures("guarded")
def test_garbage_beside_the_records_changes_nothing(
    registry_url: str, authority: Authority, tmp_path: Path
) -> None:
    parsed = parse_registry_url(registry_url)
    garbage = {
        "empty": b"",
        "binary": bytes(range(256)) * 8,
        "no-json": b"{",
        "a-list": b"[]",
        "wrong-types": b'{"name": 7, "id": [], "uriSpec": "x", "payload": "no"}',
        "huge": b'{"name": "' + b"x" * 500_000 + b'"}',
        "deep": b"[" * 20_000,
    }
    writer = KazooClient(parsed.host_list + parsed.path)
    writer.start()
    try:
        with connect(registry_url, authority, tmp_path) as connection:
            for name, data in garbage.items():
                writer.create(f"/services/{_SERVICE}/{name}", data, ephemeral=True)
            read_a_lot(connection)
            assert [node.instance.node_id for node in connection.nodes()] == ["true"]
        # One that comes only now sees the same.
        with connect(registry_url, authority, tmp_path / "fresh") as connection:
            read_a_lot(connection)
    finally:
        writer.stop()
        writer.close()
