"""The nodes of `flightkeeper up`: child processes that serve, from start to end.

Owns the children and a thread per child that reads its stdout. The end of a child's stdin tells
it to drain, so that no node outlives this process however it dies. What is printed, and when to
stop, is the verb's to decide.
"""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

_KILL_GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class NodeReady:
    """A node printed its ready line; `location` is where clients reach it."""

    node_id: str
    location: str
    line: str


@dataclass(frozen=True, slots=True)
class NodeEnded:
    """A node's process is gone; `code` as subprocess has it, negative for a signal."""

    node_id: str
    code: int

    @property
    def reason(self) -> str:
        """How it ended, for a person."""
        if self.code < 0:
            return f"killed by {signal.Signals(-self.code).name}"
        return f"exit code {self.code}"


NodeEvent = NodeReady | NodeEnded


@dataclass(frozen=True, slots=True)
class _Child:
    """A child process and the thread that reads its stdout, which closes it."""

    process: "subprocess.Popen[str]"
    reader: threading.Thread

    def release(self) -> None:
        """Let go of an ended child."""
        if self.process.stdin:
            self.process.stdin.close()
        self.reader.join(_KILL_GRACE_S)


@dataclass(slots=True)
class Cluster:
    """Serving child processes. Methods are for one thread; `events` is for any.

    Attributes:
        flags: the flags of every node, without its name.
        log: where the children's stderr goes; None for this process's own.
        events: what happened to the children, in order per child.
    """

    flags: Sequence[str]
    log: IO[str] | None = None
    events: "queue.SimpleQueue[NodeEvent]" = field(default_factory=queue.SimpleQueue)
    _children: dict[str, _Child] = field(default_factory=dict)

    def start(self, node_id: str) -> int:
        """Start one node; its events tell when it is ready.

        A name whose node has ended may be started again. Returns: the process id.
        """
        command = [sys.executable, "-m", "flightkeeper.cli", "serve", "--until-stdin-closes"]
        process = subprocess.Popen(  # noqa: S603  our own program, arguments as a list
            [*command, "--node-id", node_id, *self.flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            # A session of its own: Ctrl-C reaches `up` alone, which drains the nodes once.
            start_new_session=True,
        )
        reader = threading.Thread(
            target=self._read, args=(node_id, process), name=f"read-{node_id}", daemon=True
        )
        reader.start()
        if node_id in self._children:
            self._children[node_id].release()
        self._children[node_id] = _Child(process, reader)
        return process.pid

    def drain(self) -> None:
        """Ask all nodes to drain; returns at once."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End all nodes at once."""
        self._signal(signal.SIGKILL)

    def close(self, timeout_s: float) -> None:
        """Drain, wait for the ends, kill what is left after the timeout. Idempotent."""
        self.drain()
        deadline = time.monotonic() + timeout_s
        for child in self._children.values():
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait(_KILL_GRACE_S)
            child.release()
        self._children.clear()

    def _signal(self, number: signal.Signals) -> None:
        for child in tuple(self._children.values()):
            child.process.send_signal(number)

    def _read(self, node_id: str, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                location = _ready_location(line)
                if location:
                    self.events.put(NodeReady(node_id, location, line.rstrip()))
        self.events.put(NodeEnded(node_id, process.wait()))


def _ready_location(line: str) -> str:
    """Where a node that printed its ready line is reached; "" for any other line."""
    try:
        document = json.loads(line)
    except ValueError:
        return ""
    ready = isinstance(document, dict) and document.get("event") == "ready"
    return str(document.get("location", "")) if ready else ""
