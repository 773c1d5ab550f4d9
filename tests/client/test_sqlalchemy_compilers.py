"""Tests for SQL that differs from PostgreSQL's."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.schema import CreateTable, DropTable

from flightkeeper.client.sqlalchemy.dialect import FlightkeeperDialect

DIALECT = FlightkeeperDialect()
METADATA = sa.MetaData()
T = sa.Table(
    "t",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("a", sa.String),
    sa.Column("j", sa.JSON),
    sa.Column("f", sa.Float),
    sa.Column("show", sa.LargeBinary),
)


def sql(element: Any) -> str:
    """The text on one line."""
    compiled = element.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
    return " ".join(str(compiled).split())


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (T.c.id.bitwise_xor(3), "xor(t.id, 3)"),
        (T.c.a.regexp_match("b"), "regexp_matches(t.a, 'b')"),
        (~T.c.a.regexp_match("b"), "NOT regexp_matches(t.a, 'b')"),
        (T.c.j["a"], """json_extract(t.j, '$."a"')"""),
        (T.c.j[("a", 1)].as_integer(), """CAST(json_extract_string(t.j, '$."a"[1]') AS INTEGER)"""),
        (T.c.id / 2, "t.id / 2"),
        (sa.select(T.c.id).with_for_update(), "SELECT t.id FROM t"),
        (sa.select(T.c.show).limit(1), 'SELECT t."show" FROM t LIMIT 1'),
        (sa.Sequence("s").next_value(), "nextval('s')"),
    ],
)
def test_expressions(element: Any, text: str) -> None:
    assert sql(element) == text


def test_an_upsert_is_postgresqls() -> None:
    statement = insert(T).values(id=1, a="x")
    statement = statement.on_conflict_do_update(
        index_elements=[T.c.id], set_={"a": statement.excluded.a}
    )
    assert "ON CONFLICT (id) DO UPDATE SET a = excluded.a" in sql(statement)


def test_a_key_is_numbered_by_a_sequence() -> None:
    made = sql(CreateTable(T))
    assert made.startswith("CREATE SEQUENCE IF NOT EXISTS t_id_seq; CREATE TABLE t (")
    assert "id INTEGER DEFAULT nextval('t_id_seq') NOT NULL" in made
    assert "f DOUBLE" in made
    assert '"show" BLOB' in made
    assert sql(DropTable(T)) == "DROP TABLE t; DROP SEQUENCE IF EXISTS t_id_seq"


def test_a_key_with_values_of_its_own_is_not() -> None:
    own = sa.Table("o", sa.MetaData(), sa.Column("id", sa.String, primary_key=True))
    assert "SEQUENCE" not in sql(CreateTable(own))
