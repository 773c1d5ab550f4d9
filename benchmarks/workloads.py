"""What is measured, in rounds: every contender has its turn in every round, so noise is shared."""

import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.contenders import Ask, Contender
from benchmarks.data import BIG_ROWS, POINT, SELECT_ONE, STREAM


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure; the quick plan proves that the harness works."""

    rounds: int = 5
    seconds_per_turn: float = 1.0
    streams_per_turn: int = 3
    warm_up: int = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One contender's result in one workload; the median of its rounds.

    Attributes:
        rate: answers a second, or rows a second for streams.
        p50_ms: the median answer's time.
        megabytes_s: for streams.
    """

    workload: str
    contender: str
    rate: float
    p50_ms: float
    p99_ms: float
    megabytes_s: float = 0.0


def small_statements(
    contenders: Sequence[Contender], statement: str, clients: int, plan: Plan
) -> list[Line]:
    """Answers a second with so many client threads in one process."""
    name = {SELECT_ONE: "select 1", POINT: "point look-up"}[statement]
    asks = {c.name: [c.ask() for _ in range(clients)] for c in contenders}
    rates: dict[str, list[float]] = {c.name: [] for c in contenders}
    times: dict[str, list[float]] = {c.name: [] for c in contenders}
    for _ in range(plan.rounds):
        for contender in contenders:
            taken = _turn(asks[contender.name], statement, plan)
            rates[contender.name].append(len(taken) / plan.seconds_per_turn)
            times[contender.name] += taken
    workload = f"{name}, {clients} client{'s' if clients > 1 else ''}"
    return [
        Line(
            workload,
            contender.name,
            statistics.median(rates[contender.name]),
            _quantile_ms(times[contender.name], 50),
            _quantile_ms(times[contender.name], 99),
        )
        for contender in contenders
    ]


def streams(contenders: Sequence[Contender], plan: Plan) -> list[Line]:
    """The big table, whole."""
    asks = {c.name: c.ask() for c in contenders}
    times: dict[str, list[float]] = {c.name: [] for c in contenders}
    sizes: dict[str, int] = {}
    for _ in range(plan.rounds):
        for contender in contenders:
            for _ in range(plan.streams_per_turn):
                began = time.perf_counter()
                size = asks[contender.name](STREAM)
                times[contender.name].append(time.perf_counter() - began)
                assert size.rows == BIG_ROWS, f"{contender.name} gave {size.rows} rows"
                sizes[contender.name] = size.bytes
    lines = []
    for contender in contenders:
        median = statistics.median(times[contender.name])
        lines.append(
            Line(
                "10M-row stream",
                contender.name,
                BIG_ROWS / median,
                median * 1000,
                _quantile_ms(times[contender.name], 99),
                sizes[contender.name] / median / 1e6,
            )
        )
    return lines


def _turn(asks: Sequence[Ask], statement: str, plan: Plan) -> list[float]:
    taken: list[list[float]] = [[] for _ in asks]

    def work(index: int) -> None:
        ask = asks[index]
        for _ in range(plan.warm_up):
            ask(statement)
        barrier.wait()
        end = time.perf_counter() + plan.seconds_per_turn
        while (began := time.perf_counter()) < end:
            ask(statement)
            taken[index].append(time.perf_counter() - began)

    barrier = threading.Barrier(len(asks))
    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [seconds for one in taken for seconds in one]


def _quantile_ms(seconds: Sequence[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000
