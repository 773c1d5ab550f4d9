"""Settings of one session: all of them exist, and none reaches beyond its connection."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine import settings
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument, NodeError, PermissionDenied


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database(DatabaseOptions())
    yield made
    made.close()


@pytest.mark.parametrize("name", sorted(settings.SESSION_SETTINGS))
def test_a_setting_is_changed_for_one_connection_and_put_back(
    database: Database, name: str
) -> None:
    one, other = database.connect(), database.connect()
    before = settings.current(one)
    if name not in before:
        with pytest.raises(InvalidArgument, match="unrecognized configuration parameter"):
            settings.change(one, name, "1")
        return
    changed = {"TimeZone": "Asia/Tokyo", "Calendar": "japanese", "search_path": "main"}
    booleans = {"true": "false", "false": "true"}
    value = changed.get(name) or booleans.get(before[name]) or before[name]
    settings.change(one, name, value)
    assert settings.current(other) == before
    settings.change(one, name, None)
    assert settings.current(one) == before


def test_what_changes_the_parser_counts_from_the_next_statement_on(database: Database) -> None:
    connection = database.connect()
    (seven,) = parse("SELECT 7 / 2 AS x")
    settings.change(connection, "integer_division", "true")
    (batch,) = connection.run(seven)
    assert batch.to_pydict() == {"x": [3]}
    settings.change(connection, "integer_division", None)
    (batch,) = connection.run(seven)
    assert batch.to_pydict() == {"x": [3.5]}


def test_a_value_is_never_sql(database: Database) -> None:
    with pytest.raises(NodeError, match="Unknown TimeZone"):
        settings.change(database.connect(), "TimeZone", "UTC'; CREATE TABLE t (a INT); --")
    assert database.connect().table("SELECT * FROM duckdb_tables()").num_rows == 0


def test_plans_tell_of_files_or_not(
    database: Database, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one, other = database.connect(), database.connect()
    one.command(f"COPY (SELECT 1 AS a) TO '{tmp_path}/a.parquet'")
    one.command(f"CREATE VIEW v AS FROM read_parquet('{tmp_path}/*.parquet')")

    def told(connection: Connection) -> bool:
        rows = connection.rows("EXPLAIN (ANALYZE, FORMAT json) FROM v")
        assert "scan" in str(rows).lower()
        return str(tmp_path) in str(rows)

    for _ in range(2):
        settings.show_in_plans(one, files=False)
        assert told(one) is not settings.HIDES_FILES
        assert told(other)
        settings.show_in_plans(one, files=True)
        assert told(one)
    settings.show_in_plans(one, files=False)
    one.rows("SELECT 1")
    assert capfd.readouterr() == ("", "")


def test_plans_of_a_lake_are_not_shown_where_they_would_tell(database: Database) -> None:
    connection = database.connect()
    connection.command("ATTACH ':memory:' AS lake")
    settings.show_in_plans(connection, files=True)
    with nullcontext() if settings.HIDES_FILES else pytest.raises(PermissionDenied):
        settings.show_in_plans(connection, files=False)
    connection.command("DETACH lake")


def test_what_somebody_else_wants_of_plans_stays(database: Database) -> None:
    connection = database.connect()
    told = ("custom_profiling_settings", """'{"OPERATOR_NAME": "true"}'""")
    if not settings.HIDES_FILES:
        told = ("profiling_renderer_settings", "{'max_extra_lines': 100}")
    connection.command("SET {} = {}".format(*told))
    connection.command("PRAGMA disable_profiling")
    before = connection.rows(f"SELECT current_setting('{told[0]}')::VARCHAR")
    settings.show_in_plans(connection, files=True)
    assert connection.rows(f"SELECT current_setting('{told[0]}')::VARCHAR") == before
    assert "1" in str(before) or "OPERATOR_NAME" in str(before)
