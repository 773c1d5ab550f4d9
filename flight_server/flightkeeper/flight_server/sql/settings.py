"""SET, RESET and ALTER SESSION of other engines: what is kept, ignored, or refused.

Owns which settings mean nothing here. They are answered with a notice, since tools send them at
connect; one that would change answers is never ignored. Pure: texts in, texts out.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache

from flightkeeper.flight_server.errors import InvalidArgument

_POSTGRES_LIKE = ("postgres", "redshift")
_PRESTO_LIKE = ("athena", "presto", "trino")

_NAME = r'(?:"(?:[^"]|"")*"|[\w$-]+)'
_NAMES = rf"{_NAME}(?:\.{_NAME})*"
_TEXT = r"'(?:[^']|'')*'"
_ZONE = rf"(?P<zone>{_TEXT}|[\w/+:-]+)"
_OF_MYSQL = r"SET (?:SESSION |GLOBAL |@@(?:session\.|global\.)?)?"
_OF_POSTGRES = r"(?:SET|RESET) (?:SESSION |LOCAL )?"

_Answer = str | Callable[[re.Match[str]], str | None]


def notice(text: str) -> str:
    """A query that says why nothing was done."""
    return f"SELECT {quoted(text)} AS notice"


def quoted(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def ignored(match: re.Match[str]) -> str:
    """The notice that what has this name means nothing."""
    return notice(f"{match['name']} has no meaning here; nothing was changed")


def _refused(match: re.Match[str]) -> str:
    raise InvalidArgument(
        f"{match['name']} would change answers, and cannot be set here; nothing was run",
        cause="Not implemented Error",
    )


def _time_zone(match: re.Match[str]) -> str:
    zone = match["zone"].strip("'\"")
    if zone.upper() in {"DEFAULT", "LOCAL"}:
        return "RESET TimeZone"
    return f"SET TimeZone = {quoted('UTC' if zone in {'SYSTEM', '+00:00'} else zone)}"


def _any_of(*names: str) -> str:
    return rf"(?P<name>{'|'.join(names)})"


_ENCODING = notice("texts are UTF-8; nothing was changed")

_EVERYWHERE: Mapping[str, _Answer] = {
    r"SET (?:SESSION |GLOBAL )?(?:CHARACTERISTICS AS )?TRANSACTION .*": notice(
        "every transaction sees one snapshot; nothing was changed"
    ),
}
_MYSQL: Mapping[str, _Answer] = {
    r"SET (?:NAMES|CHARACTER SET|CHARSET) .*": _ENCODING,
    rf"{_OF_MYSQL}time_zone ?= ?{_ZONE}": _time_zone,
    rf"{_OF_MYSQL}(?P<name>autocommit) ?= ?(?:1|ON|TRUE)": ignored,
    (
        rf"{_OF_MYSQL}(?P<name>sql_mode) ?="
        r"(?!.*(?:ANSI|PIPES_AS_CONCAT|NO_BACKSLASH_ESCAPES)).*"
    ): ignored,
    _OF_MYSQL
    + _any_of(
        *(r"foreign_key_checks", r"unique_checks", r"character_set_\w+", r"collation_\w+"),
        *(r"net_\w+", r"wait_timeout", r"interactive_timeout", r"sql_safe_updates", r"sql_notes"),
        *(r"innodb_\w+", r"lock_wait_timeout", r"max_(?:allowed_packet|connections|join_size)"),
        *(r"group_concat_max_len", r"optimizer_\w+", r"(?:tmp|max_heap)_table_size"),
        *(r"(?:tx|transaction)_(?:isolation|read_only)", r"profiling", r"sql_log_bin"),
        *(r"(?:join|sort|read|read_rnd|bulk_insert)_buffer_size", r"sql_quote_show_create"),
    )
    + r" ?=.*": ignored,
}
_POSTGRES: Mapping[str, _Answer] = {
    rf"{_OF_POSTGRES}TIME ?ZONE(?: ?=| TO)? ?(?P<zone>LOCAL|DEFAULT)": _time_zone,
    r"SET (?:SESSION |LOCAL )?(?P<name>datestyle)(?: ?=| TO) '?\"?ISO.*": ignored,
    r"SET (?:SESSION |LOCAL )?(?P<name>standard_conforming_strings)(?: ?=| TO) '?on'?": ignored,
    r"SET (?:SESSION |LOCAL )?(?:client_encoding|NAMES)(?: ?=| TO)? ?'?(?:utf-?8|unicode)'?": (
        _ENCODING
    ),
    r"SET (?P<name>SESSION AUTHORIZATION) DEFAULT": ignored,
    r"(?:RESET|SET) (?P<name>ROLE)(?: NONE)?": ignored,
    _OF_POSTGRES
    + _any_of(
        *(r"client_min_messages", r"extra_float_digits", r"application_name", r"bytea_output"),
        *(r"row_security", r"default_transaction_\w+", r"intervalstyle", r"query_group", r"jit\w*"),
        r"(?:lock|idle_session|idle_in_transaction_session|transaction)_timeout",
        *(
            r"(?:maintenance_)?work_mem",
            r"synchronous_commit",
            r"temp_buffers",
            r"random_page_cost",
        ),
        r"enable_(?:\w*(?:scan|join|sort|agg|append|material|memoize|pruning|gather_merge))",
        *(r"enable_result_cache_for_session", r"wlm_query_slot_count", r"constraint_exclusion"),
        *(r"check_function_bodies", r"escape_string_warning", r"xmloption", r"default_tablespace"),
        *(
            r"default_table_access_method",
            r"effective_cache_size",
            r"geqo\w*",
            r"log_(?:duration|lock_waits|min_\w+|statement)",
        ),
        *(r"max_parallel_\w+", r"parallel_\w+", r"lc_messages", r"default_with_oids"),
        r"[a-z]\w*\.\w+",
    )
    + r"(?:(?: ?=| TO) ?.*)?": ignored,
}
_PRESTO: Mapping[str, _Answer] = {
    rf"SET SESSION time_zone_id ?= ?{_ZONE}": _time_zone,
    rf"(?:RE)?SET SESSION (?P<name>{_NAMES})(?: ?=.*)?": ignored,
    rf"SET (?P<name>ROLE) {_NAME}": ignored,
}
_HIVE: Mapping[str, _Answer] = {
    rf"SET spark\.sql\.session\.timeZone ?= ?{_ZONE}": _time_zone,
    r"SET TIME ZONE (?P<zone>LOCAL)": _time_zone,
    r"SET (?P<name>spark\.sql\.(?:ansi\.enabled|caseSensitive)) ?= ?'?true'?": _refused,
    r"SET (?P<name>spark\.sql\.legacy\.sizeOfNull) ?= ?'?false'?": _refused,
    r"SET (?P<name>\w+(?:\.[\w-]+)+)(?: ?=.*)?": ignored,
}
_IMPALA: Mapping[str, _Answer] = {
    **_HIVE,
    # A name in lower case may be DuckDB's, so that only these are known.
    rf"SET TIMEZONE ?= ?{_ZONE}": _time_zone,
    r"SET (?P<name>DECIMAL_V2) ?= ?'?(?:false|0)'?": _refused,
    r"SET (?P<name>APPX_COUNT_DISTINCT) ?= ?'?(?:true|1)'?": _refused,
    r"SET (?P<name>[A-Z_0-9]+) ?=.*": lambda match: (
        None if match["name"].islower() else ignored(match)
    ),
    r"SET "
    + _any_of(
        *(r"abort_on_error", r"batch_size", r"buffer_pool_limit", r"compression_codec"),
        *(r"default_(?:file_format|transactional_type)", r"disable_(?:codegen|row_runtime\w+)"),
        *(r"exec_(?:single_node\w+|time_limit_s)", r"explain_level", r"idle_session_timeout"),
        *(r"max_(?:errors|row_size|scan_range_length|mem_estimate\w+|num_\w+)", r"mem_limit\w*"),
        *(r"mt_dop", r"num_(?:nodes|scanner_threads)", r"optimize_\w+", r"parquet_file_size"),
        *(r"query_timeout_s", r"replica_preference", r"request_pool", r"runtime_\w+"),
        *(r"schedule_random_replica", r"scratch_limit", r"support_start_over", r"sync_ddl"),
    )
    + r" ?=.*": ignored,
    r"UNSET (?P<name>\w+)": ignored,
}
_PHOENIX: Mapping[str, _Answer] = {
    r"SET (?P<name>(?:phoenix|hbase)\.[\w.-]+)(?: ?=.*)?": ignored,
    r"ALTER SESSION SET (?P<name>CONSISTENCY) ?=.*": ignored,
}
_SNOWFLAKE: Mapping[str, _Answer] = {
    rf"ALTER SESSION SET TIME_?ZONE ?= ?{_ZONE}": _time_zone,
    r"ALTER SESSION SET "
    + _any_of(
        *(r"QUERY_TAG", r"JDBC_\w+", r"ODBC_\w+", r"CLIENT_\w+", r"LOCK_TIMEOUT"),
        *(r"STATEMENT_\w+", r"PYTHON_\w+", r"AUTOCOMMIT", r"USE_CACHED_RESULT", r"GO_\w+"),
    )
    + r" ?=.*": ignored,
    r"ALTER SESSION UNSET (?P<name>QUERY_TAG)": ignored,
    r"ALTER SESSION SET (?P<name>\w+) ?=.*": _refused,
}
_ORACLE: Mapping[str, _Answer] = {
    rf"ALTER SESSION SET TIME_?ZONE ?= ?{_ZONE}": _time_zone,
    rf"ALTER SESSION SET CURRENT_SCHEMA ?= ?(?P<name>{_NAME})": lambda match: (
        f"USE {match['name']}"
    ),
    r"ALTER SESSION SET (?P<name>NLS_(?:LANGUAGE|TERRITORY)|STATISTICS_LEVEL) ?=.*": ignored,
    r"ALTER SESSION SET (?P<name>\w+) ?=.*": _refused,
}
_TSQL: Mapping[str, _Answer] = {
    r"SET "
    + _any_of(
        *(r"NOCOUNT", r"ANSI_\w+", r"XACT_ABORT", r"ARITHABORT", r"CONCAT_NULL_YIELDS_NULL"),
        *(r"NUMERIC_ROUNDABORT", r"TEXTSIZE", r"LOCK_TIMEOUT", r"QUOTED_IDENTIFIER"),
    )
    + r" -?\w+": ignored,
    r"SET (?P<name>DATEFIRST) 7": ignored,
    r"SET (?P<name>DATEFORMAT) [ym]\w\w": ignored,
    r"SET (?P<name>LANGUAGE) .*": ignored,
    r"SET (?P<name>ROWCOUNT) 0": ignored,
}
_CLICKHOUSE: Mapping[str, _Answer] = {
    r"SET "
    + _any_of(
        *(r"max_(?!(?:memory|expression_depth|temp_directory_size|vacuum_tasks)\b)\w+", r"min_\w+"),
        *(
            r"allow_experimental_\w+",
            r"distributed_\w+",
            r"optimize_\w+",
            r"(?:in|out)put_format_\w+",
        ),
        *(r"(?:send|receive|connect)_\w+", r"log_queries\w*", r"join_algorithm", r"readonly"),
        *(r"(?:async_)?insert_\w+", r"async_insert", r"use_uncompressed_cache", r"wait_\w+"),
    )
    + r" ?=.*": ignored,
}
_BIGQUERY: Mapping[str, _Answer] = {rf"SET @@time_zone ?= ?{_ZONE}": _time_zone}
_SQLITE: Mapping[str, _Answer] = {
    r"PRAGMA "
    + _any_of(
        *(r"busy_timeout", r"cache_size", r"encoding", r"foreign_keys", r"journal_mode"),
        *(r"mmap_size", r"page_size", r"recursive_triggers", r"synchronous", r"temp_store"),
    )
    + r" ?(?:=|\().*": ignored,
}

_BY_DIALECT: Mapping[str, Mapping[str, _Answer]] = {
    "bigquery": _BIGQUERY,
    "clickhouse": _CLICKHOUSE,
    "impala": _IMPALA,
    "mysql": _MYSQL,
    "oracle": _ORACLE,
    "phoenix": _PHOENIX,
    "snowflake": _SNOWFLAKE,
    "sqlite": _SQLITE,
    "tsql": _TSQL,
    **dict.fromkeys(("databricks", "hive", "spark"), _HIVE),
    **dict.fromkeys(_POSTGRES_LIKE, _POSTGRES),
    **dict.fromkeys(_PRESTO_LIKE, _PRESTO),
}


@cache
def _patterns(dialect: str) -> tuple[tuple[re.Pattern[str], _Answer], ...]:
    rules = {**_EVERYWHERE, **_BY_DIALECT.get(dialect, {})}
    flags = re.IGNORECASE | re.DOTALL
    return tuple((re.compile(pattern, flags), answer) for pattern, answer in rules.items())


def setting(text: str, dialect: str) -> str | None:
    """DuckDB's text for a setting of a dialect; None = it is none, or not known.

    Args:
        text: the statement in its plain form, see `commands.plain`.

    Raises:
        InvalidArgument: it would change answers.
    """
    if text.split(" ", 1)[0].upper() not in _FIRST:
        return None
    for pattern, answer in _patterns(dialect):
        match = pattern.fullmatch(text)
        found = None if match is None else answer if isinstance(answer, str) else answer(match)
        if found is not None:
            return found
    return _several(text) if dialect == "mysql" else None


_FIRST = frozenset({"ALTER", "PRAGMA", "RESET", "SET", "UNSET"})


def _several(text: str) -> str | None:
    """MySQL's `SET a = 1, b = 2`, where all of them mean nothing."""
    _, _, rest = text.partition(" ")
    parts = [part.strip() for part in re.findall(rf"(?:{_TEXT}|[^,'])+", rest)]
    if len(parts) < _SEVERAL:
        return None
    answers = [setting(f"SET {part}", "mysql") for part in parts]
    if not all(answer is not None and answer.startswith("SELECT ") for answer in answers):
        return None
    return notice("these settings have no meaning here; nothing was changed")


_SEVERAL = 2
