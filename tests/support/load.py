"""Clients that read and write, and a ledger: answers are checked, writes accounted for."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from flightkeeper import client
from tests.support.cluster import MODULUS, ROWS

_SLICE_MAX = 20_000
_PAUSE_S = 0.002
"""Between two statements of a thread: what is loaded is the cluster, not this process."""


@dataclass(frozen=True, slots=True)
class Done:
    """One read that ended well: when it began, in monotonic seconds, and how long it took."""

    began_s: float
    seconds: float


@dataclass
class Ledger:
    """What happened to the statements of a load.

    Attributes:
        done: the reads that were answered.
        failures: the reads that were not, and why.
        wrong: the reads whose answer was another one than it must be.
        acknowledged: ids of writes that were said to be done.
        unknown: ids of writes of which the client says that it does not know.
        refused: ids of writes that are said to have had no effect, and why.
    """

    done: list[Done] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    unknown: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def between(self, start_s: float, end_s: float) -> "Ledger":
        """The reads that began in a span of time."""
        return Ledger([read for read in self.done if start_s <= read.began_s < end_s])

    def quantile_ms(self, part: float) -> float:
        """The time below which this part of the reads stayed."""
        ordered = sorted(read.seconds for read in self.done)
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000

    def quiet_seconds(self, start_s: float, end_s: float) -> list[int]:
        """The whole seconds of a span in which no read ended."""
        ended = Counter(int(read.began_s + read.seconds - start_s) for read in self.done)
        return [second for second in range(int(end_s - start_s)) if not ended[second]]

    def lies(self, stored: Counter[str]) -> dict[str, list[str]]:
        """What was said of writes and is not so, given what is in the databases in the end."""
        return {
            "lost": sorted(self.acknowledged - set(stored)),
            "doubled": sorted(entry for entry, times in stored.items() if times > 1),
            "done though refused": sorted(set(self.refused) & set(stored)),
        }


def stored(databases: Iterable[Path]) -> Counter[str]:
    """How often each entry is in the databases of nodes that have ended."""
    found: Counter[str] = Counter()
    for path in databases:
        with duckdb.connect(str(path), read_only=False) as database:
            found.update(entry for (entry,) in database.execute("SELECT id FROM entry").fetchall())
    return found


class Load:
    """Client threads that work until told to stop; bounded in time by `seconds_max`."""

    def __init__(
        self,
        connection: client.Connection,
        readers: int,
        seed: int,
        seconds_max: float,
        *,
        writers: int = 0,
    ) -> None:
        self.ledger = Ledger()
        self._connection = connection
        self._deadline = time.monotonic() + seconds_max
        self._stop = threading.Event()
        # Guards the ledger.
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(
                target=self._write if n < writers else self._read,
                args=(random.Random(seed + n), f"{seed}-{n}"),
                name=f"load-{n}",
                daemon=True,
            )
            for n in range(readers + writers)
        ]

    def start(self) -> None:
        """Let the threads begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> Ledger:
        """End the load; every statement that was begun is waited for."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        stuck = [thread.name for thread in self._threads if thread.is_alive()]
        assert not stuck, f"statements never ended: {stuck}"
        return self.ledger

    @property
    def _goes_on(self) -> bool:
        return not self._stop.wait(_PAUSE_S) and time.monotonic() < self._deadline

    def _read(self, rng: random.Random, _name: str) -> None:
        while self._goes_on:
            low = rng.randrange(ROWS)
            high = min(ROWS, low + rng.randrange(1, _SLICE_MAX))
            began = time.monotonic()
            try:
                table = self._connection.query(
                    f"SELECT i, v FROM number WHERE i >= {low} AND i < {high}"
                ).read_all()
            except client.FlightkeeperError as exc:
                with self._lock:
                    self.ledger.failures.append(repr(exc))
                continue
            taken = time.monotonic() - began
            got = (table.num_rows, sum(table["v"].to_numpy().tolist()))
            with self._lock:
                self.ledger.done.append(Done(began, taken))
                if got != expected(low, high):
                    self.ledger.wrong.append(f"[{low}, {high}): {got}")

    def _write(self, _rng: random.Random, name: str) -> None:
        for number in itertools.count():
            if not self._goes_on:
                return
            entry = f"{name}-{number}"
            try:
                rows = self._connection.execute("INSERT INTO entry VALUES (?)", [entry])
            except client.FlightkeeperError as exc:
                with self._lock:
                    where = self.ledger.unknown if exc.in_doubt else self.ledger.refused
                    where[entry] = repr(exc)
                continue
            with self._lock:
                self.ledger.acknowledged.add(entry)
                if rows != 1:
                    self.ledger.wrong.append(f"{entry}: {rows} rows")


_PREFIX = [0, *itertools.accumulate((i * 31) % MODULUS for i in range(ROWS))]


def expected(low: int, high: int) -> tuple[int, int]:
    """Rows and checksum of a slice of `number`."""
    return high - low, _PREFIX[high] - _PREFIX[low]
