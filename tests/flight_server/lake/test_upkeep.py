"""What is done for a lake and how much of it at once: backlog, settings and clock in, tasks out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flight_server.lake import upkeep
from flightkeeper.flight_server.lake.upkeep import (
    Backlog,
    Keeping,
    Step,
    TableState,
    Task,
    Worn,
    cutoffs,
    plan,
    running_max_s,
    to_do,
)

NOW_S = 1_800_000_000.0
MB = 1024 * 1024
KEEPING = Keeping(snapshots_s=700, files_s=200, ledger_s=500, file_bytes=100 * MB)
LOOKED = {"orphans_looked_s": NOW_S}


def planned(*tables: TableState, **more: object) -> list[Task]:
    return list(plan(Backlog(tables=tables, **{**LOOKED, **more}), KEEPING, NOW_S))  # type: ignore[arg-type]


def test_nothing_to_do_is_nothing_done() -> None:
    assert planned(TableState("main", "t", small=7)) == []


def test_each_kind_of_work_has_its_place_in_the_order() -> None:
    table = TableState("main", "t", inlined=1000, small=8, worn=(Worn(0.5, 1),), asked=True)
    left = {"versions": (1, 2), "cleanable": 1, "entries": 1, "orphans_looked_s": 0.0}
    tasks = planned(table, **left, log_bytes=upkeep.LOG_BYTES_MAX)
    assert [task.step for task in tasks] == list(Step)
    assert planned(log_bytes=upkeep.LOG_BYTES_MAX - 1) == []


def test_rows_in_the_catalog_are_out_of_the_way_before_files_are_written_anew() -> None:
    tasks = planned(TableState("main", "t", inlined=1, worn=(Worn(0.5, 1),)))
    assert [task.step for task in tasks] == [Step.FLUSH, Step.REWRITE]
    tasks = planned(TableState("main", "t", inlined=1, small=8))
    assert [task.step for task in tasks] == [Step.FLUSH, Step.MERGE]


def test_a_lake_that_keeps_small_changes_in_its_catalog_may_have_some() -> None:
    few, many = (TableState("main", "t", inlined=rows, asked=True) for rows in (999, 1000))
    assert planned(few, rows_in_files=False) == []
    assert planned(many, rows_in_files=False) == [Task(Step.FLUSH, "main", "t")]
    hindered = TableState("main", "t", inlined=1, small=8)
    assert [task.step for task in planned(hindered, rows_in_files=False)] == [
        *(Step.FLUSH, Step.MERGE)
    ]


def test_reads_ask_no_longer_for_rows_in_the_catalog_once_they_are_flushed() -> None:
    tables = [TableState("main", f"t{n}", inlined=n % 2, asked=True) for n in range(200)]
    *flushed, last = planned(*tables)
    assert {task.step for task in flushed} == {Step.FLUSH}
    assert {task.table for task in flushed} <= {table.name for table in tables if table.inlined}
    # However much there is to do, and all at once: each makes nodes load all tables again.
    assert len(flushed) == upkeep.TASKS_MAX
    assert last == Task(Step.UNINLINE)


def test_what_needs_it_most_comes_first() -> None:
    tables = (TableState("main", "a", inlined=1000), TableState("main", "b", inlined=5000))
    assert [task.table for task in planned(*tables)] == ["b", "a"]


def test_a_round_has_an_end() -> None:
    tables = [TableState("main", f"t{n}", inlined=2000) for n in range(500)]
    assert len(planned(*tables)) == upkeep.TASKS_MAX
    versions = tuple(range(2 * upkeep.VERSIONS_MAX))
    (task,) = planned(versions=versions)
    assert task.versions == versions[: upkeep.VERSIONS_MAX]


def test_small_files_become_several_of_the_size_aimed_at() -> None:
    few = TableState("main", "t", small=8, small_bytes=20 * MB)
    assert len(planned(few)) == 1
    assert len(planned(TableState("main", "t", small=80, small_bytes=250 * MB))) == 3
    many = TableState("main", "t", small=900, small_bytes=9000 * MB)
    assert len(planned(many)) == upkeep.MERGES_MAX


@pytest.mark.parametrize(
    ("worn", "least"),
    [
        ([Worn(0.4, MB), Worn(0.9, MB)], 0.4),
        ([Worn(0.4, 400 * MB), Worn(0.9, 400 * MB)], 0.9),
        ([Worn(0.9, 4000 * MB)], 0.9),
    ],
)
def test_the_worst_files_are_written_anew_up_to_a_size(worn: list[Worn], least: float) -> None:
    (task,) = planned(TableState("main", "t", worn=tuple(worn)))
    assert task.deleted_min == least


def test_orphans_are_looked_for_now_and_then() -> None:
    assert not planned(orphans_looked_s=NOW_S - 199)
    assert planned(orphans_looked_s=NOW_S - 200)
    rarely = Keeping(10**7, 10**7, 10**7, MB)
    assert not plan(Backlog(orphans_looked_s=NOW_S - upkeep.ORPHANS_EVERY_S + 1), rarely, NOW_S)


def test_what_is_old_enough() -> None:
    found = cutoffs(KEEPING, NOW_S, times_are_texts=False)
    assert found.snapshots_s == NOW_S - 700
    assert found.files_s == NOW_S - 200
    assert found.ledger_s == NOW_S - 500
    # Far above what any transaction may live, whose files the lake does not know yet, also one
    # that began under other settings.
    assert NOW_S - found.orphans_s == upkeep.FILES_KEPT_MAX_S
    longer = Keeping(700, 5 * 86_400, 500, MB)
    longest_s = 7 * 2 * running_max_s(longer.files_s)
    assert NOW_S - cutoffs(longer, NOW_S, times_are_texts=False).orphans_s >= longest_s


def test_a_statement_and_its_transaction_end_before_files_go() -> None:
    assert 2 * running_max_s(KEEPING.files_s) <= KEEPING.files_s


@given(
    st.just(0.0) | st.floats(0, 40 * 86_400),
    st.integers(-12 * 60, 14 * 60),
    st.floats(0, 3_000_000),
)
def test_texts_of_times_never_name_a_file_that_is_to_be_kept(
    younger_s: float, zone_min: int, now_s: float
) -> None:
    """DuckLake compares `2026-01-02 03:04:05+00`, in its maker's zone, with `2026-01-02T…`."""
    keeping = Keeping(10, 20, 3600, MB)
    scheduled_s = NOW_S + now_s - keeping.files_s + younger_s
    zone = timezone(timedelta(minutes=zone_min))
    scheduled = datetime.fromtimestamp(scheduled_s, zone).isoformat(" ")
    before_s = cutoffs(keeping, NOW_S + now_s, times_are_texts=True).files_s
    assert not scheduled < datetime.fromtimestamp(before_s, UTC).isoformat("T")


def test_what_there_is_to_do_is_counted() -> None:
    table = TableState("main", "t", inlined=3, small=2, worn=(Worn(0.5, 1),))
    other = replace(table, asked=True)
    backlog = Backlog(
        (table, other), expirable=7, scheduled=5, cleanable=1, entries=4, log_bytes=9 * MB
    )
    told = to_do(backlog)
    assert list(told) == list(Step)
    assert list(told.values()) == [6, 2, 4, 1, 7, 5, None, 4, 9 * MB // 2**20]
    # Where small changes are kept in the catalog it is right to ask for them.
    assert to_do(replace(backlog, rows_in_files=False))[Step.UNINLINE] == 0
