"""Another process on the registry: does one thing, then waits to die.

Run as `python -m tests.discovery.process ROLE URL …`; one line on stdout when done.
"""

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from flightkeeper.discovery.contention import claim_of
from flightkeeper.discovery.documents import DocumentChanged
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.leading import Leading
from flightkeeper.discovery.locks import Hold, LockLost
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Registry, open_registry
from tests.discovery.fenced import Fenced

_ROOT = Path(__file__).resolve().parents[2]
_WAIT_S = 15.0
_CUT_S = 60.0


class Process:
    """A running process, as its parent sees it."""

    def __init__(self, *arguments: str, inside: Sequence[str] = ()) -> None:
        """Start it.

        Args:
            inside: what to put before the command, so that it runs in a network of its own.
        """
        command = [*inside, sys.executable, "-m", "tests.discovery.process", *arguments]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def say_go(self) -> None:
        """Let it do what it was started for."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def line(self) -> str:
        """What it said when it was done."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Idempotent."""
        self._process.kill()
        self._process.communicate(timeout=10)


def registering(url: str, instance: Instance, session_timeout_s: float) -> Process:
    """A process that keeps a node registered."""
    fields = (instance.service, instance.node_id, instance.location, instance.incarnation)
    process = Process("register", url, str(session_timeout_s), *fields)
    assert process.line() == "registered"
    return process


def _register(arguments: list[str]) -> str:
    url, session_timeout_s, service, node_id, location, incarnation = arguments
    registry = open_registry(url, session_timeout_s=float(session_timeout_s))
    registration = registry.register(Instance(service, node_id, location, incarnation))
    return "registered" if registration.wait(_WAIT_S) else "nothing"


def _agree(arguments: list[str]) -> str:
    url, name, proposal = arguments
    registry = open_registry(url)
    sys.stdin.readline()
    return registry.agree(name, proposal.encode()).decode()


def _count(arguments: list[str]) -> str:
    url, name, times = arguments
    registry = open_registry(url)
    sys.stdin.readline()
    left = int(times)
    while left:
        found = registry.read_document(name)
        number, version = (0, None) if found is None else (int(found.data), found.version)
        with suppress(DocumentChanged):
            registry.write_document(name, b"%d" % (number + 1), version)
            left -= 1
    return "counted"


def _lock(arguments: list[str]) -> str:
    url, name, *code = arguments
    claim = claim_of("".join(code))
    # Kept by the frame that never ends.
    return str(open_registry(url, session_timeout_s=2.0).lock(name, _WAIT_S, claim=claim).token)


def _act(arguments: list[str]) -> str:
    """Act on what is fenced until it is refused, and never ask whether the lock is still held."""
    url, name, code = arguments
    registry = open_registry(url, session_timeout_s=4.0)
    claim = claim_of(code)
    hold = registry.lock(name, _WAIT_S, claim=claim)
    sys.stdout.write(f"{hold.token}\n")
    sys.stdout.flush()
    acts = 0
    fenced = Fenced(registry)
    while fenced.act(claim, hold):
        acts += 1
    return f"refused after {acts}"


def _guard(arguments: list[str]) -> str:
    """Write the token under the lock until it is lost, or another one's token is there."""
    url, name, document = arguments
    registry = open_registry(url, session_timeout_s=4.0)
    hold = registry.lock(name, _WAIT_S)
    written = registry.write_document(document, b"%d" % hold.token, None, guard=hold)
    sys.stdout.write(f"{hold.token}\n")
    sys.stdout.flush()
    try:
        while True:
            found = registry.read_document(document)
            assert found is not None
            with suppress(DocumentChanged):
                written = registry.write_document(
                    document, b"%d" % hold.token, found.version, guard=hold
                )
    except LockLost:
        return f"lost after {written.version}"


def _cut_off(arguments: list[str]) -> str:
    """Hold a lock and lead a duty; say when both were over, and what came of being late."""
    url, name, document = arguments
    registry = open_registry(url, session_timeout_s=4.0)
    led: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()

    def work(hold: Hold) -> None:
        led.put((hold.token, 0.0))
        hold.wait_lost(_CUT_S)
        led.put((hold.token, time.monotonic()))

    leading = Leading(registry, name, work)
    hold = registry.lock(name, _WAIT_S)
    _say(hold.token, led.get(timeout=_WAIT_S)[0])
    writing = threading.Thread(target=_write_on, args=(registry, document, hold))
    writing.start()
    hold.wait_lost(_CUT_S)
    _say(time.monotonic(), led.get(timeout=_CUT_S)[1])
    sys.stdin.readline()
    found = registry.read_document(document, _CUT_S)
    assert found is not None
    try:
        registry.write_document(document, b"late", found.version, guard=hold)
    except LockLost:
        _say("refused", hold.lost, leading.token)
    writing.join(_CUT_S)
    again = registry.lock(name, _CUT_S)
    return f"{again.token} {led.get(timeout=_CUT_S)[0]}"


def _write_on(registry: Registry, document: str, hold: Hold) -> None:
    """Write the token again and again, so that one write is on its way whenever it is cut off."""
    with suppress(RegistryError):
        while True:
            found = registry.read_document(document)
            version = None if found is None else found.version
            registry.write_document(document, b"%d" % hold.token, version, guard=hold)


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


_ROLES = {
    "cut off": _cut_off,
    "act": _act,
    "guard": _guard,
    "lock": _lock,
    "register": _register,
    "agree": _agree,
    "count": _count,
}

if __name__ == "__main__":
    sys.stdout.write(_ROLES[sys.argv[1]](sys.argv[2:]) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
