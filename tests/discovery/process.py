"""Another process on the registry: does one thing, then waits to die.

Run as `python -m tests.discovery.process ROLE URL …`; one line on stdout when done.
"""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from flightkeeper.discovery.contention import claim_of
from flightkeeper.discovery.documents import DocumentChanged
from flightkeeper.discovery.locks import LockLost
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import open_registry
from tests.discovery.fenced import Fenced

_ROOT = Path(__file__).resolve().parents[2]
_WAIT_S = 15.0


class Process:
    """A running process, as its parent sees it."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.discovery.process", *arguments]
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


_ROLES = {
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
