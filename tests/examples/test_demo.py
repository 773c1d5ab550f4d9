"""`make demo`, without a terminal: it holds what it promises and leaves nothing behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 60

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def serving(home: Path) -> set[int]:
    """Processes that were told of a folder."""
    found = set()
    for process in psutil.process_iter(["pid", "cmdline"]):
        if str(home) in " ".join(process.info["cmdline"] or []):
            found.add(process.info["pid"])
    return found


def test_the_demo(tmp_path: Path) -> None:
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo"],
        check=False,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=2 * SECONDS_MAX,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert time.monotonic() - began_s < SECONDS_MAX
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    for words in (
        "336,776 flights",
        "kill -9 node-2",
        "0 failed, every answer right",
        "node-2 takes statements again",
        "flightkeeper.client.connect(",
        "adbc_driver_flightsql.dbapi.connect(",
        "jdbc:arrow-flight-sql://",
    ):
        assert words in done.stdout
    assert not serving(tmp_path)
    assert not list(tmp_path.iterdir())
