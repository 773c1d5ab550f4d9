"""What others see of a statement's text: nothing that may be secret."""

import pytest

from flightkeeper.flight_server.sql.masking import (
    SHOWN_CHARACTERS_MAX,
    holds_password,
    masked,
    shown,
)

PAIRS = [
    (
        "duckdb",
        "SELECT * FROM t WHERE a = 'hush' AND b = 12",
        "SELECT * FROM t WHERE a = '…' AND b = 12",
    ),
    ("duckdb", "SELECT 'it''s hush'", "SELECT '…'"),
    ("duckdb", 'SELECT "col" FROM t', 'SELECT "col" FROM t'),
    ("mysql", 'SELECT "hush" FROM `t`', "SELECT '…' FROM `t`"),
    ("spark", 'SELECT "hush"', "SELECT '…'"),
    ("duckdb", "SELECT 1 -- hush\n, 2 /* hush */", "SELECT 1 , 2"),
    ("mysql", "SELECT 1 # hush", "SELECT 1"),
    ("postgres", "SELECT a # 'x\nhush'", "SELECT a # '…'"),
    ("duckdb", "SELECT $$hush$$, $t$ it's hush $t$, $1", "SELECT '…', '…', $1"),
    ("mysql", "SELECT $a$ ' $a$ hush' FROM t", "SELECT '…'"),
    ("bigquery", "SELECT '''it's hush''' FROM t", "SELECT '…'"),
    ("bigquery", "SELECT \"hush\", r'hush' # hush", "SELECT '…', r'…'"),
    ("clickhouse", "SELECT 1 # it's hush\n, 'hush'", "SELECT 1 , '…'"),
    ("duckdb", "SELECT '''hush', 1", "SELECT '…', 1"),
    ("duckdb", "SELECT 'hush", "SELECT '…'"),
    ("duckdb", r"SELECT E'a\'hush' FROM t", "SELECT E'…'"),
    ("duckdb", r"SELECT 'a\' , b, 'hush'", "SELECT '…'"),
    ("mysql", r"SELECT 'a\'hush' FROM t", "SELECT '…'"),
    ("duckdb", "SELECT 1 /* a /* b */ 'c hush' */", "SELECT 1 '…'"),
    ("oracle", "SELECT q'[it's hush]' FROM dual", "SELECT '…'"),
    ("mysql", "SELECT `it's`, 'hush', `na'me`", "SELECT `it's`, '…', `na'me`"),
    (
        "duckdb",
        "SET s3_secret_access_key = hush; SELECT 1",
        "SET s3_secret_access_key = …; SELECT 1",
    ),
    ("duckdb", "CREATE SECRET s (TYPE s3, SECRET hush)", "CREATE SECRET s ( …"),
    (
        "duckdb",
        "create or replace persistent secret s (key_id hush)",
        "create or replace persistent secret s ( …",
    ),
    ("duckdb", "CREATE USER ada PASSWORD 'hush'", "CREATE USER ada PASSWORD …"),
    ("mysql", "ALTER USER ada IDENTIFIED BY hush", "ALTER USER ada IDENTIFIED …"),
    ("duckdb", "ATTACH 'postgres://ada:hush@host' AS x", "ATTACH …"),
    ("duckdb", "CREATE TABLE users (a INT)", "CREATE TABLE users (a INT)"),
    ("duckdb", "SELECT\n   a,\n\tb", "SELECT a, b"),
]


@pytest.mark.parametrize(("dialect", "text", "expected"), PAIRS)
def test_what_is_shown(dialect: str, text: str, expected: str) -> None:
    assert shown(text, dialect) == expected


@pytest.mark.parametrize(("dialect", "text", "_"), PAIRS)
def test_wherever_a_text_is_cut_nothing_comes_out(dialect: str, text: str, _: str) -> None:
    for end in range(len(text)):
        assert "hush" not in shown(text[:end], dialect)


def test_a_long_text_is_cut() -> None:
    found = shown("SELECT " + "a, " * 5000, "duckdb")
    assert len(found) == SHOWN_CHARACTERS_MAX
    assert found.endswith("…")


@pytest.mark.parametrize("dialect", ["bigquery", "clickhouse", "hive", "duckdb"])
def test_what_duckdb_takes_for_a_text_is_hidden_in_every_dialect(dialect: str) -> None:
    assert "secret" not in shown("ATTACH $$postgres://u:secret@h$$", dialect)
    assert "secret" not in shown("PREPARE p AS SELECT $a$secret$a$", dialect)
    assert "secret" not in shown('SELECT * FROM "https://u:secret@h"', dialect)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE USER a PASSWORD 'it''s'", "CREATE USER a PASSWORD '…'"),
        ("alter user a password 'x'; SELECT 'y'", "alter user a password '…'; SELECT '…'"),
        ("CREATE USER a PASSWORD 'never ends", "CREATE USER a PASSWORD '…'"),
        ("CREATE USER a PASSWORD $$x$$", "CREATE USER a PASSWORD '…'"),
        ("CREATE USER a PASSWORD $b$ x $b$ ROLE c", "CREATE USER a PASSWORD '…' ROLE c"),
        ("SELECT 'x'", "SELECT 'x'"),
    ],
)
def test_texts_with_a_password_are_shown_without_literals(text: str, expected: str) -> None:
    assert masked(text) == expected
    assert holds_password(text) == (text != expected)
