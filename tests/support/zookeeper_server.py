"""Real Apache ZooKeeper servers for tests: plain Java processes that can be hurt.

Owns the processes it starts and their files, in a directory the caller gives. A missing Java or
missing jars is an error that says what to install, never a skipped test.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.network import Place

LOOPBACK = Place("127.0.0.1", (), "lo")
CLASSPATH_VARIABLE = "FLIGHTKEEPER_ZOOKEEPER_CLASSPATH"
TICK_MS = 500
READY_S = 30.0
_PORTS = range(15_000, 32_000)
"""Above those of services, below those that Linux gives away."""

_REPOSITORY = Path(__file__).resolve().parents[2]
_JAR_FOLDERS = (
    Path("/usr/share/java"),
    _REPOSITORY / ".tools/zookeeper/usr/share/java",
)
# Debian's manifest class path lacks the netty modules; slf4j-simple gives the log on stderr.
_JARS = (
    "zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-simple", "metrics-core", "snappy-java",
    "netty-buffer", "netty-common", "netty-handler", "netty-transport", "netty-codec",
    "netty-resolver", "netty-transport-native-epoll", "netty-transport-native-unix-common",
)  # fmt: skip
_JAVA_OPTIONS = (
    "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
    "-Dzookeeper.jmx.log4j.disable=true", "-Dzookeeper.admin.enableServer=false",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Djava.net.preferIPv4Stack=true",
    "-Dzookeeper.forceSync=no", "-Dzookeeper.preAllocSize=64",
    "-Dznode.container.checkIntervalMs=1000",
)  # fmt: skip


class ZooKeeperMissing(RuntimeError):
    """No Java or no ZooKeeper jars; the text says what to install."""


class ZooKeeperServer:
    """One server process: alone, or a member of an ensemble."""

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        members: Sequence[str] = (),
        my_id: int = 0,
        place: Place = LOOPBACK,
        more: Sequence[str] = (),
        heap_mb: int = 128,
    ) -> None:
        """Prepare a server; `start` starts it.

        Args:
            home: a directory of its own, made if missing.
            port: for clients; a free one by default.
            members: `server.N=…` lines of its ensemble; none when it is alone.
            my_id: its number in the ensemble.
            place: the network it is in.
            more: lines of its configuration.
        """
        self._place = place
        self._heap_mb = heap_mb
        self.port = port or free_ports(1)[0]
        self._home = home
        self._ensemble = bool(members)
        self._process: subprocess.Popen[bytes] | None = None
        data = home / "data"
        data.mkdir(parents=True, exist_ok=True)
        lines = [
            f"tickTime={TICK_MS}", f"dataDir={data}", f"clientPort={self.port}",
            f"clientPortAddress={place.address}", "admin.enableServer=false",
            "4lw.commands.whitelist=*", "maxClientCnxns=0",
        ]  # fmt: skip
        lines += more
        if members:
            lines += ["initLimit=20", "syncLimit=4", "standaloneEnabled=false", *members]
            (data / "myid").write_text(str(my_id))
        (home / "zoo.cfg").write_text("\n".join(lines) + "\n")

    @property
    def hosts(self) -> str:
        """`address:port`."""
        return f"{self._place.address}:{self.port}"

    @property
    def url(self) -> str:
        """The registry URL of this server, without a chroot."""
        return f"zk://{self.hosts}"

    @property
    def pid(self) -> int:
        """Id of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process, not waiting until it serves."""
        kind = "quorum.QuorumPeerMain" if self._ensemble else "ZooKeeperServerMain"
        main = f"org.apache.zookeeper.server.{kind}"
        command = [
            *self._place.inside,
            _java(),
            f"-Xmx{self._heap_mb}m",
            *_JAVA_OPTIONS,
            "-cp",
            classpath(),
            main,
            "zoo.cfg",
        ]
        with (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._home, stdout=log, stderr=log)

    def wait_ready(self) -> None:
        """Wait until it serves."""
        deadline = time.monotonic() + READY_S
        while self.mode() is None:
            assert self._process is not None
            died = self._process.poll() is not None
            if died or time.monotonic() > deadline:
                log = (self._home / "server.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"ZooKeeper on port {self.port} does not serve:\n{log}")
            time.sleep(0.02)

    def mode(self) -> str | None:
        """'standalone', 'leader' or 'follower'; None while it does not serve."""
        # Not "ruok": a server without a quorum answers that, too.
        answer = four_letter_word(self.port, "srvr", self._place.address)
        modes = [line for line in answer.splitlines() if line.startswith("Mode: ")]
        return modes[0].removeprefix("Mode: ") if modes else None

    def figure(self, name: str) -> int:
        """A number that it says of itself, such as "Node count" or "Received"."""
        lines = four_letter_word(self.port, "srvr", self._place.address).splitlines()
        (line,) = [line for line in lines if line.startswith(f"{name}: ")]
        return int(line.removeprefix(f"{name}: "))

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        self._gone()

    def terminate(self) -> None:
        """SIGTERM, and wait until it is gone."""
        self._signal(signal.SIGTERM)
        self._gone()

    def stop(self) -> None:
        """SIGSTOP: the kernel goes on accepting connections, nobody answers."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start it again with the same port and data, and wait until it serves."""
        self.start()
        self.wait_ready()

    def wipe(self) -> None:
        """Lose all data; the server must not run."""
        shutil.rmtree(self._home / "data/version-2")

    def close(self) -> None:
        """Kill it if it runs. Idempotent."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def __enter__(self) -> Self:
        self.start()
        self.wait_ready()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _gone(self) -> None:
        assert self._process is not None
        self._process.wait(timeout=10)


class ZooKeeperEnsemble:
    """Several servers that elect a leader."""

    def __init__(self, home: Path, size: int = 3, places: Sequence[Place] = ()) -> None:
        """Prepare servers.

        Args:
            places: the network each is in; by default all in this machine's loopback.
        """
        where = places or [LOOPBACK] * size
        ports = free_ports(size * 3)
        numbered = [
            (number, *ports[3 * (number - 1) : 3 * number]) for number in range(1, size + 1)
        ]
        members = [
            f"server.{n}={where[n - 1].address}:{peer}:{vote}" for n, _, peer, vote in numbered
        ]
        self.servers = tuple(
            ZooKeeperServer(home / str(n), port=port, members=members, my_id=n, place=where[n - 1])
            for n, port, _, _ in numbered
        )

    @property
    def url(self) -> str:
        """The registry URL of all servers, without a chroot."""
        return "zk://" + ",".join(server.hosts for server in self.servers)

    def leader(self) -> ZooKeeperServer:
        """The server that leads; there must be one."""
        return next(server for server in self.servers if server.mode() == "leader")

    def __enter__(self) -> Self:
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait_ready()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self.servers:
            server.close()


def classpath() -> str:
    """The class path: from the environment, Debian's packages, or debs unpacked in `.tools`.

    Raises:
        ZooKeeperMissing: says what to install.
    """
    if given := os.environ.get(CLASSPATH_VARIABLE):
        return given
    for folder in _JAR_FOLDERS:
        if (folder / "zookeeper.jar").exists():
            return ":".join(str(folder / f"{jar}.jar") for jar in _JARS)
    raise ZooKeeperMissing(
        "no ZooKeeper found: run `make test`, which gets one, or `apt-get install zookeeper`,"
        f" or set {CLASSPATH_VARIABLE}"
    )


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that were free a moment ago, all different.

    None of those that the kernel gives away by itself: while a server is down, a connection's own
    end might get the port, on which the server cannot listen again then.
    """
    # Of the system's randomness: processes that run tests side by side may have the same seed.
    drawn = random.SystemRandom().sample(_PORTS, len(_PORTS))
    free = filter(_is_free, drawn)
    return [next(free) for _ in range(count)]


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def four_letter_word(port: int, word: str, address: str = "127.0.0.1") -> str:
    """The server's answer to a monitoring command; empty when there is none within a second."""
    try:
        with socket.create_connection((address, port), 1.0) as connection:
            connection.settimeout(1.0)
            connection.sendall(word.encode())
            return b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    except OSError:
        return ""


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise ZooKeeperMissing("no Java found: `apt-get install default-jre-headless`")
    return java
