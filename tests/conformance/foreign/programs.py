"""Programs in other languages: built, run once against real nodes, and what they reported.

A program takes `key=value` arguments and prints one JSON object a line: `{"scenario", "ok",
"values"}`, or `detail` instead of values when the scenario failed. In between it may print
`{"ask": ...}` and read one line of JSON back: what only this side can see of the node.
"""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[3]
BUILT = ROOT / ".tools/foreign"
PROGRAM_TIMEOUT_S = 240.0
IDLE_WITHIN_S = 10.0
_IDLE_PERCENT = 25.0
_WINDOW_S = 0.25

JAVA = (
    "java",
    "-Xmx384m",
    "-XX:MaxDirectMemorySize=256m",
    "-XX:+UseSerialGC",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "-cp",
    f"{BUILT}/java/classes:{BUILT}/java/jars/*",
)
REGISTRY = (
    "java",
    "-Xmx256m",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "-cp",
    f"{BUILT}/registry/classes:{BUILT}/registry/jars/*",
    "Registry",
)
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "java": (*JAVA, "Conformance"),
    "java failover": (*JAVA, "Failover"),
    "java portable": (*JAVA, "Portable"),
    "registry": REGISTRY,
    "go": (f"{BUILT}/go/program",),
    "node": ("node", f"{BUILT}/node/main.mjs"),
    "rust": (f"{BUILT}/rust/target/debug/conformance",),
}


@dataclass(repr=False)
class Outcomes:
    """What a program reported, by scenario."""

    values: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    exit_code: int | None = None
    log: str = ""
    """What the nodes wrote meanwhile."""

    def __getitem__(self, scenario: str) -> Any:
        """The values of a scenario that worked."""
        assert scenario not in self.failures, self.failures[scenario]
        assert scenario in self.values, (
            f"not run; the program ended with {self.exit_code}: {''.join(self.errors)[-2000:]}"
        )
        return self.values[scenario]

    def add(self, report: Mapping[str, Any]) -> None:
        """Take up one line of the report."""
        scenario = str(report["scenario"])
        assert scenario not in self.values.keys() | self.failures.keys(), f"twice: {scenario}"
        if report["ok"]:
            self.values[scenario] = report["values"]
        else:
            self.failures[scenario] = str(report["detail"])


def build(language: str) -> None:
    """Build a program if its sources have changed.

    Raises:
        AssertionError: what the build said, such as which toolchain is missing.
    """
    done = subprocess.run(
        [ROOT / "tools/foreign-clients.sh", language], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr.strip()


def run(
    language: str, arguments: Mapping[str, str], answers: Mapping[str, Callable[[], Any]]
) -> Outcomes:
    """Run a program to its end.

    Args:
        arguments: what it is told, such as the node's location.
        answers: how each of its questions is answered.
    """
    command = [*COMMANDS[language], *(f"{key}={value}" for key, value in arguments.items())]
    outcomes = Outcomes()
    with _started(command, outcomes) as process:
        assert process.stdin is not None
        for line in process.stdout or ():
            report = json.loads(line)
            if "ask" in report:
                process.stdin.write(json.dumps(answers[report["ask"]]()) + "\n")
                process.stdin.flush()
            else:
                outcomes.add(report)
        outcomes.exit_code = process.wait(PROGRAM_TIMEOUT_S)
    return outcomes


@contextmanager
def _started(command: list[str], outcomes: Outcomes) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    bound = threading.Timer(PROGRAM_TIMEOUT_S, process.kill)
    reader = threading.Thread(
        target=lambda: outcomes.errors.extend(process.stderr or ()), name="read-stderr"
    )
    bound.start()
    reader.start()
    try:
        yield process
    finally:
        bound.cancel()
        process.kill()
        process.wait()
        reader.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()


def leaks(told: str) -> list[str]:
    """What an error says that is the node's own business."""
    ours = ("Traceback", ".py", "flight_server", "site-packages", "duckdb.duckdb")
    return [each for each in ours if each in told]


def becomes_idle(pid: int) -> bool:
    """Whether a process stops using the processor soon: nothing runs in its engine any more."""
    process = psutil.Process(pid)
    deadline_s = time.monotonic() + IDLE_WITHIN_S
    while time.monotonic() < deadline_s:
        if process.cpu_percent(interval=_WINDOW_S) < _IDLE_PERCENT:
            return True
    return False
