"""What is told of changes: all of it and nothing else, whatever wrote a table's files anew.

DuckLake alone tells rows that nobody changed across such a time, and leaves out deleted ones. When
it no longer does, `test_ducklake_alone_tells_rows_that_nobody_changed` says so, and the module that
is tested here is not needed any more.
"""

import random
from collections import Counter
from typing import Any

import pytest

from flightkeeper.flight_server.engine import lake_feed
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument

pytestmark = pytest.mark.lake

REWRITE = "CALL ducklake_rewrite_data_files('lake', delete_threshold => 0.0001)"
CHANGES = (
    "INSERT INTO t SELECT i, 0 FROM range({n}, {n} + 60) t(i)",
    "INSERT INTO t VALUES ({n}, 1)",
    "UPDATE t SET v = v + 1 WHERE id % 7 = {n} % 7",
    "DELETE FROM t WHERE id % 5 = {n} % 5",
    "CALL ducklake_merge_adjacent_files('lake')",
    "CALL ducklake_flush_inlined_data('lake')",
    REWRITE,
    REWRITE,
)
Rows = Counter[tuple[object, ...]]


def newest(connection: Connection) -> int:
    ((version,),) = connection.rows("FROM lake.current_snapshot()")
    return int(version)


def asked(connection: Connection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What a caller is answered."""
    given = {str(number): value for number, value in enumerate(values, 1)}
    batches = list(connection.run(parse(sql)[0], given))
    return [row for batch in batches for row in zip(*batch.to_pydict().values(), strict=True)]


def rows(connection: Connection, version: int) -> Rows:
    return Rows(connection.rows(f"SELECT id, v FROM t AT (VERSION => {version})"))


def told(connection: Connection, first: int, last: int) -> Rows:
    """What a range of changes adds up to."""
    found = Rows()
    sql = f"SELECT change_type, id, v FROM lake.table_changes('t', {first}, {last})"
    for kind, *row in asked(connection, sql):
        found[tuple(row)] += 1 if kind in {"insert", "update_postimage"} else -1
    return Rows({row: count for row, count in found.items() if count})


def differs(before: Rows, after: Rows) -> Rows:
    found = after.copy()
    found.subtract(before)
    return Rows({row: count for row, count in found.items() if count})


@pytest.mark.parametrize("seed", range(3))
def test_changes_between_any_two_versions_add_up(in_lake: Connection, seed: int) -> None:
    rng = random.Random(seed)
    in_lake.command("CREATE TABLE t (id INTEGER, v INTEGER)")
    in_lake.command("CREATE TABLE other (id INTEGER)")
    for _ in range(24):
        in_lake.rows(rng.choice(CHANGES).format(n=rng.randrange(1000)))
        in_lake.rows(f"INSERT INTO other VALUES ({rng.randrange(9)})")
    for first, last in [sorted(rng.sample(range(2, newest(in_lake) + 1), 2)) for _ in range(12)]:
        expected = differs(rows(in_lake, first - 1), rows(in_lake, last))
        assert told(in_lake, first, last) == expected, (first, last)


@pytest.fixture
def rewritten(in_lake: Connection) -> Connection:
    """A table of nine rows: three deleted in version 2, files written anew in 3, one added in 4."""
    in_lake.command("CREATE TABLE t AS SELECT i::INTEGER AS id, 0 AS v FROM range(9) t(i)")
    in_lake.command("DELETE FROM t WHERE id < 3")
    in_lake.rows(REWRITE)
    in_lake.command("INSERT INTO t VALUES (9, 1)")
    assert newest(in_lake) == 4
    return in_lake


CHANGED = [(2, "delete", 0), (2, "delete", 1), (2, "delete", 2), (4, "insert", 9)]
FIRST = "snapshot_id, change_type, id"


def test_ducklake_alone_tells_rows_that_nobody_changed(rewritten: Connection) -> None:
    alone = rewritten.rows(f"SELECT {FIRST} FROM lake.table_changes('t', 2, 4) ORDER BY ALL")
    assert (3, "update_preimage", 3) in alone


PARTS = "FROM table_changes('t', 2, 2) UNION ALL FROM table_changes('t', 3, 4)"


@pytest.mark.parametrize(
    ("told", "values"),
    [
        ("lake.table_changes('t', 2, 4)", ()),
        ("table_changes('T', 2, 4)", ()),
        ("main . \"Table_Changes\"('t', 2, 4)", ()),
        ("lake.main.table_changes('t', ?, ?)", (2, 4)),
        ("table_changes($1, $3, $2) WHERE id <> -1", ("t", 4, 2)),
        ("table_changes('t', 1 + 1, (4)) AS c", ()),
        ("table_changes(end_snapshot => 4, table_name => 't', start_snapshot := 2)", ()),
        ("table_changes('t', 2, -- (\n 4) -- )\n", ()),
        ("table_changes('t', 2, 4) c(snapshot_id, _, change_type, id) WHERE ?", (True,)),
        ("(WITH c AS (FROM table_changes('t', 2, 4)) FROM c)", ()),
        (f"({PARTS})", ()),
        ("c: lake.table_changes('t', 2, 4)", ()),
        ("(SELECT ? AS one, * FROM table_changes('t', ?, ?)) WHERE one = ?", (1, 2, 4, 1)),
    ],
)
def test_however_a_range_is_asked(rewritten: Connection, told: str, values: Any) -> None:
    sql = f"SELECT {FIRST} FROM {told} ORDER BY ALL"
    assert asked(rewritten, sql, *values) == CHANGED
    rewritten.begin()
    assert asked(rewritten, sql, *values) == CHANGED


def test_rows_alone_are_told_as_well(rewritten: Connection) -> None:
    sql = "SELECT id FROM lake.table_{}('t', 2, 4) ORDER BY id"
    assert asked(rewritten, sql.format("deletions")) == [(0,), (1,), (2,)]
    assert asked(rewritten, sql.format("insertions")) == [(9,)]


def test_a_call_is_a_statement_too(rewritten: Connection) -> None:
    found = asked(rewritten, "/* all */ CALL lake.table_changes('t', 2, 4)")
    assert sorted((version, kind, number) for version, _, kind, number, _ in found) == CHANGED
    assert asked(rewritten, "CALL lake.table_changes('t', 3, 3)") == []


def test_times_are_those_of_versions(rewritten: Connection) -> None:
    times = [
        str(at)
        for (at,) in rewritten.rows(
            "SELECT snapshot_time::TIMESTAMPTZ::VARCHAR FROM lake.snapshots() ORDER BY snapshot_id"
        )
    ]
    sql = (
        f"SELECT {FIRST} FROM lake.table_changes('t', ?::TIMESTAMPTZ, ?::TIMESTAMPTZ) ORDER BY 1, 3"
    )
    assert asked(rewritten, sql, times[2], times[4]) == CHANGED
    assert asked(rewritten, sql, times[3], times[4]) == CHANGED[3:]
    assert asked(rewritten, sql, times[2], times[3]) == CHANGED[:3]
    since = f"SELECT {FIRST} FROM table_changes('t', now() - INTERVAL 1 DAY, now()) WHERE "
    assert asked(rewritten, f"{since} snapshot_id > 1 ORDER BY ALL") == CHANGED


def test_rows_that_are_told_can_be_kept(rewritten: Connection) -> None:
    read = f"SELECT {FIRST} FROM lake.table_changes('t', 2, 4)"
    rewritten.change(parse(f"CREATE TEMP TABLE kept AS {read}")[0])
    rewritten.change(parse(f"INSERT INTO kept {read} WHERE id > $1")[0], {"1": 2})
    assert asked(rewritten, "FROM kept ORDER BY ALL") == [*CHANGED, CHANGED[-1]]


@pytest.mark.parametrize(
    "verb",
    [
        "MERGE INTO kept USING lake.table_changes('t', 2, 4) c USING (id) WHEN MATCHED THEN DELETE",
        "DELETE FROM kept USING lake.table_changes('t', 2, 4) AS c WHERE kept.id = c.id",
    ],
)
def test_what_is_told_can_be_applied(rewritten: Connection, verb: str) -> None:
    rewritten.command("CREATE TEMP TABLE kept AS SELECT i AS id FROM range(20) t(i)")
    assert rewritten.change(parse(verb)[0]) == 4


def test_a_parameter_may_be_named_in_any_case(rewritten: Connection) -> None:
    (statement,) = parse("SELECT count(*) AS n FROM lake.table_changes('t', $a, $b) WHERE $A = 2")
    for values in ({"a": 2, "b": 4}, {"A": 2, "b": 4}):
        assert [b.to_pydict() for b in rewritten.run(statement, values)] == [{"n": [4]}]


def test_where_parts_cannot_stand_it_is_said(rewritten: Connection) -> None:
    with pytest.raises(InvalidArgument, match=r"write it as \(FROM lake"):
        asked(rewritten, "FROM lake.table_changes('t', 2, 4) WITH ORDINALITY")


def test_a_transaction_that_has_altered_the_table_is_told_so(rewritten: Connection) -> None:
    rewritten.begin()
    rewritten.command("ALTER TABLE t ADD COLUMN more INTEGER")
    with pytest.raises(InvalidArgument, match="a transaction that has altered it"):
        asked(rewritten, "FROM lake.table_changes('t', 2, 4)")


def test_a_range_has_so_many_parts_at_most(
    rewritten: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_feed, "_PARTS_MAX", 1)
    with pytest.raises(InvalidArgument, match=r"2 parts, and 1 are the limit.* up to version 2,"):
        asked(rewritten, "FROM lake.table_changes('t', 2, 4)")


def test_what_runs_later_is_left_as_it_is(rewritten: Connection) -> None:
    told = "FROM lake.table_changes('t', 2, 4)"
    rewritten.change(parse(f"CREATE VIEW told AS {told}")[0])
    ((text,),) = rewritten.rows("SELECT sql FROM duckdb_views() WHERE view_name = 'told'")
    assert "UNION" not in text


def test_columns_are_those_at_the_end(in_lake: Connection) -> None:
    in_lake.command("CREATE TABLE t (id INTEGER, v INTEGER, gone INTEGER)")  # 1
    in_lake.command("INSERT INTO t SELECT i, 0, 0 FROM range(9) t(i)")  # 2
    in_lake.command("DELETE FROM t WHERE id < 2")  # 3
    in_lake.rows(REWRITE)  # 4
    for change in (
        "RENAME COLUMN v TO w",  # 5
        "ADD COLUMN seven BIGINT DEFAULT 7",  # 6
        "ADD COLUMN s STRUCT(a INTEGER)",  # 7
        "DROP COLUMN gone",  # 8
        "ALTER COLUMN id TYPE BIGINT",  # 9
        "RENAME TO u",  # 10
    ):
        in_lake.command(f"ALTER TABLE t {change}")
    in_lake.command("INSERT INTO u VALUES (9, 1, 8, {a: 1})")  # 11
    found = asked(
        in_lake, "SELECT * EXCLUDE rowid FROM lake.table_changes('u', 3, 11) ORDER BY ALL"
    )
    assert found == [
        (3, "delete", 0, 0, 7, None),
        (3, "delete", 1, 0, 7, None),
        (11, "insert", 9, 1, 8, {"a": 1}),
    ]
    assert newest(in_lake) == 11


def test_a_field_that_changes_between_is_refused(in_lake: Connection) -> None:
    in_lake.command("CREATE TABLE t (id INTEGER, s STRUCT(a INTEGER))")
    in_lake.command("INSERT INTO t SELECT i, {a: i} FROM range(9) t(i)")
    in_lake.command("DELETE FROM t WHERE id < 2")
    in_lake.rows(REWRITE)
    in_lake.command("ALTER TABLE t RENAME COLUMN s.a TO b")
    in_lake.command("INSERT INTO t VALUES (9, {b: 9})")
    with pytest.raises(InvalidArgument, match="up to version 3, and from the version after it"):
        asked(in_lake, "FROM lake.table_changes('t', 3, 6)")
    both = [asked(in_lake, f"FROM table_changes('t', {one})") for one in ("3, 3", "4, 6")]
    assert list(map(len, both)) == [2, 1]


def test_a_table_is_told_of_from_its_beginning(in_lake: Connection) -> None:
    in_lake.command("CREATE TABLE other AS SELECT i AS id FROM range(9) t(i)")
    in_lake.command("DELETE FROM other WHERE id < 2")
    in_lake.command("CREATE TABLE t AS SELECT i AS id FROM range(9) t(i)")
    in_lake.command("DELETE FROM t WHERE id < 2")
    in_lake.rows(REWRITE)
    in_lake.rows("SELECT count(*) FROM ducklake_expire_snapshots('lake', versions => [2])")
    sql = "SELECT count(*) FROM lake.table_changes('t', 0, $1)"
    assert asked(in_lake, sql, newest(in_lake)) == [(11,)]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("FROM lake.table_changes('t', 2, 99)", "version 99[^~]*LINE 1: FROM lake"),
        ("FROM lake.table_insertions('t', 2, 99)", "version 99[^~]*LINE 1: FROM lake"),
        ("FROM lake.table_changes('nope', 2, 4)", "nope does not exist"),
        ("FROM lake.table_changes('t', NULL, 4)", "cannot be NULL"),
        ("FROM lake.table_changes('t', 2)", "table_changes"),
        ("FROM lake.table_changes('t', nope, 4)", "nope"),
        (
            "SELECT nope FROM lake.table_changes('t', 2, 4)",
            r"nope[^~]*LINE 1: SELECT nope FROM lake",
        ),
    ],
)
def test_what_is_wrong_is_told_of_the_callers_text(
    rewritten: Connection, sql: str, why: str
) -> None:
    with pytest.raises(InvalidArgument, match=why):
        asked(rewritten, sql)
