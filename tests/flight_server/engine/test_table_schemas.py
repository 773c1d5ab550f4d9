"""Schemas of tables: the very types a query has, and all that the catalog knows besides."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine import catalog, table_schemas
from flightkeeper.flight_server.engine.catalog import TableFilter, quoted
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.engine.table_schemas import TableSchemas
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.system import tables as system
from flightkeeper.flightsql import schemas

_ODD = 'odd "näme".x'
_KEY = "ARROW:FLIGHT:SQL:"
_MORE_TYPES = (
    "DECIMAL(4, 1)[]",
    'STRUCT(a INTEGER, "b c" VARCHAR[], "select" DATE)',
    "MAP(VARCHAR, STRUCT(x INTEGER))",
    "UNION(num INTEGER, str VARCHAR)",
    "VARCHAR[3]",
    "INTEGER[][3]",
    "ENUM('a', 'it''s', 'nextval(', ')')",
    "JSON",
    "STRUCT(j JSON, e ENUM('x'), u UHUGEINT)",
    "VARIANT",
    "BIGNUM[]",
    "VARCHAR COLLATE NOCASE",
    "mood",
    "length",
)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    database = Database(DatabaseOptions())
    made = database.connect()
    for command in (
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        "CREATE TYPE length AS DOUBLE",
        "CREATE SEQUENCE numbers",
        """CREATE TABLE t (
             id BIGINT DEFAULT nextval('numbers') PRIMARY KEY, name VARCHAR NOT NULL,
             price DECIMAL(10, 2) DEFAULT 1, made TIMESTAMP, weight DOUBLE,
             gross DECIMAL(12, 2) GENERATED ALWAYS AS (price * 2),
             "net price" DECIMAL(12, 2) GENERATED ALWAYS AS (price / 2), e INT, ne INT)""",
        "COMMENT ON TABLE t IS 'everything'",
        "COMMENT ON COLUMN t.name IS 'as on the läbel'",
        "CREATE VIEW v AS SELECT id, name AS title FROM t",
        "COMMENT ON VIEW v IS 'less'",
        "COMMENT ON COLUMN v.title IS 'not the name'",
        f"CREATE TABLE {quoted(_ODD)} ({quoted(_ODD)} INT)",
        "CREATE TABLE gone (a INT, b VARCHAR)",
        "CREATE VIEW broken AS SELECT * FROM gone",
        "DROP TABLE gone",
        "CREATE TABLE base (a INT)",
        "CREATE VIEW stale AS SELECT * FROM base",
        "CREATE OR REPLACE TABLE base (a BIGINT, b DATE)",
        "CREATE TEMP TABLE passing (a INT)",
    ):
        made.command(command)
    yield made
    made.close()
    database.close()


def schema_of(connection: Connection, table: str) -> pa.Schema:
    answer = table_schemas.tables(connection, TableFilter(table_pattern=table))
    assert answer.schema == schemas.TABLES_WITH_SCHEMA
    (encoded,) = answer["table_schema"].to_pylist()
    assert isinstance(encoded, bytes)
    return pa.ipc.read_schema(pa.py_buffer(encoded))


def said(field: "pa.Field[pa.DataType]") -> Mapping[str, str]:
    pairs = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    return {key.removeprefix(_KEY): value for key, value in pairs.items()}


def selected(connection: Connection, table: str) -> pa.Schema:
    return connection.run(parse(f"SELECT * FROM {table}")[0]).schema


def columns(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in schema]


def test_every_type_is_the_one_a_query_has(connection: Connection) -> None:
    connection.command("CREATE OR REPLACE TABLE many AS FROM test_all_types()")
    for number, kind in enumerate(_MORE_TYPES):
        connection.command(f"ALTER TABLE many ADD COLUMN more_{number} {kind}")
    documented, queried = schema_of(connection, "many"), selected(connection, "many")
    assert documented.names == queried.names
    for field, other in zip(documented, queried, strict=True):
        assert field.type == other.type, field.name
        type_names = [
            (each.metadata or {})[b"ARROW:FLIGHT:SQL:TYPE_NAME"] for each in (field, other)
        ]
        assert type_names[0] == type_names[1]
    connection.command("DROP TABLE many")


def test_settings_of_the_session_count(connection: Connection) -> None:
    connection.command("CREATE TABLE zoned (a TIMESTAMPTZ, b UUID, c VARCHAR[])")
    connection.command("SET TimeZone = 'Asia/Tokyo'")
    connection.command("SET arrow_large_buffer_size = true")
    assert schema_of(connection, "zoned").types == selected(connection, "zoned").types
    connection.command("RESET TimeZone")
    connection.command("RESET arrow_large_buffer_size")
    connection.command("DROP TABLE zoned")


def test_a_column_says_all_the_catalog_knows(connection: Connection) -> None:
    schema = schema_of(connection, "t")
    place = {
        "CATALOG_NAME": "memory",
        "SCHEMA_NAME": "main",
        "DB_SCHEMA_NAME": "main",
        "TABLE_NAME": "t",
    }
    plain = {"IS_SEARCHABLE": "1", "IS_AUTO_INCREMENT": "0", "IS_READ_ONLY": "0"}
    assert said(schema.field("id")) == {
        **place,
        **plain,
        "TYPE_NAME": "BIGINT",
        "PRECISION": "19",
        "SCALE": "0",
        "IS_CASE_SENSITIVE": "0",
        "IS_AUTO_INCREMENT": "1",
        "COLUMN_DEF": "nextval('numbers')",
    }
    assert said(schema.field("name")) == {
        **place,
        **plain,
        "TYPE_NAME": "VARCHAR",
        "IS_CASE_SENSITIVE": "1",
        "REMARKS": "as on the läbel",
    }
    assert said(schema.field("price")) == {
        **place,
        **plain,
        "TYPE_NAME": "DECIMAL(10,2)",
        "PRECISION": "10",
        "SCALE": "2",
        "IS_CASE_SENSITIVE": "0",
        "COLUMN_DEF": "1",
    }
    assert (said(schema.field("made"))["PRECISION"], said(schema.field("made"))["SCALE"]) == (
        "26",
        "6",
    )
    assert not {"PRECISION", "SCALE"} & said(schema.field("weight")).keys()


def test_what_must_not_be_null_is_not_nullable(connection: Connection) -> None:
    schema = schema_of(connection, "t")
    assert [field.name for field in schema if not field.nullable] == ["id", "name"]


def test_generated_columns_are_read_only_and_have_no_default(connection: Connection) -> None:
    schema = schema_of(connection, "t")
    assert [field.name for field in schema if said(field)["IS_READ_ONLY"] == "1"] == [
        "gross",
        "net price",
    ]
    assert "COLUMN_DEF" not in said(schema.field("gross"))


def test_the_comment_of_a_table_is_with_its_schema(connection: Connection) -> None:
    assert schema_of(connection, "t").metadata == {b"ARROW:FLIGHT:SQL:REMARKS": b"everything"}
    assert schema_of(connection, "v").metadata == {b"ARROW:FLIGHT:SQL:REMARKS": b"less"}
    assert schema_of(connection, "passing").metadata is None


def test_a_view_is_read_only_and_may_be_commented(connection: Connection) -> None:
    schema = schema_of(connection, "v")
    assert columns(schema) == columns(selected(connection, "v"))
    assert said(schema.field("title"))["REMARKS"] == "not the name"
    assert {said(field)["IS_READ_ONLY"] for field in schema} == {"1"}
    assert said(schema.field("id"))["TYPE_NAME"] == "BIGINT"


def test_a_view_has_the_columns_its_tables_have_now(connection: Connection) -> None:
    schema = schema_of(connection, "stale")
    assert columns(schema) == [("a", pa.int64()), ("b", pa.date32())]


def test_a_broken_view_has_the_columns_it_had_and_hides_no_others(connection: Connection) -> None:
    schema = schema_of(connection, "broken")
    assert columns(schema) == [("a", pa.int32()), ("b", pa.string())]
    everything = table_schemas.tables(connection, TableFilter())
    names = everything["table_name"].to_pylist()
    assert names == catalog.tables(connection, TableFilter())["table_name"].to_pylist()
    assert {"broken", "t", "v", _ODD, "passing"} <= set(names)
    (broken,) = catalog.relations(connection, TableFilter(table_pattern="broken"))
    assert TableSchemas(connection, TableFilter()).result(broken) is None


def test_odd_names_come_with_their_schema(connection: Connection) -> None:
    schema = schema_of(connection, "odd%")
    assert schema.names == [_ODD]
    assert said(schema.field(0))["TABLE_NAME"] == _ODD


def test_a_temporary_table_comes_with_its_schema(connection: Connection) -> None:
    schema = schema_of(connection, "passing")
    assert said(schema.field("a"))["CATALOG_NAME"] == "temp"


def test_system_tables_come_with_their_schemas(connection: Connection) -> None:
    wanted = TableFilter(types=["SYSTEM TABLE"])
    known = TableSchemas(connection, wanted)
    for relation in catalog.relations(connection, wanted):
        documented = known.documented(relation)
        if relation.schema == system.SCHEMA:
            # DuckDB does not know of them: only a connection that runs a query on one has it.
            expected = system.TABLES[relation.name].schema
            assert documented.names == expected.names
            assert [str(field.type).replace("Etc/UTC", "UTC") for field in documented] == [
                str(field.type) for field in expected
            ]
            continue
        assert columns(documented) == columns(selected(connection, relation.sql)), relation.name


def test_nothing_found_has_its_schema(connection: Connection) -> None:
    answer = table_schemas.tables(connection, TableFilter(table_pattern="nowhere"))
    assert answer.schema == schemas.TABLES_WITH_SCHEMA
    assert answer.num_rows == 0


def test_more_types_than_are_asked_for_at_once(connection: Connection) -> None:
    kinds = ", ".join(
        f"c{number} DECIMAL(38, {number % 38})[{number + 1}]" for number in range(600)
    )
    connection.command(f"CREATE TABLE wide ({kinds})")
    assert columns(schema_of(connection, "wide")) == columns(selected(connection, "wide"))
    connection.command("DROP TABLE wide")


def test_a_type_that_cannot_be_written_is_asked_of_its_table(connection: Connection) -> None:
    """An aggregate's state has no name in SQL; DuckDB 1.5 cannot send it either."""
    connection.command("CREATE TABLE st AS SELECT sum(a) EXPORT_STATE s, 1 AS n FROM range(3) t(a)")
    assert ("n", pa.int32()) in columns(schema_of(connection, "st"))
    (relation,) = catalog.relations(connection, TableFilter(table_pattern="st"))
    result = TableSchemas(connection, TableFilter()).result(relation)
    try:
        assert result == connection.describe(parse("SELECT * FROM st")[0])
    except NodeError:
        assert result is None
    connection.command("DROP TABLE st")


def test_a_result_is_nullable_and_names_its_types(connection: Connection) -> None:
    wanted = TableFilter(table_pattern="t")
    (relation,) = catalog.relations(connection, wanted)
    schema = TableSchemas(connection, wanted).result(relation)
    assert schema is not None
    assert schema.equals(selected(connection, "t"), check_metadata=True)


def test_what_cannot_be_written_is_read_only(connection: Connection, tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    connection.command(f"ATTACH '{file}' AS other")
    connection.command("CREATE TABLE other.far (a INT)")
    connection.command("DETACH other")
    connection.command(f"ATTACH '{file}' AS other (READ_ONLY)")
    assert said(schema_of(connection, "far").field("a"))["IS_READ_ONLY"] == "1"
    connection.command("DETACH other")
