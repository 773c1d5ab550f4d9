"""Copies of tables that a node reads in their place, on a lake that another node changes."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from flightkeeper.flight_server.engine import lake_copies, snapshots
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.lake_copies import COPIES
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument
from flightkeeper.flight_server.lake import copying
from flightkeeper.flight_server.lake.copies import Copies
from flightkeeper.flight_server.lake.copying import READS_MIN
from flightkeeper.flight_server.lake.reads import Reading
from flightkeeper.flight_server.lake.snapshot import Snapshot
from tests.support.stub_process import eventually

pytestmark = pytest.mark.lake

_ENOUGH = 1 << 30
_SEED = 11


class Reader:
    """Reads on a node with copies, and knows whether the last one was over some."""

    def __init__(self, database: Database, copies: Copies) -> None:
        self.database = database
        self.copies = copies
        self.connection = database.connect()
        self.over = False

    def rows(self, text: str, snapshot: Snapshot | None = None) -> list[dict[str, object]]:
        """What a read answers."""
        (statement,) = parse(text)
        ran: list[str] = []
        run = self.connection.run

        def noting(*arguments: object) -> object:
            ran.append(arguments[0].sql)  # type: ignore[attr-defined]
            return run(*arguments)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.connection, "run", noting)
            reading = Reading(self.database.lake, snapshot, self.copies)
            with closing(reading.run(self.connection, statement, ())) as result:
                found = [row for batch in result for row in batch.to_pylist()]
        self.over = COPIES in ran[-1]
        return found

    def copied(self, text: str) -> None:
        """Read until it is over copies."""

        def is_over() -> bool:
            self.rows(text)
            return self.over

        eventually(is_over)


@pytest.fixture
def limit() -> list[int]:
    return [_ENOUGH]


@pytest.fixture
def reader(here: Database, limit: list[int]) -> Iterator[Reader]:
    copies = Copies(here, lambda: limit[0])
    made = Reader(here, copies)
    made.connection.command("CREATE TABLE t AS SELECT range AS i FROM range(1000)")
    yield made
    copies.close()
    made.connection.close()


@pytest.fixture
def other(there: Database) -> Iterator[Connection]:
    """A connection of another node."""
    with closing(there.connect()) as made:
        yield made


COUNT = "SELECT count(*) AS n, sum(i) AS s FROM t"


def test_a_table_that_is_read_again_is_copied(reader: Reader) -> None:
    for _ in range(READS_MIN):
        assert reader.rows(COUNT) == [{"n": 1000, "s": 499500}]
        assert not reader.over
    eventually(reader.copies.held)
    assert reader.rows(COUNT) == [{"n": 1000, "s": 499500}]
    assert reader.over
    ((copy, reads),) = reader.copies.held()
    assert (copy.path, reads) == (("main", "t"), 1)


def test_a_change_by_whomever_is_seen_at_once(reader: Reader, other: Connection) -> None:
    reader.copied(COUNT)
    other.command("INSERT INTO t VALUES (1)")
    assert reader.rows(COUNT) == [{"n": 1001, "s": 499501}]
    assert not reader.over
    assert not reader.copies.held()
    reader.copied(COUNT)
    assert reader.rows(COUNT) == [{"n": 1001, "s": 499501}]


def test_changes_of_other_tables_leave_it(reader: Reader, other: Connection) -> None:
    reader.copied(COUNT)
    for change in ("CREATE TABLE u (j INTEGER)", "INSERT INTO u VALUES (1)"):
        other.command(change)
    assert reader.rows("SELECT count(*) AS n FROM t JOIN u ON i = j") == [{"n": 1}]
    assert reader.over


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        ("ALTER TABLE t RENAME TO other", True),
        ("DROP TABLE t", True),
        ("CREATE OR REPLACE TABLE t AS SELECT 7 AS i", False),
        ("BEGIN; ALTER TABLE t RENAME TO old; CREATE VIEW t AS SELECT 7 AS i; COMMIT", False),
    ],
)
def test_a_name_means_what_it_means_now(
    reader: Reader, other: Connection, change: str, *, fails: bool
) -> None:
    reader.copied(COUNT)
    other.command(change)
    if fails:
        with pytest.raises(InvalidArgument, match="t does not exist"):
            reader.rows(COUNT)
    else:
        assert reader.rows(COUNT) == [{"n": 1, "s": 7}]


def test_an_error_is_in_words_of_the_tables(reader: Reader) -> None:
    reader.copied(COUNT)
    with pytest.raises(InvalidArgument) as caught:
        reader.rows("SELECT nothing FROM t")
    assert COPIES not in str(caught.value)
    assert "FROM t" in str(caught.value)
    assert reader.rows("SELECT (SELECT max(i) FROM t)") == [{"(SELECT max(i) FROM t)": 999}]
    assert not reader.over


def test_what_hides_a_table_hides_its_copy(reader: Reader) -> None:
    reader.copied(COUNT)
    reader.connection.hold("t", "SELECT 7 AS i")
    assert reader.rows(COUNT) == [{"n": 1, "s": 7}]
    assert not reader.over


def test_a_copy_is_not_followed_through_very_many_versions(
    reader: Reader, other: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BEHIND_MAX", 2)
    reader.copied(COUNT)
    for number in range(3):
        other.command(f"CREATE TABLE other{number} (i INTEGER)")
    assert reader.rows(COUNT) == [{"n": 1000, "s": 499500}]
    assert not reader.over
    assert not reader.copies.held()


def test_older_versions_are_of_the_lake(reader: Reader, other: Connection) -> None:
    reader.copied(COUNT)
    version = reader.copies.held()[0][0].since
    old = Snapshot(reader.database.lake, version)
    assert reader.rows(COUNT, old) == [{"n": 1000, "s": 499500}]
    assert reader.over
    other.command("DELETE FROM t")
    assert reader.rows(COUNT) == [{"n": 0, "s": None}]
    assert reader.rows(COUNT, old) == [{"n": 1000, "s": 499500}]
    assert not reader.over


def test_who_reads_a_copy_reads_it_to_its_end(reader: Reader, other: Connection) -> None:
    reader.connection.command("CREATE TABLE big AS SELECT range AS i FROM range(1_000_000)")
    text = "SELECT i FROM big"
    for _ in range(READS_MIN):
        reader.rows(f"{text} LIMIT 1")
    eventually(reader.copies.held)
    (statement,) = parse(text)
    with closing(reader.database.connect()) as connection:
        reading = Reading(reader.database.lake, None, reader.copies)
        with closing(reading.run(connection, statement, ())) as result:
            batches = iter(result)
            rows = next(batches).num_rows
            other.command("DROP TABLE big")
            with pytest.raises(InvalidArgument):
                reader.rows(text)
            rows += sum(batch.num_rows for batch in batches)
    assert rows == 1_000_000


def test_room_is_made_and_kept(reader: Reader, limit: list[int]) -> None:
    reader.connection.command("CREATE TABLE u AS FROM t")
    reader.copied(COUNT)
    limit[0] = reader.copies.held()[0][0].size
    reader.copied("SELECT count(*) AS n FROM u")
    ((copy, _),) = reader.copies.held()
    assert copy.path == ("main", "u")
    limit[0] -= 1
    for _ in range(3 * READS_MIN):
        reader.rows(COUNT)
        assert not reader.over
    limit[0] = 0
    reader.rows("SELECT count(*) AS n FROM u")
    assert not reader.over
    assert not reader.copies.held()


def test_nothing_is_left_of_what_was_given_up(reader: Reader, other: Connection) -> None:
    reader.copied(COUNT)
    ((copy, _),) = reader.copies.held()
    asked = f'FROM {COPIES}.main."{copy.name}"'
    assert len(reader.connection.rows(asked)) == 1000
    other.command("DELETE FROM t WHERE i = 0")
    reader.rows(COUNT)

    def is_gone() -> bool:
        try:
            reader.connection.rows(asked)
        except InvalidArgument:
            return True
        return False

    eventually(is_gone)


def test_what_cannot_be_copied_is_read_all_the_same(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def refused(*arguments: object) -> None:
        tried.append(arguments)
        raise InvalidArgument("no memory")

    monkeypatch.setattr(lake_copies, "make", refused)
    for count in range(60):
        assert reader.rows(COUNT) == [{"n": 1000, "s": 499500}]
        # The reads while one is tried count for the next one.
        eventually(lambda: not reader.copies.busy)
        assert len(tried) == sum(count + 1 >= wanted for wanted in (2, 6, 14, 30))
    assert not reader.copies.held()


def test_a_lake_that_is_away_for_a_moment_does_not_end_it(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    lend, away = reader.database.lend, [1]

    def lent() -> Connection:
        if away and threading.current_thread().name == "flightkeeper-copies":
            away.pop()
            raise EngineFailed("the lake is away")
        return lend()

    monkeypatch.setattr(reader.database, "lend", lent)
    reader.copied(COUNT)
    assert not away


def test_a_copy_that_nobody_reads_any_more_goes_when_others_are_read(
    reader: Reader, other: Connection
) -> None:
    reader.connection.command("CREATE TABLE u AS FROM t")
    reader.copied(COUNT)
    reader.copied("SELECT count(*) AS n FROM u")
    other.command("DROP TABLE t")
    reader.rows("SELECT count(*) AS n FROM u")
    assert reader.over
    assert [copy.path for copy, _ in reader.copies.held()] == [("main", "u")]


def test_reads_that_suit_no_copy_ask_for_none(reader: Reader) -> None:
    for _ in range(4 * READS_MIN):
        reader.rows("SELECT max(rowid) AS m FROM t")
        reader.rows("SELECT max(i) AS m FROM t AT (VERSION => 1)")
    eventually(lambda: not reader.copies.busy)
    assert not reader.copies.held()


def test_a_version_that_is_no_longer_the_newest_is_of_the_lake(
    reader: Reader, other: Connection
) -> None:
    """Names may have changed there and back."""
    reader.connection.command("CREATE TABLE u AS SELECT 1 AS i")
    reader.copied(COUNT)
    names = (("t", "x"), ("u", "t"), ("x", "u"))
    renamed = "; ".join(f"ALTER TABLE {one} RENAME TO {another}" for one, another in names)
    swap = f"BEGIN; {renamed}; COMMIT"
    other.command(swap)
    with closing(reader.database.connect()) as older:
        older.begin()
        assert older.rows(COUNT) == [(1, 1)]
        (statement,) = parse(COUNT)
        version = snapshots.newest(older)
        other.command(swap)
        assert reader.rows(COUNT) == [{"n": 1000, "s": 499500}]
        places = reader.copies.places(reader.connection, statement)
        assert places
        assert reader.copies.instead(older, statement, places, version) is None


def test_the_end_does_not_wait_for_a_copy(here: Database) -> None:
    copies = Copies(here, lambda: _ENOUGH)
    reader = Reader(here, copies)
    reader.connection.command("CREATE TABLE t AS SELECT hash(range) AS i FROM range(2_000_000)")
    for _ in range(READS_MIN):
        reader.rows("SELECT i FROM t LIMIT 1")
    copies.close()
    copies.close()
    reader.connection.close()


def _changes(rng: random.Random) -> Iterator[Callable[[int], str]]:
    ways: tuple[Callable[[int], str], ...] = (
        lambda n: f"INSERT INTO t (i) VALUES ({n})",
        lambda n: f"INSERT INTO u (i) VALUES ({n})",
        lambda n: f"UPDATE t SET i = i + 1 WHERE i % 7 = {n % 7}",
        lambda n: f"DELETE FROM u WHERE i % 5 = {n % 5}",
        lambda n: f"ALTER TABLE t ADD COLUMN c{n} INTEGER",
        lambda n: f"CREATE OR REPLACE TABLE u AS SELECT {n} + range AS i FROM range(9)",
        lambda n: f"CREATE TABLE other{n} (i INTEGER)",
        lambda n: (
            f"BEGIN; ALTER TABLE t RENAME TO x{n}; ALTER TABLE u RENAME TO t; "
            f"ALTER TABLE x{n} RENAME TO u; COMMIT"
        ),
        lambda _: "CALL ducklake_rewrite_data_files('lake', delete_threshold => 0.0)",
    )
    while True:
        yield rng.choice(ways)


def test_no_read_is_ever_older_than_the_last_change(reader: Reader, other: Connection) -> None:
    """Whatever another node does to two tables that change their names, too."""
    rng, over = random.Random(_SEED), 0
    changes = _changes(rng)
    text = "SELECT (SELECT count(*) FROM t) AS a, sum(i) AS b, (SELECT sum(i) FROM u) AS c FROM t"
    other.command("CREATE TABLE u AS SELECT range AS i FROM range(100)")
    for number in range(60):
        other.command(next(changes)(number))
        for _ in range(rng.randrange(6)):
            (wanted,) = other.rows(text)
            (found,) = reader.rows(text)
            assert tuple(found.values()) == wanted
            over += reader.over
    assert over
