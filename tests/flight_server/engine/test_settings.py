"""Settings of one session: all of them exist, and none reaches beyond its connection."""

from collections.abc import Iterator

import pytest

from flightkeeper.flight_server.engine import settings
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument, NodeError


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
