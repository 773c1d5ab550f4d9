"""Whole tables, wherever they are kept: python -m benchmarks.tables.

The 22 questions of TPC-H, ten million rows loaded at once, and single rows looked up by a key the
table is sorted by: in a file of DuckDB in process, behind a node and behind DuckDB's own server,
and in lakes behind a node. Stores take turns; their answers to TPC-H are compared.
"""

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks.lakes import CATALOGS, lake
from benchmarks.stores import (
    FILE,
    IN_PROCESS,
    QUACK,
    Client,
    Store,
    behind_node,
    behind_quack,
    in_process,
    lake_at,
    lake_behind_node,
    loaded,
)

ROWS = 10_000_000
_BIG = f"SELECT range AS id, (hash(range) % 1000)::BIGINT AS n, random() AS x FROM range({ROWS})"
_TABLE = "big"
_BATCH_ROWS = 1 << 17
_Serve = Callable[[], AbstractContextManager[Store]]


@dataclass
class Figures:
    """What one store came to.

    Attributes:
        tpch_s: seconds for all questions, each the best of its rounds.
        ingest_s: seconds for the big table.
        warm_ms: of a look-up, median and the longest but a hundredth.
        cold_ms: of the first look-up after the start; the system still has the files in memory.
    """

    tpch_s: float = math.nan
    ingest_s: float = math.inf
    warm_ms: Sequence[float] = field(default=())
    cold_ms: float = math.nan


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure whole tables.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of TPC-H")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        served = _served(Path(folder), stack)
        figures = {name: Figures() for name in served}
        with ExitStack() as running:
            clients = {
                name: running.enter_context(serve()).open() for name, serve in served.items()
            }
            _tpch(clients, figures, arguments.rounds, arguments.scale)
            _ingests(clients, figures, arguments.rounds)
            _look_ups(clients, figures)
        _first_look_ups(served, figures, arguments.rounds)
    Console().print(_table(figures))
    if arguments.json:
        document = {name: asdict(each) for name, each in figures.items()}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")


def _served(home: Path, stack: ExitStack) -> dict[str, _Serve]:
    """How each store is served, as often as it is wanted; what is in it stays."""
    found: dict[str, _Serve] = {
        IN_PROCESS: partial(in_process, home / "here.duckdb"),
        QUACK: partial(behind_quack, home / "quack.duckdb"),
        FILE: partial(behind_node, home / "node.duckdb"),
    }
    for catalog in CATALOGS:
        place = home / catalog
        place.mkdir()
        of = stack.enter_context(lake(catalog, place))
        found[lake_at(catalog, 1)] = partial(lake_behind_node, catalog, of)
    return found


def _tpch(
    clients: Mapping[str, Client], figures: Mapping[str, Figures], rounds: int, scale: float
) -> None:
    questions = _load(clients, scale)
    taken: dict[str, dict[int, list[float]]] = {name: {} for name in clients}
    # As a session asks them: what a store remembers of a table helps with the next question.
    for turn in range(rounds):
        print(f"TPC-H, round {turn}", file=sys.stderr, flush=True)
        for number, question in questions:
            answers = {}
            for name, one in clients.items():
                began_s = time.perf_counter()
                answers[name] = one.rows(question)
                taken[name].setdefault(number, []).append(time.perf_counter() - began_s)
            for name, answer in answers.items():
                _check_same(f"question {number}, {name}", answer, answers[IN_PROCESS])
    for name, each in taken.items():
        figures[name].tpch_s = sum(map(min, each.values()))
        print(f"TPC-H, {name}: {figures[name].tpch_s:.2f} s", file=sys.stderr, flush=True)


def _load(clients: Mapping[str, Client], scale: float) -> list[tuple[int, str]]:
    """Fill TPC-H's tables; the numbers and texts of its questions."""
    with duckdb.connect() as made:
        loaded(made, "tpch")
        made.execute(f"CALL dbgen(sf = {scale})")
        tables = [name for (name,) in made.execute("SHOW TABLES").fetchall()]
        for table in tables:
            for name, one in clients.items():
                print(f"{table} -> {name}", file=sys.stderr, flush=True)
                reader = made.execute(f"FROM {table}").to_arrow_reader(_BATCH_ROWS)
                one.ingest(table, reader)
        return made.execute("SELECT query_nr, query FROM tpch_queries()").fetchall()


def _check_same(what: str, answer: pa.Table, wanted: pa.Table) -> None:
    assert answer.column_names == wanted.column_names, what
    rows = zip(answer.to_pylist(), wanted.to_pylist(), strict=True)
    for one, other in rows:
        for name, value in one.items():
            # Sums of floating numbers depend on the order.
            same = math.isclose(value, other[name]) if isinstance(value, float) else None
            assert value == other[name] if same is None else same, f"{what}: {one}, {other}"


def _ingests(clients: Mapping[str, Client], figures: Mapping[str, Figures], rounds: int) -> None:
    with duckdb.connect() as made:
        rows = made.execute(_BIG).to_arrow_reader(_BATCH_ROWS).read_all()
    for number in reversed(range(rounds)):
        # Under another name each time: Quack's client does not notice that one was dropped.
        table = f"{_TABLE}_{number}" if number else _TABLE
        for name, one in clients.items():
            print(f"ingest {number}, {name}", file=sys.stderr, flush=True)
            began_s = time.perf_counter()
            one.ingest(table, rows.to_reader(_BATCH_ROWS))
            figures[name].ingest_s = min(time.perf_counter() - began_s, figures[name].ingest_s)
            if number:
                one.change(f"DROP TABLE {table}")


def _look_ups(clients: Mapping[str, Client], figures: Mapping[str, Figures]) -> None:
    taken: dict[str, list[float]] = {name: [] for name in clients}
    rng = random.Random(1)
    for _ in range(20):
        for name, one in clients.items():
            taken[name] += [_look_up(one, rng) for _ in range(10)]
    for name, seconds in taken.items():
        hundredths = statistics.quantiles(seconds, n=100, method="inclusive")
        figures[name].warm_ms = (hundredths[49] * 1000, hundredths[98] * 1000)


def _first_look_ups(
    served: Mapping[str, _Serve], figures: Mapping[str, Figures], rounds: int
) -> None:
    rng = random.Random(2)
    for name, serve in served.items():
        taken = []
        for _ in range(rounds):
            with serve() as store:
                one = store.open()
                one.rows("SELECT 1 AS one")
                taken.append(_look_up(one, rng))
        figures[name].cold_ms = statistics.median(taken) * 1000


def _look_up(one: Client, rng: random.Random) -> float:
    key = rng.randrange(ROWS)
    began_s = time.perf_counter()
    found = one.rows(f"SELECT id, n, x FROM {_TABLE} WHERE id = {key}")
    taken = time.perf_counter() - began_s
    assert found["id"].to_pylist() == [key]
    return taken


def _table(figures: Mapping[str, Figures]) -> Table:
    table = Table(title="whole tables", title_justify="left")
    headings = ("TPC-H s", "x in process", "ingest M rows/s", "look-up p50 ms", "p99", "first")
    for heading in ("", *headings):
        table.add_column(heading, justify="right" if heading else "left")
    base = figures[IN_PROCESS].tpch_s
    for name, each in figures.items():
        table.add_row(
            name,
            *(f"{each.tpch_s:.2f}", f"{each.tpch_s / base:.2f}"),
            f"{ROWS / each.ingest_s / 1e6:.1f}",
            *(f"{figure:.1f}" for figure in (*each.warm_ms, each.cold_ms)),
        )
    return table


if __name__ == "__main__":
    main()
