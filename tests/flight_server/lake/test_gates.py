"""The gates of a lake, between two databases that share it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.errors import Unavailable
from flightkeeper.flight_server.lake.gates import gate
from flightkeeper.flight_server.lake.location import Location, parse
from flightkeeper.flight_server.lake.turns import Gate, GateBroken
from flightkeeper.flightsql.headers import Reason
from tests.support.postgres_server import PostgresServer

pytestmark = [pytest.mark.lake, pytest.mark.xdist_group("postgres")]


@pytest.fixture
def gates(where: Location) -> Iterator[tuple[Gate, Gate]]:
    options = DatabaseOptions(lake=LakeOptions(where))
    with closing(Database(options)) as here, closing(Database(options)) as there:
        yield gate(where, here), gate(where, there)


def test_one_is_inside_at_a_time(gates: tuple[Gate, Gate]) -> None:
    mine, theirs = gates
    for one, other in ((mine, theirs), (theirs, mine)):
        assert one.try_enter()
        assert not other.try_enter()
        assert not other.try_enter()
        one.leave()
    assert mine.try_enter()
    mine.leave()


def test_who_waits_is_let_in_when_the_other_leaves(gates: tuple[Gate, Gate]) -> None:
    mine, theirs = gates
    assert mine.try_enter()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(theirs.try_enter, 60)
        threading.Event().wait(0.05)
        assert not waiting.done()
        mine.leave()
        assert waiting.result(30)
    assert not mine.try_enter(0.01)
    theirs.leave()


def test_leaving_without_being_inside_is_nothing(gates: tuple[Gate, Gate]) -> None:
    mine, theirs = gates
    mine.leave()
    assert theirs.try_enter()
    mine.leave()
    assert not mine.try_enter()
    theirs.leave()


_HOLD = """
import sys
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.lake.location import parse
database = Database(DatabaseOptions(lake=LakeOptions(parse(sys.argv[1], sys.argv[2]))))
connection = database.connect()
connection.begin()
connection.rows("SELECT count(*) FROM __ducklake_metadata_lake.ducklake_snapshot")
print("begun", flush=True)
sys.stdin.readline()
connection.close()
print("closed", flush=True)
"""


def test_a_transaction_whose_server_is_gone_can_be_closed(
    server: PostgresServer, tmp_path: Path
) -> None:
    """In a process of its own: DuckDB's extension ends the one that leaves it to its end."""
    server.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    command = [sys.executable, "-c", _HOLD, server.lake, str(tmp_path / "files")]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "begun\n"
        server.end_connections()
        told, _ = holder.communicate("go on\n", timeout=60)
    assert (told, holder.returncode) == ("closed\n", 0)


def test_a_server_that_was_away_is_asked_again(server: PostgresServer, tmp_path: Path) -> None:
    server.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    where = parse(server.lake, str(tmp_path / "files"))
    with closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as database:
        line = gate(where, database)
        assert line.try_enter()
        with server.away(), pytest.raises(Unavailable, match="nothing was run: try again") as told:
            database.connect()
        assert told.value.reason is Reason.AWAY
        line.leave()
        # The first question may find the connection broken.
        entered = False
        for _ in range(3):
            try:
                entered = line.try_enter()
            except GateBroken:
                continue
            break
        assert entered
        line.leave()
