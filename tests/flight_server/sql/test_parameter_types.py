"""The types of parameters: what is announced for a statement can be bound to it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightkeeper.flight_server.engine.binder import binding
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import Shape, Statement, parse
from flightkeeper.flight_server.engine.values import bindable
from flightkeeper.flight_server.sql import parameter_types
from flightkeeper.flight_server.sql.client_types import client_type
from tests.flight_server.sql.parametrised import CHANGES, PLACES, TABLES

_STANDING_STILL = 0.0


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    database = Database(DatabaseOptions())
    connection = database.connect()
    for statement in parse(TABLES):
        connection.change(statement)
    yield connection
    connection.close()
    database.close()


def infer(connection: Connection, sql: str) -> Mapping[str, str]:
    (statement,) = parse(sql)
    with binding(connection, lambda: _STANDING_STILL) as binder:
        return parameter_types.infer(statement.sql, binder, is_query=statement.read_only)


def in_order(statement: Statement, types: Mapping[str, str]) -> list[str]:
    names = sorted(statement.parameters, key=lambda name: (len(name), name))
    return [types[name.lower()] for name in names]


def wanted(types: str) -> list[str]:
    return [kind.replace("TIMESTAMP_TZ", "TIMESTAMP WITH TIME ZONE") for kind in types.split()]


def sent(statement: Statement, types: Mapping[str, str]) -> Mapping[str, Any]:
    """A row of values as a client sends it and the node binds it."""
    kinds = {name: client_type(types[name.lower()]) for name in statement.parameters}
    columns = {name: pa.array([kind.sample], kind.arrow) for name, kind in kinds.items()}
    return bindable(pa.table(columns))[0] if columns else {}


def run(connection: Connection, statement: Statement, values: Mapping[str, Any]) -> None:
    with connection.undoing():
        if statement.shape is Shape.ROWS:
            list(connection.run(statement, values))
        else:
            connection.change(statement, values)


@pytest.mark.parametrize(("sql", "types"), PLACES + CHANGES)
def test_what_is_announced_can_be_bound(connection: Connection, sql: str, types: str) -> None:
    found = infer(connection, sql)
    (statement,) = parse(sql)
    assert in_order(statement, found) == wanted(types)
    run(connection, statement, sent(statement, found))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM nowhere WHERE a = ?",
        "SELECT nothing + ? FROM t",
        "INSERT INTO nowhere VALUES (?)",
        "SELECT * FROM read_parquet(?)",
        "SELECT current_setting(?)",
        "SET VARIABLE x = ?",
        "EXECUTE prepared(?)",
        "PREPARE prepared AS SELECT ?",
        "SELECT * FROM query(?)",
        "SELECT * FROM force_checkpoint() WHERE Success = ?",
        "SELECT 1",
        "SELECT year(?), " + "(" * 300 + "? + 1" + ")" * 300,
        f"SELECT ?::INTEGER, '{' ' * parameter_types.CHARACTERS_MAX}'",
    ],
    ids=lambda sql: sql[:30].strip(),
)
def test_what_cannot_be_told_is_left_out(connection: Connection, sql: str) -> None:
    for _ in range(2):
        assert infer(connection, sql) == {}


def test_what_is_not_a_pure_read_is_never_asked_about(connection: Connection) -> None:
    for sql in ("SELECT * FROM force_checkpoint() WHERE Success = ?", "SELECT * FROM query(?)"):
        (statement,) = parse(sql)
        for _ in range(2):
            with binding(connection) as binder:
                parameter_types.infer(sql, binder, is_query=statement.read_only)
                assert binder.asked == 0


def test_files_are_read_through_their_columns(connection: Connection, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,b\n2000-01-01,x\n")
    sql = f"SELECT * FROM '{file}' x JOIN t ON t.d = x.a WHERE x.b = ? AND a > ? AND i + ? > 1"
    assert infer(connection, sql) == {"1": "VARCHAR", "2": "DATE", "3": "INTEGER"}


def test_what_is_remembered_is_the_question_and_not_its_answer(connection: Connection) -> None:
    sql = "SELECT a + ? FROM changing WHERE b > ?"
    connection.command("CREATE TABLE changing (a INTEGER, b DATE)")
    assert infer(connection, sql) == {"1": "INTEGER", "2": "DATE"}
    connection.command("CREATE OR REPLACE TABLE changing (a BIGINT, b VARCHAR)")
    assert infer(connection, sql) == {"1": "BIGINT", "2": "VARCHAR"}


def test_the_second_time_one_question_is_enough(connection: Connection) -> None:
    sql = "SELECT round(?, 2), i + ?, d - INTERVAL (?) DAY FROM t WHERE s = ?"
    (statement,) = parse(sql)
    for most in (100, 1):
        with binding(connection, lambda: _STANDING_STILL) as binder:
            found = parameter_types.infer(statement.sql, binder, is_query=True)
            assert in_order(statement, found) == ["DOUBLE", "INTEGER", "DOUBLE", "VARCHAR"]
            assert binder.asked <= most


def test_a_query_that_is_not_understood_may_still_bind(connection: Connection) -> None:
    sql = "SELECT " + "(" * 300 + "? + 1" + ")" * 300 + ", i = ? FROM t"
    assert infer(connection, sql) == {"1": "DOUBLE", "2": "INTEGER"}


def test_many_rows_are_looked_at_once(connection: Connection) -> None:
    rows = ", ".join(["(?, ?, ?)"] * 1000)
    found = infer(connection, f"INSERT INTO k VALUES {rows}")
    assert len(found) == 3000
    assert [found[str(number)] for number in (1, 2, 3000)] == [
        "INTEGER",
        "VARCHAR",
        "DECIMAL(10,2)",
    ]


_WORDS = """SELECT FROM WHERE INSERT INTO VALUES UPDATE SET t k i s ? $a $1 ( ) , = + * :: IN AND
    'x' 1 INTEGER CASE WHEN END UNION WITH q AS RETURNING [ ] { } -- " '"""
_PIECES = st.sampled_from(_WORDS.split())


@given(
    st.lists(_PIECES, max_size=30).map(" ".join)
    | st.sampled_from([sql for sql, _ in PLACES + CHANGES]).flatmap(
        lambda sql: st.tuples(st.integers(0, len(sql)), _PIECES, st.integers(0, 8)).map(
            lambda edit: f"{sql[: edit[0]]} {edit[1]} {sql[edit[0] + edit[2] :]}"
        )
    )
)
@settings(max_examples=150, deadline=None)
def test_no_text_makes_it_fail(connection: Connection, sql: str) -> None:
    for is_query in (True, False):
        with binding(connection, lambda: _STANDING_STILL) as binder:
            types = parameter_types.infer(sql, binder, is_query=is_query)
        assert all(client_type(kind).arrow is not None for kind in types.values())
