"""Small writes from many clients, wherever tables are kept: python -m benchmarks.writers.

Eight clients with a connection each add rows one by one: to a file of DuckDB in process, behind a
node and behind DuckDB's own server, and to lakes behind one node and three; to a lake behind one
node also by statements that are never committed together with others. Stores take turns, so that
noise is shared. What was acknowledged is counted in the end.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.lakes import CATALOGS
from benchmarks.stores import FILE, QUACK, Client, Store, lake_at, stores

_ALONE = ", one by one"
_VALUES = "INSERT INTO {table} VALUES ({writer}, 1)"
_SELECT = "INSERT INTO {table} SELECT {writer}, 1"
"""Has a commit of its own: a SELECT may take long."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one store came to.

    Attributes:
        rate: acknowledged writes a second, the median of the rounds.
    """

    store: str
    clients: int
    rate: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure small writes.")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a store's turn in a round")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--only", default="", help="stores whose name has this in it")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder, stores(Path(folder)) as all_of_them:
        single = {lake_at(catalog, 1) for catalog in CATALOGS}
        alone = [
            Store(f"{each.name}{_ALONE}", each.open) for each in all_of_them if each.name in single
        ]
        chosen = [store for store in [*all_of_them, *alone] if arguments.only in store.name]
        for number, store in enumerate(chosen):
            # Some of the stores are the same lake.
            store.open().change(f"CREATE TABLE entry_{number} (writer BIGINT, n BIGINT)")
        written = dict.fromkeys((store.name for store in chosen), 0)
        for clients in arguments.clients:
            found += measure(chosen, clients, arguments.rounds, arguments.seconds, written)
        for number, store in enumerate(chosen):
            rows = store.open().rows(f"SELECT count(*) AS n FROM entry_{number}")
            (count,) = rows["n"].to_pylist()
            assert count == written[store.name], f"{store.name}: {count}, {written[store.name]}"
    Console().print(_table(found))
    if arguments.json:
        document = {"revision": _revision(), "lines": [asdict(each) for each in found]}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")


def measure(
    chosen: Sequence[Store], clients: int, rounds: int, seconds: float, written: dict[str, int]
) -> list[Figures]:
    """So many clients at each store, in turn.

    Args:
        written: is added to: acknowledged writes of each store.
    """
    opened = {store.name: [store.open() for _ in range(clients)] for store in chosen}
    rates: dict[str, list[float]] = {name: [] for name in opened}
    times: dict[str, list[float]] = {name: [] for name in opened}
    for number in range(rounds + 1):
        for place, (name, its_clients) in enumerate(opened.items()):
            print(f"{clients} clients, round {number}, {name}", file=sys.stderr, flush=True)
            text = (_SELECT if name.endswith(_ALONE) else _VALUES).replace(
                "{table}", f"entry_{place}"
            )
            taken = _turn(its_clients, text, seconds if number else seconds / 4)
            written[name] += len(taken)
            if number:  # the first one fills caches
                rates[name].append(len(taken) / seconds)
                times[name] += taken
    return [_figures(name, clients, rates[name], times[name]) for name in opened]


def _figures(name: str, clients: int, rates: list[float], times: list[float]) -> Figures:
    hundredths = statistics.quantiles(times, n=100, method="inclusive")
    rate = statistics.median(rates)
    return Figures(name, clients, rate, hundredths[49] * 1000, hundredths[98] * 1000)


def _turn(clients: Sequence[Client], text: str, seconds: float) -> list[float]:
    """Seconds that each write took."""
    taken: list[list[float]] = [[] for _ in clients]

    def write(number: int) -> None:
        statement = text.format(writer=number)
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            clients[number].change(statement)
            taken[number].append(time.perf_counter() - began)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [seconds for one in taken for seconds in one]


def _table(found: list[Figures]) -> Table:
    table = Table(title="rows written one by one", title_justify="left")
    for heading in ("store", "clients", "1/s", "p50 ms", "p99 ms", "x Quack", "x file, node"):
        table.add_column(heading, justify="left" if heading == "store" else "right")
    rates = {(each.store, each.clients): each.rate for each in found}
    for each in found:
        bases = [rates.get((name, each.clients)) for name in (QUACK, FILE)]
        table.add_row(
            *(each.store, str(each.clients), f"{each.rate:,.0f}"),
            *(f"{each.p50_ms:.1f}", f"{each.p99_ms:.1f}"),
            *(f"{each.rate / base:.2f}" if base else "" for base in bases),
        )
    return table


def _revision() -> str:
    """Which state of the code was measured."""
    asked = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
