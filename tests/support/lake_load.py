"""Clients that write to a lake in all ways and read along, and a ledger that is held against it.

Whatever is hurt meanwhile: what was acknowledged is there once, what was refused is not, and
nothing is there in parts. Of what a client does not know it says so.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import pyarrow as pa

from flightkeeper import client
from flightkeeper.client.errors import FlightkeeperError, StatementConflict, TransactionUndone
from tests.support.threads import Threads

_TRIES_MAX = 5
ACCOUNTS = 8
BALANCE = 1_000
TABLES = (
    "CREATE TABLE entry (id VARCHAR)",
    "CREATE TABLE item (id VARCHAR, number INTEGER, size INTEGER)",
    "CREATE TABLE debit (id VARCHAR, number INTEGER, size INTEGER)",
    "CREATE TABLE credit (id VARCHAR, number INTEGER, size INTEGER)",
    f"""CREATE TABLE account AS
    SELECT i::INTEGER AS id, {BALANCE}::BIGINT AS balance, 0::BIGINT AS moves
    FROM range({ACCOUNTS}) t(i)""",
)
ALL_WAYS: Mapping[str, int] = {"row": 10, "transfer": 4, "batch": 4, "both": 3, "posting": 1}
"""How often each way to write is taken."""
LARGE: Mapping[str, int] = {"large batch": 1, "large both": 1}
"""Ways that take long enough to be killed in."""

_MOVE = """
    UPDATE account SET moves = moves + 1, balance = balance + CASE id WHEN ? THEN -? ELSE ? END
    WHERE id IN (?, ?)"""
# In one statement, so of one version of the lake.
_LOOK = f"""
SELECT
    (SELECT count(*) FROM entry),
    (SELECT count(*) FROM (
        SELECT id FROM item GROUP BY id HAVING count(*) <> any_value(size))),
    (SELECT count(*) FROM (
        SELECT id FROM (SELECT *, 1 AS d FROM debit UNION ALL SELECT *, 0 FROM credit)
        GROUP BY id HAVING sum(d) <> any_value(size) OR sum(1 - d) <> any_value(size))),
    (SELECT sum(balance) - {ACCOUNTS * BALANCE} FROM account)"""


_NUMBERS = re.compile(r"[0-9a-f]{8,}|n?[0-9]+")


@dataclass
class Told:
    """What was said of writes, by their names.

    Attributes:
        acknowledged: they were said to be done.
        unknown: the client said that it does not know, and why.
        refused: they were said to have had no effect, and why.
        reads: how many looks at everything were answered.
        unread: looks that were refused, and why.
        wrong: what was seen and must not be.
        seconds: the longest time that a write took.
    """

    acknowledged: set[str] = field(default_factory=set)
    unknown: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    reads: int = 0
    unread: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def reasons(self) -> Mapping[str, int]:
        """Why writes and looks were refused or are unknown, and how often."""
        texts = [*self.unknown.values(), *self.refused.values(), *self.unread]
        return Counter(_NUMBERS.sub("#", text) for text in texts)

    def __str__(self) -> str:
        """It in numbers."""
        ways = Counter(name.split("-")[0] for name in self.acknowledged)
        return (
            f"{len(self.acknowledged)} writes acknowledged {dict(ways)}, {len(self.unknown)} "
            f"unknown, {len(self.refused)} refused, the longest took {self.seconds:.1f} s; "
            f"{self.reads} reads, {len(self.unread)} refused"
        )


class LakeLoad(Threads):
    """Writers, and one who looks at everything, until told to stop."""

    def __init__(
        self,
        connection: client.Connection,
        writers: int,
        seed: int,
        ways: Mapping[str, int],
        look_every_s: float = 0.2,
    ) -> None:
        super().__init__(writers + 1)
        self._look_every_s = look_every_s
        self.told = Told()
        self._connection = connection
        self._writers = writers
        self._seed = seed
        self._ways = ways
        self._write: Mapping[str, Callable[[str, random.Random], object]] = {
            "row": self._row,
            "transfer": self._transfer,
            "batch": lambda name, rng: self._batch(name, rng.choice([3, 8, 60])),
            "both": lambda name, rng: self._both(name, rng.choice([2, 40])),
            "posting": self._posting,
            "large batch": lambda name, rng: self._batch(name, rng.choice([8, 60_000])),
            "large both": lambda name, rng: self._both(name, rng.choice([9, 2_000])),
        }

    @property
    def acknowledged(self) -> int:
        """How many writes were, so far."""
        with self.lock:
            return len(self.told.acknowledged)

    @property
    def so_far(self) -> str:
        """What was told by now, in numbers."""
        with self.lock:
            return str(self.told)

    def work(self, number: int) -> None:
        """Write, or look on."""
        if number == self._writers:
            self._look_on()
            return
        rng, serial = random.Random(self._seed + number), 0
        while not self.stopped.is_set():
            serial += 1
            (way,) = rng.choices(list(self._ways), list(self._ways.values()))
            self._one(way, f"{way}-{number}-{serial}", rng)

    def _one(self, way: str, name: str, rng: random.Random) -> None:
        began_s = time.monotonic()
        try:
            self._written(way, name, rng)
        except FlightkeeperError as exc:
            with self.lock:
                (self.told.unknown if exc.in_doubt else self.told.refused)[name] = repr(exc)
            return
        with self.lock:
            self.told.acknowledged.add(name)
            self.told.seconds = max(self.told.seconds, time.monotonic() - began_s)
        if way == "row":
            self._read_back(name)

    def _written(self, way: str, name: str, rng: random.Random) -> None:
        """Begin again what others overtook or a node took along, as programs do.

        Nothing of it may be there.
        """
        for _ in range(_TRIES_MAX - 1):
            with suppress(StatementConflict, TransactionUndone):
                self._write[way](name, rng)
                return
        self._write[way](name, rng)

    def _row(self, name: str, _rng: random.Random) -> None:
        self._expect(1, self._connection.execute("INSERT INTO entry VALUES (?)", [name]), name)

    def _transfer(self, name: str, rng: random.Random) -> None:
        self._expect(2, self._connection.execute(_MOVE, _move(rng)), name)

    def _batch(self, name: str, size: int) -> None:
        number = pa.array(range(size), pa.int32())
        rows = pa.table(
            {"id": [name] * size, "number": number, "size": pa.array([size] * size, pa.int32())}
        )
        self._expect(size, self._connection.ingest("item", rows, mode="append"), name)

    def _both(self, name: str, size: int) -> None:
        with self._connection.transaction() as transaction:
            for table in ("debit", "credit"):
                rows = f"SELECT ?, i, {size} FROM range({size}) t(i)"
                transaction.execute(f"INSERT INTO {table} {rows}", [name])

    def _posting(self, name: str, rng: random.Random) -> None:
        """Both, and a transfer with it."""
        with self._connection.transaction() as transaction:
            transaction.execute(_MOVE, _move(rng))
            for table in ("debit", "credit"):
                transaction.execute(f"INSERT INTO {table} VALUES (?, 0, 1)", [name])

    def _expect(self, expected: int, rows: int, name: str) -> None:
        if rows != expected:
            with self.lock:
                self.told.wrong.append(f"{name}: {rows} rows, not {expected}")

    def _read_back(self, name: str) -> None:
        """By whichever node, at once."""
        try:
            found = self._connection.query("SELECT count(*) FROM entry WHERE id = ?", [name])
            ((times,),) = found.fetchall()
        except FlightkeeperError as exc:
            with self.lock:
                self.told.unread.append(repr(exc))
            return
        if times != 1:
            with self.lock:
                self.told.wrong.append(f"{name} was acknowledged and then read {times} times")

    def _look_on(self) -> None:
        while not self.stopped.wait(self._look_every_s):
            with self.lock:
                known = sum(name.startswith("row-") for name in self.told.acknowledged)
            try:
                ((entries, *torn),) = self._connection.query(_LOOK).fetchall()
            except FlightkeeperError as exc:
                with self.lock:
                    self.told.unread.append(repr(exc))
                continue
            with self.lock:
                self.told.reads += 1
                if entries < known or any(torn):
                    self.told.wrong.append(f"{entries} of {known} rows, in parts: {torn}")


def _move(rng: random.Random) -> list[int]:
    source, target = rng.sample(range(ACCOUNTS), 2)
    amount = rng.randrange(1, 50)
    return [source, amount, amount, source, target]


def lies(told: Told, connection: client.Connection) -> list[str]:
    """What was said of writes and is not so, or seen and must not be."""
    found: list[str] = list(told.wrong)
    stored: set[str] = set()
    for table in ("entry", "item", "debit", "credit"):
        size = "1" if table == "entry" else "any_value(size)"
        number = "1" if table == "entry" else "count(DISTINCT number)"
        asked = f"SELECT id, count(*), {number}, {size} FROM {table} GROUP BY id"
        for name, rows, numbers, expected in connection.query(asked).fetchall():
            stored.add(f"{table} {name}")
            if not rows == numbers == expected:
                found.append(f"{name}: {rows} rows of {expected} in {table}")
    for name in sorted(told.acknowledged | told.refused.keys()):
        there = [f"{table} {name}" in stored for table in _tables_of(name)]
        if name in told.acknowledged and not all(there):
            found.append(f"lost: {name}")
        if name in told.refused and any(there):
            found.append(f"done though refused: {name}: {told.refused[name]}")
    return found + _wrong_sums(told, connection, stored)


def _tables_of(name: str) -> tuple[str, ...]:
    way = name.split("-", maxsplit=1)[0].removeprefix("large ")
    tables = {"row": ("entry",), "batch": ("item",), "transfer": ()}
    return tables.get(way, ("debit", "credit"))


def _wrong_sums(told: Told, connection: client.Connection, stored: set[str]) -> list[str]:
    ((balance, moves),) = connection.query(
        "SELECT sum(balance), sum(moves) FROM account"
    ).fetchall()
    postings = sum(each.startswith("debit posting-") for each in stored)
    done = sum(name.startswith("transfer-") for name in told.acknowledged) + postings
    perhaps = sum(name.startswith("transfer-") for name in told.unknown)
    found = []
    if balance != ACCOUNTS * BALANCE:
        found.append(f"the balances add up to {balance}")
    if not 2 * done <= moves <= 2 * (done + perhaps):
        found.append(f"{moves} accounts were moved, by {done} to {done + perhaps} transfers")
    return found
