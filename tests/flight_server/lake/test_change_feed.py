"""What DuckLake tells of changes: all of it, between two times that a table's files are rewritten.

Across such a time it tells rows that nobody changed, and leaves out some that were deleted. When it
no longer does, this says so, and docs/lake.md can say less.
"""

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.lake.history import providers

pytestmark = pytest.mark.lake

REWRITE = "CALL ducklake_rewrite_data_files('lake', delete_threshold => 0.0001)"
CHANGES = (
    "INSERT INTO t SELECT i, 0 FROM range({n}, {n} + 60) t(i)",
    "INSERT INTO t VALUES ({n}, 1)",
    "UPDATE t SET v = v + 1 WHERE id % 7 = {n} % 7",
    "DELETE FROM t WHERE id % 5 = {n} % 5",
    "CALL ducklake_merge_adjacent_files('lake')",
    REWRITE,
)
Rows = Counter[tuple[object, ...]]


def rows(connection: Connection, version: int) -> Rows:
    return Rows(connection.rows(f"SELECT id, v FROM t AT (VERSION => {version})"))


def told(connection: Connection, first: int, last: int) -> Rows:
    """What a range of changes adds up to."""
    found = Rows()
    asked = f"SELECT change_type, id, v FROM lake.table_changes('t', {first}, {last})"
    for kind, *row in connection.rows(asked):
        found[tuple(row)] += 1 if kind in {"insert", "update_postimage"} else -1
    return found


def differs(before: Rows, after: Rows) -> Rows:
    found = after.copy()
    found.subtract(before)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_changes_between_rewrites_add_up(here: Database, seed: int) -> None:
    rng = random.Random(seed)
    with closing(here.connect()) as connection:
        connection.command("CREATE TABLE t (id INTEGER, v INTEGER)")
        for _ in range(24):
            connection.rows(rng.choice(CHANGES).format(n=rng.randrange(1000)))
        snapshots: Sequence[Sequence[Any]] = providers(here)["snapshots"]()
        versions = {int(row[1]): str(row[3]) for row in snapshots}
        newest = max(versions)
        rewritten = [v for v, what in versions.items() if "rewrote files of main.t" in what]
        assert rewritten
        for before, after in pairwise([1, *sorted(rewritten), newest + 1]):
            if before + 1 < after:
                expected = differs(rows(connection, before), rows(connection, after - 1))
                found = told(connection, before + 1, after - 1)
                assert {k: n for k, n in found.items() if n} == {
                    k: n for k, n in expected.items() if n
                }


def test_rows_of_rewritten_files_are_told_as_changed(here: Database) -> None:
    with closing(here.connect()) as connection:
        connection.command("CREATE TABLE t AS SELECT i AS id, 0 AS v FROM range(9) t(i)")
        connection.command("DELETE FROM t WHERE id < 3")
        connection.rows(REWRITE)
        asked = "SELECT count(*) FROM lake.table_changes('t', 3, 3)"
        assert connection.rows(asked) == [(12,)]
