"""Settings of other engines: kept, ignored, or refused."""

import duckdb
import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.settings import setting
from tests.flight_server.sql.translated import becomes

IGNORED = {
    "clickhouse": ["max_threads = 4", "max_block_size = 1000", "join_algorithm = 'hash'"],
    "hive": [
        "hive.exec.dynamic.partition=true",
        "hive.exec.dynamic.partition.mode=nonstrict",
        "mapreduce.job.queuename=root.default",
        "mapred.job.name='x'",
    ],
    "impala": [
        *("MEM_LIMIT=1g", "mem_limit=1g", "REQUEST_POOL=root.default", "MT_DOP=4", "sync_ddl=1"),
        *("DECIMAL_V2=true", "hive.exec.dynamic.partition=true"),
    ],
    "mysql": [
        *("NAMES utf8mb4", "NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_ci'", "SESSION sql_mode=''"),
        *("sql_mode = 'STRICT_TRANS_TABLES'", "@@session.sql_mode = ''", "autocommit=1"),
        *("innodb_lock_wait_timeout = 5", "GLOBAL max_connections = 100"),
        "SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "character_set_results = NULL, autocommit=1, sql_mode='STRICT_TRANS_TABLES,NO_ZERO_DATE'",
    ],
    "phoenix": ["phoenix.query.timeoutMs = 10000", "TRANSACTION READ ONLY"],
    "postgres": [
        *("client_encoding TO 'UTF8'", "client_encoding = UTF8", "NAMES 'UTF8'", "NAMES utf8"),
        *("application_name = 'x'", "SESSION application_name TO 'x'", "LOCAL lock_timeout = 0"),
        *("extra_float_digits = 3", "work_mem = '64MB'", "enable_seqscan = off", "my.user = 'x'"),
        *("datestyle TO 'ISO, MDY'", "synchronous_commit TO off", "ROLE NONE"),
        "SESSION AUTHORIZATION DEFAULT",
    ],
    "redshift": ["enable_result_cache_for_session TO off", "query_group TO 'x'"],
    "spark": ["spark.sql.shuffle.partitions=10", "spark.sql.ansi.enabled=false"],
    "trino": ["SESSION query_max_run_time = '1h'", "SESSION hive.x = true", "ROLE admin"],
    "tsql": ["NOCOUNT ON", "DATEFIRST 7", "LANGUAGE us_english", "ROWCOUNT 0", "LOCK_TIMEOUT -1"],
}


@pytest.mark.parametrize(
    ("dialect", "text"),
    [(dialect, f"SET {text}") for dialect, texts in IGNORED.items() for text in texts]
    + [
        ("postgres", "RESET application_name"),
        ("postgres", "RESET ROLE"),
        ("trino", "RESET SESSION query_max_run_time"),
        ("impala", "UNSET MEM_LIMIT"),
        ("phoenix", "ALTER SESSION SET CONSISTENCY = 'STRONG'"),
        ("snowflake", "ALTER SESSION SET QUERY_TAG = 'x'"),
        ("oracle", "ALTER SESSION SET NLS_LANGUAGE = 'AMERICAN'"),
        ("sqlite", "PRAGMA foreign_keys = ON"),
        ("sqlite", "PRAGMA foreign_keys(1)"),
    ],
)
def test_what_means_nothing_here_is_a_notice(dialect: str, text: str) -> None:
    with duckdb.connect() as connection:
        answer = connection.execute(becomes(text, dialect))
        assert [column[0] for column in answer.description] == ["notice"]
        assert "nothing was changed" in answer.fetchall()[0][0]


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("spark", "SET spark.sql.ansi.enabled=true"),
        ("spark", "SET spark.sql.caseSensitive=true"),
        ("impala", "SET DECIMAL_V2=false"),
        ("impala", "SET APPX_COUNT_DISTINCT=true"),
        ("snowflake", "ALTER SESSION SET WEEK_START = 1"),
        ("oracle", "ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY'"),
    ],
)
def test_what_would_change_answers_is_refused(dialect: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match="would change answers, and cannot be set here"):
        becomes(text, dialect)


@pytest.mark.parametrize(
    ("dialect", "text", "sql"),
    [
        ("mysql", "SET time_zone = '+00:00'", "SET TimeZone = 'UTC'"),
        ("mysql", "SET SESSION time_zone = SYSTEM", "SET TimeZone = 'UTC'"),
        ("impala", "SET TIMEZONE = 'Asia/Tokyo'", "SET TimeZone = 'Asia/Tokyo'"),
        ("spark", "SET spark.sql.session.timeZone = Asia/Tokyo", "SET TimeZone = 'Asia/Tokyo'"),
        ("spark", "SET TIME ZONE LOCAL", "RESET TimeZone"),
        ("postgres", "SET TIME ZONE DEFAULT", "RESET TimeZone"),
        ("postgres", "SET timezone TO DEFAULT", "RESET TimeZone"),
        ("trino", "SET SESSION time_zone_id = 'Asia/Tokyo'", "SET TimeZone = 'Asia/Tokyo'"),
        ("bigquery", "SET @@time_zone = 'UTC'", "SET TimeZone = 'UTC'"),
        ("snowflake", "ALTER SESSION SET TIMEZONE = 'UTC'", "SET TimeZone = 'UTC'"),
        ("oracle", "ALTER SESSION SET CURRENT_SCHEMA = s", "USE s"),
    ],
)
def test_what_duckdb_has_is_set(dialect: str, text: str, sql: str) -> None:
    assert becomes(text, dialect) == sql
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA s")
        connection.execute(sql)


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("clickhouse", "SET max_memory = '1GB'"),
        ("clickhouse", "SET join_use_nulls = 1"),
        ("impala", "SET threads = 4"),
        ("mysql", "SET autocommit = 1, sql_mode = 'ANSI_QUOTES'"),
        ("mysql", "SET time_zone = 'UTC', autocommit = 1"),
        ("mysql", "SET @a = 1"),
        ("postgres", "SET threads = 4"),
        ("tsql", "SET DATEFIRST 1"),
        ("trino", "SELECT 1"),
    ],
)
def test_others_are_not_known(dialect: str, text: str) -> None:
    assert setting(text, dialect) is None
