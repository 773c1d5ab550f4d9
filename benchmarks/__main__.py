"""`make bench`: everything, side by side; a table on stdout and JSON beside it.

python -m benchmarks [--quick] [--json FILE]
"""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import footprint, router_pick
from benchmarks.contenders import contenders
from benchmarks.data import POINT, SELECT_ONE
from benchmarks.workloads import Line, Plan, small_statements, streams

RAW = "raw Flight, from memory"
IN_PROCESS = "DuckDB in process"
SMALLEST = "smallest pyarrow.flight + DuckDB"
NODE = "node, pyarrow.flight"
STREAM_WORKLOAD = "10M-row stream"
_QUICK = Plan(rounds=1, seconds_per_turn=0.2, streams_per_turn=2, warm_up=2)
_LONG_ROWS = 100_000_000


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure Flightkeeper beside its baselines.")
    parser.add_argument("--quick", action="store_true", help="one short round, to try the harness")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    plan = _QUICK if arguments.quick else Plan()
    lines = _measure(plan)
    figures = _footprint(1_000_000 if arguments.quick else _LONG_ROWS)
    console = Console()
    for workload in dict.fromkeys(line.workload for line in lines):
        console.print(_table(workload, [line for line in lines if line.workload == workload]))
    console.print(_targets(lines, figures))
    if arguments.json:
        document = {
            "machine": _machine(),
            "lines": [asdict(line) for line in lines],
            "figures": figures,
        }
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")


def _measure(plan: Plan) -> list[Line]:
    with contenders() as (all_of_them, _):
        statements = [contender for contender in all_of_them if contender.name != RAW]
        lines = []
        for statement in (SELECT_ONE, POINT):
            for clients in (1, 8):
                print(f"{statement} with {clients} ...", file=sys.stderr)
                lines += small_statements(statements, statement, clients, plan)
        print("streams ...", file=sys.stderr)
        return lines + streams(all_of_them, plan)


def _footprint(rows: int) -> dict[str, float]:
    print("footprint ...", file=sys.stderr)
    idle, grown = footprint.memory_mb(rows)
    picks = {
        f"router pick at {nodes} nodes, µs": router_pick.microseconds(nodes)
        for nodes in (3, 100, 1000)
    }
    return {
        "node ready, s": footprint.ready_s(),
        "node idle, MB": idle,
        f"growth while streaming {rows // 1_000_000}M rows, MB": grown,
        "import flightkeeper.client, s": footprint.client_import_s(),
        **picks,
        "the client's part of a query, without the network, µs": (
            router_pick.statement_microseconds()
        ),
    }


def _table(workload: str, lines: list[Line]) -> Table:
    stream = workload == STREAM_WORKLOAD
    table = Table(title=workload, title_justify="left")
    for heading in ("", "rows/s" if stream else "1/s", "MB/s" if stream else "p50 ms", "p99 ms"):
        table.add_column(heading, justify="right" if heading else "left")
    bases = [line for line in lines if line.contender in {RAW, IN_PROCESS, SMALLEST}]
    for base in bases:
        table.add_column(f"x {base.contender.split(',')[0].split(' +')[0]}", justify="right")
    for line in lines:
        second = line.megabytes_s if stream else line.p50_ms
        ratios = [f"{line.rate / base.rate:.2f}" for base in bases]
        row = (f"{line.rate:,.0f}", f"{second:,.2f}", f"{line.p99_ms:,.2f}")
        table.add_row(line.contender, *row, *ratios)
    return table


def _targets(lines: list[Line], figures: dict[str, float]) -> Table:
    rates = {(line.workload, line.contender): line.rate for line in lines}
    one = "select 1, 1 client"
    measured = {
        "stream / raw Flight (target ≥ 0.9)": rates[STREAM_WORKLOAD, NODE]
        / rates[STREAM_WORKLOAD, RAW],
        "select 1 / smallest server (target ≥ 0.8)": rates[one, NODE] / rates[one, SMALLEST],
        **{
            f"stream, gateway {mode} / node": rates[STREAM_WORKLOAD, f"gateway, {mode}"]
            / rates[STREAM_WORKLOAD, NODE]
            for mode in ("proxy", "direct")
        },
        **figures,
    }
    table = Table(title="targets and footprint", title_justify="left")
    table.add_column("")
    table.add_column("measured", justify="right")
    for name, value in measured.items():
        table.add_row(name, f"{value:,.2f}")
    return table


def _machine() -> dict[str, object]:
    packages = ("flightkeeper", "pyarrow", "duckdb", "adbc-driver-flightsql", "protobuf")
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


if __name__ == "__main__":
    main()
