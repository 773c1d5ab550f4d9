"""What there is, asked of a real node."""

import pyarrow as pa
import pytest

from flightkeeper.client import Connection, StatementFailed


def test_catalogs_schemas_tables(real: Connection) -> None:
    real.execute("CREATE TABLE work.a_b (n INT); CREATE VIEW work.v AS SELECT 1 AS one")
    metadata = real.metadata
    assert metadata.catalogs().to_pydict() == {"catalog_name": ["memory"]}
    schemas = metadata.schemas("memory", "wo%")
    assert schemas["db_schema_name"].to_pylist() == ["work"]
    assert metadata.tables(schema_pattern="work")["table_name"].to_pylist() == ["a_b", "v"]
    views = metadata.tables("%", schema_pattern="work", catalog="memory", types=("VIEW",))
    assert views["table_name"].to_pylist() == ["v"]
    assert "table_schema" in metadata.tables(include_schema=True).column_names
    assert "VIEW" in metadata.table_types()["table_type"].to_pylist()


def test_the_columns_of_one_table(real: Connection) -> None:
    real.execute("CREATE TABLE work.a_b (n INT, s VARCHAR); CREATE TABLE work.axb (other INT)")
    found = real.metadata.schema("a_b", "work")
    assert (found.names, found.types) == (["n", "s"], [pa.int32(), pa.string()])
    with pytest.raises(StatementFailed, match="'nothing': not found"):
        real.metadata.schema("nothing")
    real.execute("CREATE SCHEMA IF NOT EXISTS work; CREATE OR REPLACE TABLE main.axb (n INT)")
    with pytest.raises(StatementFailed, match="name one"):
        real.metadata.schema("axb")
    real.execute("DROP TABLE main.axb")


def test_keys(real: Connection) -> None:
    real.execute(
        "CREATE TABLE work.parent (id INT PRIMARY KEY);"
        "CREATE TABLE work.child (id INT REFERENCES work.parent (id))"
    )
    metadata = real.metadata
    assert metadata.primary_keys("parent", "work")["column_name"].to_pylist() == ["id"]
    assert metadata.imported_keys("child", "work")["pk_table_name"].to_pylist() == ["parent"]
    assert metadata.exported_keys("parent", "work")["fk_table_name"].to_pylist() == ["child"]


def test_types_and_facts(real: Connection) -> None:
    assert "INTEGER" in real.metadata.types()["type_name"].to_pylist()
    assert real.metadata.sql_info(0).num_rows == 1
    assert real.metadata.sql_info().num_rows > 20


def test_a_transaction_asks_too(real: Connection) -> None:
    with real.transaction() as transaction:
        assert transaction.metadata.catalogs().num_rows == 1
