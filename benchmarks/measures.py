"""What several benchmarks share: time, memory, and a command line that compares several ways."""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

Figures = Mapping[str, Mapping[str, float]]
"""Of each way to do a thing, by name."""


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began_s = time.monotonic()
    work()
    return time.monotonic() - began_s


def rss_mb(pid: int) -> float:
    """Megabytes that a process has in memory."""
    return float(psutil.Process(pid).memory_info().rss / 2**20)


def compared(about: str, rounds: int, measure: Callable[[int], Figures]) -> None:
    """A command line that measures in so many rounds, prints the figures, and writes them."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    figures = measure(arguments.rounds)
    for name, figure in figures.items():
        print(f"{name}: {', '.join(f'{k} {v:.4g}' for k, v in figure.items())}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
