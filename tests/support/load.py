"""A load of reads whose every answer is checked: rows and checksum, against what they must be."""

import itertools
import random
import threading
import time
from dataclasses import dataclass, field

from flightkeeper import client
from tests.support.cluster import MODULUS, ROWS

_SLICE_MAX = 20_000


@dataclass
class Tally:
    """What happened to the statements of a load."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def quantile_ms(self, part: float) -> float:
        """The time below which this part of the statements stayed."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000


class Load:
    """Client threads that read until told to stop; bounded in time by `seconds_max`."""

    def __init__(
        self, connection: client.Connection, threads: int, seed: int, seconds_max: float
    ) -> None:
        self.tally = Tally()
        self._connection = connection
        self._deadline = time.monotonic() + seconds_max
        self._stop = threading.Event()
        # Guards the tally.
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(
                target=self._read, args=(random.Random(seed + n),), name=f"load-{n}", daemon=True
            )
            for n in range(threads)
        ]

    def start(self) -> None:
        """Let the threads begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> Tally:
        """End the load; every statement that was begun is waited for."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        stuck = [thread.name for thread in self._threads if thread.is_alive()]
        assert not stuck, f"statements never ended: {stuck}"
        return self.tally

    def _read(self, rng: random.Random) -> None:
        while not self._stop.is_set() and time.monotonic() < self._deadline:
            low = rng.randrange(ROWS)
            high = min(ROWS, low + rng.randrange(1, _SLICE_MAX))
            began = time.monotonic()
            try:
                table = self._connection.query(
                    f"SELECT i, v FROM number WHERE i >= {low} AND i < {high}"
                ).read_all()
            except client.FlightkeeperError as exc:
                with self._lock:
                    self.tally.failures.append(repr(exc))
                continue
            taken = time.monotonic() - began
            got = (table.num_rows, sum(table["v"].to_numpy().tolist()))
            with self._lock:
                self.tally.seconds.append(taken)
                if got != expected(low, high):
                    self.tally.wrong.append(f"[{low}, {high}): {got}")


_PREFIX = [0, *itertools.accumulate((i * 31) % MODULUS for i in range(ROWS))]


def expected(low: int, high: int) -> tuple[int, int]:
    """Rows and checksum of a slice of `number`."""
    return high - low, _PREFIX[high] - _PREFIX[low]
