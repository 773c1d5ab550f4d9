"""The stock ADBC driver: session options, where names are looked up, time limits, cancelling."""

import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pytest
from adbc_driver_flightsql import ConnectionOptions, DatabaseOptions, StatementOptions

from tests.conformance.conftest import Pair, connect

TOOL = "ADBC DB-API (Python)"
options = pytest.mark.tool(TOOL, "session options")
places = pytest.mark.tool(TOOL, "current catalog and schema")
limits = pytest.mark.tool(TOOL, "time limits")
cancelling = pytest.mark.tool(TOOL, "cancelling, by a call and by Ctrl-C")

OPTION = ConnectionOptions.OPTION_SESSION_OPTION_PREFIX.value
BOOLEAN = ConnectionOptions.OPTION_BOOL_SESSION_OPTION_PREFIX.value
ERASE = ConnectionOptions.OPTION_ERASE_SESSION_OPTION_PREFIX.value
ALL = ConnectionOptions.OPTION_SESSION_OPTIONS.value
ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 0"


@pytest.fixture
def mine(pair: Pair) -> Iterator[Any]:
    """An autocommitting connection with a session of its own; nothing it asks hangs for ever."""
    patience = {DatabaseOptions.TIMEOUT_QUERY.value: "30"}
    with connect(pair.first, autocommit=True, db_kwargs=patience) as opened:
        yield opened


def one(connection: Any, statement: str) -> Any:
    """The single value of a statement."""
    with connection.cursor() as cursor:
        return cursor.execute(statement).fetchone()[0]


@options
def test_options_are_listed_with_their_values(mine: Any) -> None:
    listed = json.loads(mine.adbc_connection.get_option(ALL))
    assert (listed["catalog"], listed["schema"]) == ("memory", "main")
    assert {"dialect", "statement_timeout", "compression"} <= listed.keys()


@options
@pytest.mark.parametrize(
    ("name", "value"),
    [("compression", "zstd"), ("dialect", "postgres"), ("TimeZone", "Asia/Tokyo")],
)
def test_an_option_is_set_read_and_erased(mine: Any, pair: Pair, name: str, value: str) -> None:
    with connect(pair.first, autocommit=True) as other:
        before = other.adbc_connection.get_option(OPTION + name)
        assert before != value
        mine.adbc_connection.set_options(**{OPTION + name: value})
        assert mine.adbc_connection.get_option(OPTION + name) == value
        assert other.adbc_connection.get_option(OPTION + name) == before
    assert one(mine, "SELECT 1") == 1
    mine.adbc_connection.set_options(**{ERASE + name: ""})
    assert mine.adbc_connection.get_option(OPTION + name) == before


@options
def test_a_setting_of_duckdb_takes_effect_in_this_session_only(mine: Any, pair: Pair) -> None:
    mine.adbc_connection.set_options(**{OPTION + "TimeZone": "Asia/Tokyo"})
    statement = "SELECT strftime(TIMESTAMPTZ '2024-01-01 00:00:00+00', '%H')"
    assert one(mine, statement) == "09"
    with connect(pair.first, autocommit=True) as other:
        assert one(other, statement) == "00"
    mine.adbc_connection.set_options(**{BOOLEAN + "preserve_insertion_order": "false"})
    assert one(mine, "SELECT current_setting('preserve_insertion_order')") is False


@options
def test_a_dialect_makes_its_statements_understood(mine: Any) -> None:
    mine.adbc_connection.set_options(**{OPTION + "dialect": "mysql"})
    assert one(mine, "SELECT `a` FROM (SELECT 5 AS `a`) AS `t`") == 5
    mine.adbc_connection.set_options(**{OPTION + "dialect": "duckdb"})
    assert one(mine, 'SELECT "a" FROM (SELECT 6 AS "a")') == 6


@options
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such_option", "x"),
        ("dialect", "klingon"),
        ("compression", "rar"),
        ("statement_timeout", "soon"),
        ("schema", "nowhere"),
        ("catalog", "nowhere"),
    ],
)
def test_a_wrong_option_is_refused_and_changes_nothing(mine: Any, name: str, value: str) -> None:
    before = mine.adbc_connection.get_option(ALL)
    with pytest.raises(adbc.Error):
        mine.adbc_connection.set_options(**{OPTION + name: value})
    assert mine.adbc_connection.get_option(ALL) == before


@places
def test_current_catalog_and_schema_belong_to_the_connection(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.here (a INT)")
    with (
        connect(pair.first, autocommit=True) as mine,
        connect(pair.first, autocommit=True) as other,
    ):
        assert mine.adbc_current_db_schema == "main"
        mine.adbc_current_db_schema = "work"
        assert mine.adbc_current_db_schema == "work"
        assert mine.adbc_current_catalog == "memory"
        with mine.cursor() as inside, other.cursor() as outside:
            inside.execute("SELECT count(*) FROM here")
            assert inside.fetchone() == (0,)
            with pytest.raises(adbc.ProgrammingError, match="here does not exist"):
                outside.execute("SELECT count(*) FROM here")


@places
def test_a_transaction_looks_names_up_where_its_connection_does(pair: Pair, cursor: Any) -> None:
    """Without autocommit, which is the driver's default, every statement is in a transaction."""
    cursor.execute("CREATE TABLE work.here (a INT)")
    with connect(pair.first) as opened:
        opened.adbc_current_db_schema = "work"
        with opened.cursor() as inside:
            inside.execute("INSERT INTO here VALUES (1)")
            opened.commit()
            inside.execute("SELECT a FROM here")
            assert inside.fetchall() == [(1,)]


@places
def test_a_catalog_can_be_chosen(cursor: Any, mine: Any) -> None:
    cursor.execute("ATTACH ':memory:' AS elsewhere")
    try:
        mine.adbc_current_catalog = "elsewhere"
        assert (mine.adbc_current_catalog, mine.adbc_current_db_schema) == ("elsewhere", "main")
        with mine.cursor() as inside:
            inside.execute("CREATE TABLE made AS SELECT 1 AS a")
        assert one(mine, "SELECT table_catalog FROM information_schema.tables") == "elsewhere"
        mine.adbc_current_catalog = "memory"
    finally:
        cursor.execute("DETACH elsewhere")


@places
def test_session_state_in_sql_stays_with_its_connection(mine: Any) -> None:
    with mine.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE scratch (a INT)")
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO scratch VALUES (1)")
        cursor.execute("ROLLBACK")
        cursor.execute("SELECT count(*) FROM scratch")
        assert cursor.fetchone() == (0,)


@limits
@pytest.mark.parametrize("where", ["database", "connection", "statement"])
def test_the_drivers_own_time_limit_ends_a_query(pair: Pair, where: str) -> None:
    limit = {
        "database": {DatabaseOptions.TIMEOUT_QUERY.value: "0.3"},
        "connection": {ConnectionOptions.TIMEOUT_QUERY.value: "0.3"},
        "statement": {StatementOptions.TIMEOUT_QUERY.value: "0.3"},
    }
    databases = limit["database"] if where == "database" else {}
    with connect(pair.first, autocommit=True, db_kwargs=databases) as opened:
        if where == "connection":
            opened.adbc_connection.set_options(**limit["connection"])
        statements = limit["statement"] if where == "statement" else None
        with (
            opened.cursor(adbc_stmt_kwargs=statements) as cursor,
            pytest.raises(adbc.OperationalError, match=r"(?i)timeout|deadline"),
        ):
            cursor.execute(ENDLESS)
        gone(opened)


@limits
def test_a_sessions_time_limit_ends_a_statement(mine: Any) -> None:
    mine.adbc_connection.set_options(**{OPTION + "statement_timeout": "200ms"})
    with mine.cursor() as cursor, too_long():
        cursor.execute(ENDLESS)
    assert one(mine, "SELECT 1") == 1


@limits
def test_a_time_limit_can_be_set_by_a_statement(mine: Any) -> None:
    with mine.cursor() as cursor:
        cursor.execute("SET statement_timeout = '200ms'")
        with too_long():
            cursor.execute(ENDLESS)
        cursor.execute("RESET statement_timeout")
        assert cursor.execute("SELECT 1").fetchone() == (1,)


@limits
def test_a_header_limits_one_statement(mine: Any) -> None:
    header = f"{StatementOptions.RPC_CALL_HEADER_PREFIX.value}x-flightkeeper-statement-timeout"
    with mine.cursor(adbc_stmt_kwargs={header: "200ms"}) as cursor, too_long():
        cursor.execute(ENDLESS)


@contextmanager
def too_long() -> Iterator[None]:
    """What the block runs is ended by the node, and the limit of 200 ms is told."""
    with pytest.raises(adbc.OperationalError, match=r"TIMEOUT.*(200 ?ms|0\.2 ?s)"):
        yield


@cancelling
def test_a_running_statement_is_cancelled_from_another_thread(mine: Any) -> None:
    with mine.cursor() as cursor, ThreadPoolExecutor(1, "cancel") as pool:
        running = pool.submit(cursor.execute, ENDLESS)
        with cancelled_again_and_again(cursor):
            error = running.exception(timeout=60)
        assert isinstance(error, adbc.OperationalError)
        assert "CANCELLED" in str(error)
        assert cursor.execute("SELECT 1").fetchone() == (1,)
    gone(mine)


@contextmanager
def cancelled_again_and_again(victim: Any) -> Iterator[None]:
    """Cancelling what has not begun does nothing, and nobody tells when it has."""
    over = threading.Event()

    def cancel() -> None:
        while not over.wait(0.1):
            victim.adbc_cancel()

    thread = threading.Thread(target=cancel, name="canceller")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.tool(
    TOOL,
    "Connection.adbc_cancel",
    limit="the driver does nothing then; Cursor.adbc_cancel stops the statement",
)
def test_cancelling_a_connection_is_not_passed_on(mine: Any) -> None:
    with mine.cursor() as cursor:
        cursor.execute("SELECT range AS a FROM range(100000000)")
        assert cursor.fetchone() == (0,)
        mine.adbc_cancel()
        assert cursor.fetchmany(100_000)[-1] == (100_000,)


@cancelling
def test_ctrl_c_stops_a_statement(mine: Any) -> None:
    interrupter = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    with mine.cursor() as cursor:
        interrupter.start()
        with pytest.raises((KeyboardInterrupt, adbc.OperationalError)):
            cursor.execute(ENDLESS)
        interrupter.join()
        assert cursor.execute("SELECT 1").fetchone() == (1,)
    gone(mine)


@cancelling
def test_reading_can_stop_half_way(mine: Any) -> None:
    with mine.cursor() as cursor:
        cursor.execute("SELECT range AS a FROM range(100000000)")
        assert cursor.fetchone() == (0,)
        cursor.adbc_cancel()
        with pytest.raises(adbc.OperationalError, match=r"(?i)cancel"):
            cursor.fetchall()
        assert cursor.execute("SELECT 1").fetchone() == (1,)


def gone(connection: Any) -> None:
    """Wait until the statement does not burn the node's processor any more.

    A node that went on with it would have no thread left for this within the driver's patience.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM range(10000000)")
        assert cursor.fetchone() == (10_000_000,)
