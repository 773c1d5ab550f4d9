"""Which statements name the column with the files of a lake."""

import pytest

from flightkeeper.flight_server.sql.access.files import names_files
from flightkeeper.flight_server.sql.reading import sources, tree


def names(text: str) -> bool:
    (source,) = sources(text, "duckdb")
    return names_files(tree(source))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT filename FROM t",
        'SELECT a FROM t WHERE "FileName" = 1',
        "SELECT lake.main.t.filename FROM t",
        "SELECT a AS filename FROM t ORDER BY filename",
        "SELECT 1 FROM t JOIN u USING (filename)",
        "SELECT (SELECT filename) FROM t",
        "SELECT * EXCLUDE (filename) FROM t",
        "SELECT * REPLACE (filename AS a) FROM t",
        "SELECT parse_filename(filename) FROM t",
        "SELECT hash(filename) FROM t",
        "SELECT hash(parse_filename(filename, false, 'backslash')) FROM t",
        "SELECT hash(parse_filename(filename), 1) FROM t",
        "SELECT hash(parse_filename(a || filename)) FROM t",
        "UPDATE t SET a = filename",
        "DELETE FROM t WHERE t.filename LIKE '/a%'",
        "MERGE INTO t USING u ON t.filename = u.a WHEN MATCHED THEN DELETE",
        "PIVOT t ON filename USING count(*)",
    ],
)
def test_it_is_found(text: str) -> None:
    assert names(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM filename",
        "SELECT 'filename', a AS filename FROM t AS filename",
        "INSERT INTO t (filename) VALUES ('filename')",
        "CREATE TABLE t (filename INT)",
        "ALTER TABLE t ADD COLUMN filename INT",
        "WITH filename AS (SELECT 1) FROM filename",
        "FROM (VALUES (1)) AS v(filename)",
        'SELECT a FROM t WHERE hash(parse_filename("t".filename)) % 3 = 1',
        "DROP TABLE filename",
    ],
)
def test_names_of_other_things_are_not_it(text: str) -> None:
    assert not names(text)
