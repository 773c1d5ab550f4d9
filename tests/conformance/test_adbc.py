"""The stock ADBC driver: statements, changes, scripts, transactions, errors and logging in."""

import base64
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest
from adbc_driver_flightsql import DatabaseOptions

from tests.conformance.conftest import PASSWORD, USER, Pair, connect

TOOL = "ADBC DB-API (Python)"
queries = pytest.mark.tool(TOOL, "queries")
changes = pytest.mark.tool(TOOL, "changes and their counts")
scripts = pytest.mark.tool(TOOL, "scripts")
transactions = pytest.mark.tool(TOOL, "transactions")
errors = pytest.mark.tool(TOOL, "errors of the right kind")
logins = pytest.mark.tool(TOOL, "logins")


@queries
def test_select_answers_rows_and_their_description(cursor: Any) -> None:
    cursor.execute("SELECT 1 AS one, 'x' AS letter UNION ALL SELECT 2, NULL ORDER BY 1")
    assert [column[0] for column in cursor.description] == ["one", "letter"]
    assert cursor.fetchall() == [(1, "x"), (2, None)]


@queries
def test_an_empty_result_has_its_schema(cursor: Any) -> None:
    cursor.execute("SELECT 1 AS a WHERE false")
    assert cursor.fetch_arrow_table().schema == pa.schema([("a", pa.int32())])


@queries
def test_columns_may_share_a_name(cursor: Any) -> None:
    cursor.execute("SELECT 1 AS a, 2 AS a, 3 AS b")
    assert [column[0] for column in cursor.description] == ["a", "a", "b"]
    assert cursor.fetchall() == [(1, 2, 3)]


@queries
@pytest.mark.parametrize("ending", [";", " ; ", ";;", "; -- done", " /* done */ ;"])
def test_what_ends_a_statement_does_no_harm(cursor: Any, ending: str) -> None:
    assert cursor.execute(f"SELECT 1{ending}").fetchall() == [(1,)]


@queries
def test_many_statements_of_one_connection_run_side_by_side(connection: Any) -> None:
    cursors = [connection.cursor() for _ in range(5)]
    for number, cursor in enumerate(cursors):
        cursor.execute("SELECT range + ? AS a FROM range(3000)", (number,))
    for number, cursor in reversed(list(enumerate(cursors))):
        values = cursor.fetch_arrow_table()["a"].to_pylist()
        assert values == list(range(number, number + 3000))
        cursor.close()


@queries
def test_a_new_statement_replaces_the_result_of_a_cursor(cursor: Any) -> None:
    cursor.execute("SELECT range AS a FROM range(1000000)")
    assert cursor.fetchone() == (0,)
    cursor.execute("SELECT 'next'")
    assert cursor.fetchall() == [("next",)]


@changes
def test_changes_take_effect_and_are_counted_without_fetching(cursor: Any) -> None:
    """Through plain execute(): a driver that plans and never fetches loses nothing."""
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR)")
    assert cursor.rowcount == 0
    cursor.execute("INSERT INTO work.t VALUES (1, 'x'), (2, 'y'), (3, 'z')")
    assert cursor.rowcount == 3
    cursor.execute("UPDATE work.t SET b = 'w' WHERE a > 1")
    assert cursor.rowcount == 2
    cursor.execute("DELETE FROM work.t WHERE a = ?", (3,))
    assert cursor.rowcount == 1
    cursor.execute("SELECT * FROM work.t ORDER BY a")
    assert cursor.fetchall() == [(1, "x"), (2, "w")]


@changes
def test_returning_answers_rows(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t AS SELECT range AS a FROM range(5)")
    assert cursor.rowcount == 5
    cursor.execute("INSERT INTO work.t VALUES (10), (11) RETURNING a + 1 AS next")
    assert cursor.fetchall() == [(11,), (12,)]
    cursor.execute("SELECT count(*) FROM work.t")
    assert cursor.fetchone() == (7,)


@scripts
def test_executescript_runs_several_statements_in_order(cursor: Any) -> None:
    cursor.executescript("CREATE TABLE work.t (a INT); INSERT INTO work.t VALUES (1), (2)")
    cursor.execute("SELECT sum(a) FROM work.t")
    assert cursor.fetchone() == (3,)


@scripts
def test_executescript_commits_what_was_open(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT)")
    with connect(pair.first) as other, other.cursor() as writer:
        writer.execute("INSERT INTO work.t VALUES (1)")
        writer.executescript("INSERT INTO work.t VALUES (2); INSERT INTO work.t VALUES (3)")
        other.rollback()
    cursor.execute("SELECT count(*) FROM work.t WHERE a = 1")
    assert cursor.fetchone() == (1,)


@transactions
def test_commit_and_rollback(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT)")
    with connect(pair.first) as other, other.cursor() as writer:
        writer.execute("INSERT INTO work.t VALUES (1)")
        cursor.execute("SELECT count(*) FROM work.t")
        assert cursor.fetchone() == (0,)
        other.commit()
        cursor.execute("SELECT count(*) FROM work.t")
        assert cursor.fetchone() == (1,)
        writer.execute("INSERT INTO work.t VALUES (2)")
        other.rollback()
        writer.execute("SELECT a FROM work.t")
        assert writer.fetchall() == [(1,)]


@transactions
def test_ddl_rolls_back_too(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.kept (a INT)")
    with connect(pair.first) as other, other.cursor() as writer:
        writer.execute("CREATE TABLE work.gone (a INT)")
        writer.execute("DROP TABLE work.kept")
        other.rollback()
    cursor.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'work'")
    assert cursor.fetchall() == [("kept",)]


@transactions
def test_closing_without_commit_writes_nothing(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT)")
    with connect(pair.first) as other, other.cursor() as writer:
        writer.execute("INSERT INTO work.t VALUES (1)")
    cursor.execute("ALTER TABLE work.t ADD COLUMN b INT")
    assert cursor.execute("SELECT count(*) FROM work.t").fetchone() == (0,)


@transactions
def test_autocommit_can_be_turned_off_and_on_again(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT)")
    with connect(pair.first, autocommit=True) as other, other.cursor() as writer:
        writer.execute("INSERT INTO work.t VALUES (1)")
        other.adbc_connection.set_autocommit(False)
        writer.execute("INSERT INTO work.t VALUES (2)")
        assert cursor.execute("SELECT count(*) FROM work.t").fetchone() == (1,)
        other.adbc_connection.rollback()
        writer.execute("INSERT INTO work.t VALUES (3)")
        other.adbc_connection.set_autocommit(True)
        writer.execute("INSERT INTO work.t VALUES (4)")
    cursor.execute("SELECT a FROM work.t ORDER BY a")
    assert cursor.fetchall() == [(1,), (3,), (4,)]


@transactions
def test_a_commit_after_an_error_fails_loudly_and_writes_nothing(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT NOT NULL)")
    with connect(pair.first) as other:
        with other.cursor() as writer:
            writer.execute("INSERT INTO work.t VALUES (1)")
            with pytest.raises(adbc.Error):
                writer.execute("INSERT INTO work.t VALUES (NULL)")
        with pytest.raises(adbc.Error, match="rolled back, nothing of it was written"):
            other.commit()
    cursor.execute("SELECT count(*) FROM work.t")
    assert cursor.fetchone() == (0,)


@transactions
def test_a_rollback_after_an_error_lets_the_connection_go_on(pair: Pair) -> None:
    with connect(pair.first) as opened, opened.cursor() as one:
        with pytest.raises(adbc.Error):
            one.execute("SELECT error('mine')").fetchall()
        opened.rollback()
        assert one.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.tool(
    TOOL,
    "a connection after a commit that failed",
    limit="the driver keeps the ended transaction; roll back first, or connect again",
)
def test_a_connection_is_lost_by_a_commit_that_fails(pair: Pair) -> None:
    with connect(pair.first) as opened, opened.cursor() as one:
        with pytest.raises(adbc.Error):
            one.execute("SELECT error('mine')").fetchall()
        with pytest.raises(adbc.Error, match="rolled back, nothing of it was written"):
            opened.commit()
        for act in (opened.rollback, lambda: one.execute("SELECT 1")):
            with pytest.raises(adbc.Error, match="missing a valid transaction"):
                act()


@transactions
def test_two_results_of_one_transaction_can_be_read_side_by_side(pair: Pair) -> None:
    with connect(pair.first) as opened, opened.cursor() as one, opened.cursor() as two:
        one.execute("SELECT range AS a FROM range(500000)")
        assert one.fetchone() == (0,)
        two.execute("SELECT count(*) FROM range(10)")
        assert two.fetchone() == (10,)
        rest = one.fetchall()
        assert (len(rest), rest[-1]) == (499_999, (499_999,))


@transactions
def test_conflicting_changes_are_told_to_the_second_writer(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t AS SELECT 1 AS a, 0 AS b")
    with (
        connect(pair.first) as one,
        connect(pair.first) as two,
        one.cursor() as first,
        two.cursor() as second,
    ):
        first.execute("UPDATE work.t SET b = 1 WHERE a = 1")
        with pytest.raises(adbc.Error, match=r"(?i)conflict"):
            second.execute("UPDATE work.t SET b = 2 WHERE a = 1")
        one.commit()
        two.rollback()
        assert second.execute("SELECT b FROM work.t").fetchone() == (1,)


@errors
@pytest.mark.parametrize(
    "text", ["SELECT\n 1,\n nope\nFROM range(3)", "SELECT *\nFROM\n nope", "SELECT 1,\n\n nope(1)"]
)
def test_an_error_points_at_its_place_in_the_text(cursor: Any, text: str) -> None:
    with pytest.raises(adbc.ProgrammingError, match=r"\n\nLINE 3:  nope.*\n         \^"):
        cursor.execute(text)


@errors
@pytest.mark.parametrize(
    ("statement", "kind", "text"),
    [
        ("SELEC 1", adbc.ProgrammingError, r"(?s)syntax error.*LINE 1: SELEC 1"),
        ("SELECT * FROM nope", adbc.ProgrammingError, "nope does not exist"),
        ("SELECT 'x'::INT", adbc.ProgrammingError, "Could not convert"),
        ("SELECT * FROM read_csv('/no/such')", adbc.OperationalError, "No files found"),
        ("   ", adbc.ProgrammingError, "empty"),
    ],
)
def test_errors_say_what_duckdb_said_and_nothing_of_ours(
    cursor: Any, statement: str, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        cursor.execute(statement)
    told = f"{caught.value} {getattr(caught.value, 'details', '')}"
    assert "Traceback" not in told
    assert ".py" not in told
    assert "flight_server" not in told


@errors
def test_a_cursor_goes_on_after_an_error(cursor: Any) -> None:
    with pytest.raises(adbc.ProgrammingError):
        cursor.execute("SELECT nothing")
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


@errors
def test_a_plan_in_substrait_is_not_supported_and_told_so(cursor: Any) -> None:
    with pytest.raises(adbc.NotSupportedError, match="Substrait"):
        cursor.execute(b"plan")


@logins
def test_a_wrong_password_is_refused(pair: Pair) -> None:
    with (
        pytest.raises(adbc.Error, match="unknown user or wrong password"),
        connect(pair.first, db_kwargs={"password": "wrong"}) as opened,
    ):
        opened.execute("SELECT 1")


@logins
def test_basic_on_every_call_needs_no_handshake(pair: Pair) -> None:
    credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    options = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Basic {credentials}"}
    with (
        adbc.connect(pair.first, db_kwargs=options, autocommit=True) as opened,
        opened.cursor() as cursor,
    ):
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@logins
def test_connections_of_one_login_have_sessions_of_their_own(pair: Pair) -> None:
    """With cookies, which the driver keeps when told to, and without."""
    cookies = {DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}
    with (
        connect(pair.first, autocommit=True, db_kwargs=cookies) as one,
        one.adbc_clone() as two,
        one.cursor() as first,
        two.cursor() as second,
    ):
        first.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a")
        assert first.execute("SELECT a FROM mine").fetchall() == [(1,)]
        with pytest.raises(adbc.ProgrammingError, match="mine does not exist"):
            second.execute("SELECT a FROM mine")
