"""What several benchmarks measure: how long something takes, and what a process has in memory."""

import time
from collections.abc import Callable

import psutil


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began_s = time.monotonic()
    work()
    return time.monotonic() - began_s


def rss_mb(pid: int) -> float:
    """Megabytes that a process has in memory."""
    return float(psutil.Process(pid).memory_info().rss / 2**20)
