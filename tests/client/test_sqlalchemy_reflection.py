"""Tests for what is found on a real node; SQLAlchemy's own suite has the rest."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from flightkeeper.client import Connection, PermissionDenied, dbapi

DEFINITIONS = """
    CREATE TABLE work.p (a INTEGER, b INTEGER, PRIMARY KEY (a, b));
    CREATE TABLE work.t (
        id INTEGER PRIMARY KEY DEFAULT 7, x VARCHAR UNIQUE, y DECIMAL(9, 2) NOT NULL,
        z INTEGER CHECK (z > 1), pa INTEGER, pb INTEGER,
        FOREIGN KEY (pa, pb) REFERENCES work.p (a, b));
    CREATE UNIQUE INDEX ix ON work.t (y, z);
    COMMENT ON TABLE work.t IS 'said';
    CREATE VIEW work.v AS SELECT x FROM work.t;
    CREATE SEQUENCE work.s"""


@pytest.fixture
def inspector(real: Connection, service: str) -> Iterator[sa.Inspector]:
    """Of a schema with a bit of everything."""
    real.execute(DEFINITIONS)
    engine = sa.create_engine(service.replace("flightsql", "flightkeeper"))
    yield sa.inspect(engine)
    engine.dispose()


def test_names_are_listed(inspector: sa.Inspector) -> None:
    assert "work" in inspector.get_schema_names()
    assert inspector.get_table_names("work") == ["p", "t"]
    assert inspector.get_view_names("work") == ["v"]
    assert inspector.get_sequence_names("work") == ["s"]
    assert inspector.has_table("v", "work")
    assert not inspector.has_table("t")
    assert inspector.get_view_definition("v", "work").startswith("CREATE VIEW")


def test_a_table_is_described(inspector: sa.Inspector) -> None:
    columns = inspector.get_columns("t", "work")
    assert [(each["name"], str(each["type"]), each["nullable"]) for each in columns[:3]] == [
        ("id", "INTEGER", False),
        ("x", "VARCHAR", True),
        ("y", "NUMERIC(9, 2)", False),
    ]
    assert columns[0]["default"] == "7"
    assert inspector.get_pk_constraint("t", "work")["constrained_columns"] == ["id"]
    (key,) = inspector.get_foreign_keys("t", "work")
    assert (key["constrained_columns"], key["referred_table"]) == (["pa", "pb"], "p")
    assert [each["column_names"] for each in inspector.get_unique_constraints("t", "work")] == [
        ["x"]
    ]
    assert [each["sqltext"] for each in inspector.get_check_constraints("t", "work")] == ["(z > 1)"]
    (index,) = inspector.get_indexes("t", "work")
    assert (index["name"], index["unique"], index["column_names"]) == ("ix", True, ["y", "z"])
    assert inspector.get_table_comment("t", "work") == {"text": "said"}


def test_what_is_not_there_is_an_error(inspector: sa.Inspector) -> None:
    for ask in (inspector.get_columns, inspector.get_indexes, inspector.get_foreign_keys):
        with pytest.raises(sa.exc.NoSuchTableError):
            ask("nothing", "work")


def test_an_open_transaction_sees_its_own_tables(inspector: sa.Inspector) -> None:
    assert isinstance(inspector.bind, sa.Engine)
    with inspector.bind.connect() as connection:
        connection.execute(sa.text("CREATE TABLE work.mine (a INTEGER)"))
        assert sa.inspect(connection).has_table("mine", "work")
    assert not sa.inspect(inspector.bind).has_table("mine", "work")


def test_keys_that_an_account_may_not_see_are_none(inspector: sa.Inspector) -> None:
    assert isinstance(inspector.bind, sa.Engine)

    def refuse(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "duckdb_constraints()" in statement:
            with dbapi.translating():
                raise PermissionDenied("only superusers see duckdb_constraints")

    sa.event.listen(inspector.bind, "before_cursor_execute", refuse)
    assert inspector.get_pk_constraint("t", "work")["constrained_columns"] == []
    assert len(inspector.get_columns("t", "work")) == 6
