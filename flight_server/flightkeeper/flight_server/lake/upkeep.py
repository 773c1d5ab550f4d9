"""What a lake needs done now and then, and how much of it at once. Pure.

Theory. Each change of a lake leaves something behind: rows in its catalog instead of in a file,
small files, lists of deleted rows, versions, files that nothing refers to any more. One node puts
it in order, in steps that are small, so that writers do not wait long, and that each are right by
themselves, so that it may end after any of them. What somebody may still read or commit is told by
its age: no statement and no transaction lives as long as files are kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

FLUSH_ROWS: Final = 1_000
"""So many rows of a table, or marks of deleted ones, may stay in the catalog of a lake that keeps
small changes there."""
DELETED_MIN: Final = 0.3
"""A file of which this fraction is deleted is written anew."""
SMALL: Final = 0.5
"""A file below this fraction of the size aimed at is small."""
SMALL_FILES: Final = 8
"""So many small files of a table are merged."""
REWRITE_BYTES_MAX: Final = 512 * 1024 * 1024
"""Read at once when files are written anew, unless one alone is bigger."""
VERSIONS_MAX: Final = 5_000
"""Expired at once."""
MERGES_MAX: Final = 4
"""Files made of a table's small ones in a round."""
TASKS_MAX: Final = 64
"""In a round, of those for one table."""
LOG_BYTES_MAX: Final = 64 * 1024 * 1024
"""So long may SQLite's log be: it begins anew only when nobody reads, and some lakes are always
read."""
ORPHANS_EVERY_S: Final = 86_400.0
FILES_KEPT_MAX_S: Final = 14 * 86_400.0
_ORPHANS_AGE: Final = 7.0
"""Files that the lake does not know are left alone for so many times as long as known ones, and for
as long as these can be kept: one of them may be a transaction's that began under other settings,
and a commit without its file would break the table."""
_MIB: Final = 1024 * 1024
_TEXT_MARGIN_S: Final = 2 * 86_400.0


class Step(StrEnum):
    """Kinds of work, in their order."""

    FLUSH = "flush"
    REWRITE = "rewrite"
    MERGE = "merge"
    UNINLINE = "uninline"
    EXPIRE = "expire"
    CLEAN = "clean"
    ORPHANS = "orphans"
    LEDGER = "ledger"
    LOG = "log"


DELETING: Final = frozenset({Step.CLEAN, Step.ORPHANS})
"""Steps that take away files."""
IN_TURN: Final = frozenset(Step) - DELETING
"""Steps that write what writers write too: they would lose to them again and again, and these to
them. The others may take long, and meet nobody."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things are kept, in seconds, and the size of files aimed at, in bytes.

    Attributes:
        files_s: files that no version has any more; what runs ends before.
        ledger_s: entries of statements that may be sent again.
    """

    snapshots_s: float
    files_s: float
    ledger_s: float
    file_bytes: int


def running_max_s(files_s: float) -> float:
    """How long a statement may run, and how long a transaction may be open.

    A transaction ends with its last statement, so that both together are the longest of all.
    """
    return files_s / 2


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is older may go; Unix times in seconds."""

    snapshots_s: float
    files_s: float
    orphans_s: float
    ledger_s: float


def cutoffs(keeping: Keeping, now_s: float, *, times_are_texts: bool) -> Cutoffs:
    """Since when things are kept.

    Args:
        now_s: Unix time.
        times_are_texts: DuckLake compares the times of files in this catalog as texts of two
            shapes, which is right for whole days only, and those in anybody's time zone.
    """
    files_s = now_s - keeping.files_s
    return Cutoffs(
        now_s - keeping.snapshots_s,
        files_s - _TEXT_MARGIN_S if times_are_texts else files_s,
        now_s - max(_ORPHANS_AGE * keeping.files_s, FILES_KEPT_MAX_S),
        now_s - keeping.ledger_s,
    )


@dataclass(frozen=True, slots=True)
class Worn:
    """A file with many deleted rows: which fraction of it, and its size in bytes."""

    deleted: float
    bytes: int


@dataclass(frozen=True, slots=True)
class TableState:
    """What is to be done for a table.

    Attributes:
        inlined: rows of it in the catalog, and marks of deleted rows.
        asked: reads ask for such rows, whether or not there are any.
        small, small_bytes: files that are small, without deleted rows.
        worn: files with many deleted rows.
    """

    schema: str
    name: str
    inlined: int = 0
    small: int = 0
    small_bytes: int = 0
    worn: tuple[Worn, ...] = ()
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is to be done for a lake.

    Attributes:
        versions: numbers of those that are old enough, the oldest first; cut.
        expirable: how many are.
        scheduled: files that nothing refers to any more.
        cleanable: of these, those that are old enough.
        entries: of the ledger that are old enough.
        log_bytes: of SQLite's log, as far as it is in use.
        orphans_looked_s: when orphans were looked for last, in Unix time.
        rows_in_files: small changes go into files; what is in the catalog, others have put there.
    """

    tables: tuple[TableState, ...] = ()
    versions: tuple[int, ...] = ()
    expirable: int = 0
    scheduled: int = 0
    cleanable: int = 0
    entries: int = 0
    log_bytes: int = 0
    orphans_looked_s: float = float("-inf")
    rows_in_files: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do, in a transaction of its own.

    Attributes:
        deleted_min: files of which this fraction is deleted are written anew.
    """

    step: Step
    schema: str = ""
    table: str = ""
    deleted_min: float = DELETED_MIN
    versions: tuple[int, ...] = field(default=(), repr=False)

    def told(self, outcome: str) -> str:
        """What came of it, for people."""
        return f"{self.schema}.{self.table}: {outcome}" if self.table else outcome


def plan(backlog: Backlog, keeping: Keeping, now_s: float) -> Sequence[Task]:
    """What to do now, in this order.

    Args:
        now_s: Unix time.
    """
    found = [*_flushes(backlog), *_rewrites(backlog), *_merges(backlog, keeping)][:TASKS_MAX]
    if backlog.rows_in_files and any(table.asked for table in backlog.tables):
        found.append(Task(Step.UNINLINE))
    if backlog.versions:
        found.append(Task(Step.EXPIRE, versions=backlog.versions[:VERSIONS_MAX]))
    if backlog.cleanable:
        found.append(Task(Step.CLEAN))
    if now_s - backlog.orphans_looked_s >= min(ORPHANS_EVERY_S, keeping.files_s):
        found.append(Task(Step.ORPHANS))
    if backlog.entries:
        found.append(Task(Step.LEDGER))
    if backlog.log_bytes >= LOG_BYTES_MAX:
        found.append(Task(Step.LOG))
    return found


def _flushes(backlog: Backlog) -> Iterator[Task]:
    few = 1 if backlog.rows_in_files else FLUSH_ROWS
    for table in sorted(backlog.tables, key=lambda table: -table.inlined):
        # DuckLake cannot rewrite files beside rows in the catalog that lack a later column, and
        # does not merge those that marks in the catalog are about.
        hinders = table.inlined and (table.worn or table.small >= SMALL_FILES)
        if table.inlined >= few or hinders:
            yield Task(Step.FLUSH, table.schema, table.name)


def _rewrites(backlog: Backlog) -> Iterator[Task]:
    for table in sorted(backlog.tables, key=lambda table: -len(table.worn)):
        if table.worn:
            yield Task(Step.REWRITE, table.schema, table.name, deleted_min=_worst(table.worn))


def _worst(worn: Sequence[Worn]) -> float:
    """From which fraction on files are written anew, so that it is not too much at once."""
    ordered = sorted(worn, key=lambda file: -file.deleted)
    found, read = ordered[0].deleted, 0
    for file in ordered:
        read += file.bytes
        if read > REWRITE_BYTES_MAX:
            break
        found = file.deleted
    return found


def _merges(backlog: Backlog, keeping: Keeping) -> Iterator[Task]:
    for table in sorted(backlog.tables, key=lambda table: -table.small):
        if table.small >= SMALL_FILES:
            times = 1 + table.small_bytes // keeping.file_bytes
            yield from [Task(Step.MERGE, table.schema, table.name)] * min(times, MERGES_MAX)


def to_do(backlog: Backlog) -> Mapping[Step, int | None]:
    """How much there is to do, step by step; None = only a look at all files would tell."""
    tables = backlog.tables
    return {
        Step.FLUSH: sum(table.inlined for table in tables),
        Step.REWRITE: sum(len(table.worn) for table in tables),
        Step.MERGE: sum(table.small for table in tables),
        Step.UNINLINE: sum(table.asked for table in tables) if backlog.rows_in_files else 0,
        Step.EXPIRE: backlog.expirable,
        Step.CLEAN: backlog.scheduled,
        Step.ORPHANS: None,
        Step.LEDGER: backlog.entries,
        Step.LOG: backlog.log_bytes // _MIB,
    }


@dataclass(frozen=True, slots=True)
class Run:
    """When a step was done last.

    Attributes:
        at_s: when it ended, in Unix time.
        outcome: `done`, `put off` because others changed the same, or `failed`.
        detail: what came of it, for people.
    """

    step: Step
    node: str
    at_s: float
    took_ms: int
    outcome: str
    detail: str
