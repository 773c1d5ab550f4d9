"""The servers the other tests rely on."""

from pathlib import Path

import pytest

from tests.support import zookeeper_server
from tests.support.zookeeper_server import (
    CLASSPATH_VARIABLE,
    ZooKeeperMissing,
    ZooKeeperServer,
    classpath,
    four_letter_word,
    free_ports,
)

pytestmark = pytest.mark.zookeeper


def test_a_server_dies_and_returns(tmp_path: Path) -> None:
    with ZooKeeperServer(tmp_path) as server:
        assert server.mode() == "standalone"
        server.kill()
        assert server.mode() is None
        server.restart()
        assert server.mode() == "standalone"
        server.terminate()
        server.close()
    assert server.mode() is None


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = ZooKeeperServer(tmp_path)
    (tmp_path / "zoo.cfg").write_text("clientPort=none")
    server.start()
    with pytest.raises(RuntimeError, match="does not serve"):
        server.wait_ready()
    server.close()


def test_missing_jars_are_an_error_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CLASSPATH_VARIABLE, raising=False)
    monkeypatch.setattr(zookeeper_server, "_JAR_FOLDERS", (tmp_path,))
    with pytest.raises(ZooKeeperMissing, match="apt-get install zookeeper"):
        classpath()
    monkeypatch.setenv(CLASSPATH_VARIABLE, "/some/where.jar")
    assert classpath() == "/some/where.jar"


def test_a_missing_java_is_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ZooKeeperMissing, match="Java"):
        ZooKeeperServer(tmp_path / "a").start()


def test_ports_differ() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert four_letter_word(ports[0], "srvr") == ""
