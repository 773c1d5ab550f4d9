"""Whether our triggers are there, asked of a real SQLite and a real PostgreSQL."""

import sqlite3
from contextlib import closing

import pytest

from flightkeeper.flight_server.lake.triggers import made_in_postgres, made_in_sqlite
from tests.support.postgres_server import PostgresServer

TEXTS = tuple(
    f"CREATE TRIGGER {name} AFTER INSERT ON t BEGIN SELECT '{name}''s'; END" for name in ("a", "b")
)


@pytest.mark.parametrize(
    ("change", "made"),
    [
        ("SELECT 1", True),
        ("DROP TRIGGER a", False),
        (f"DROP TRIGGER a; {TEXTS[0].replace('INSERT', 'UPDATE')}", False),
        (f"{TEXTS[0].replace('TRIGGER a', 'TRIGGER other')}", True),
    ],
)
def test_triggers_of_sqlite_have_their_texts(change: str, *, made: bool) -> None:
    with closing(sqlite3.connect(":memory:")) as catalog:
        catalog.executescript(";".join(["CREATE TABLE t (i)", *TEXTS, change]))
        assert bool(catalog.execute(made_in_sqlite(TEXTS)).fetchall()) is made


BODY = "BEGIN RETURN NEW; END"
FUNCTION = f"CREATE OR REPLACE FUNCTION {{}}() RETURNS trigger LANGUAGE plpgsql AS $f${BODY}$f$;"
MAKING = f"""
DROP SCHEMA public CASCADE; CREATE SCHEMA public;
CREATE TABLE ours (i INT); CREATE TABLE t (i INT); {FUNCTION.format("note")}
CREATE TRIGGER note AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
"""


@pytest.mark.lake
@pytest.mark.parametrize(
    ("change", "made"),
    [
        ("SELECT 1", True),
        ("DROP TRIGGER note ON t", False),
        ("ALTER TABLE t DISABLE TRIGGER note", False),
        ("DROP TABLE ours", False),
        (FUNCTION.format("note").replace("NEW", "OLD"), False),
        ("DROP TABLE t CASCADE", False),
        (f"CREATE SCHEMA other; {FUNCTION.format('other.note').replace('NEW', 'OLD')}", True),
        (f"CREATE SCHEMA other; DROP TRIGGER note ON t; {FUNCTION.format('other.note')}", False),
    ],
)
def test_triggers_of_postgres_are_on_their_tables_and_run_their_functions(
    server: PostgresServer, change: str, *, made: bool
) -> None:
    server.run(f"{MAKING}; {change}")
    asked = made_in_postgres("ours", {("t", "note"): BODY})
    told = server.run(f"SELECT 'made' FROM ({asked}) found")
    assert ("made" in str(told)) is made
