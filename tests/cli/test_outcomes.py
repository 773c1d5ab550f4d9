"""What a statement did, in words."""

import io
import json

import pyarrow as pa
import pytest

from flightkeeper.cli.formats import Format
from flightkeeper.cli.outcomes import outcome, verb, write_answer


def answer(*counts: int) -> pa.RecordBatchReader:
    return pa.table({"Count": pa.array(counts, pa.int64())}).to_reader()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("create table t as select 1", "CREATE TABLE"),
        ("CREATE OR REPLACE TEMP VIEW v AS SELECT 'TABLE'", "CREATE VIEW"),
        ("/* INDEX */ DROP -- VIEW\nTABLE IF EXISTS t", "DROP TABLE"),
        ("ALTER TABLE t ADD COLUMN a INT", "ALTER TABLE"),
        ("CREATE REFERENCE TABLE r (a INT)", "CREATE TABLE"),
        ("CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX"),
        ("insert into t values (1)", "INSERT"),
        ("WITH c AS (SELECT 1), d AS (FROM c) INSERT INTO t FROM d", "INSERT"),
        ("WITH c AS (SELECT ')INSERT') DELETE FROM t", "DELETE"),
        ("COPY t TO 'f.csv'", "COPY"),
        ("ATTACH ':memory:' AS m", "ATTACH"),
    ],
)
def test_what_a_statement_does(statement: str, said: str) -> None:
    assert verb(statement) == said


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((), "DELETE"),
        ((0,), "DELETE (0 rows)"),
        ((1,), "DELETE (1 row)"),
        ((5,), "DELETE (5 rows)"),
    ],
)
def test_rows_are_told_where_they_were_counted(counts: tuple[int, ...], said: str) -> None:
    assert outcome("DELETE FROM t", answer(*counts)) == said


def test_rows_of_a_query_are_left_to_be_read() -> None:
    told = {b"ARROW:FLIGHT:SQL:TYPE_NAME": b"BIGINT"}
    schema = pa.schema([pa.field("Count", pa.int64(), metadata=told)])
    rows = pa.table({"Count": [7]}).cast(schema).to_reader()
    assert outcome('SELECT 7 AS "Count"', rows) == ""
    assert rows.read_all().num_rows == 1


def test_words_are_for_people_and_counts_for_programs() -> None:
    out = io.StringIO()
    write_answer("DELETE FROM t", answer(5), Format.TABLE, out)
    write_answer("DELETE FROM t", answer(5), Format.JSONL, out)
    words, count = out.getvalue().splitlines()
    assert (words, json.loads(count)) == ("DELETE (5 rows)", {"Count": 5})
