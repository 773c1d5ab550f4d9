"""SHOW and DESCRIBE of other engines, answered from DuckDB's catalog with their column names.

Owns which forms are known. Pure: texts in, texts out.
"""

import re
from collections.abc import Callable, Mapping

from flightkeeper.flight_server.system.tables import SCHEMA, TABLES

_NAME = r'(?:"(?:[^"]|"")*"|[\w$-]+)'
_NAMES = rf"{_NAME}(?:\.{_NAME})*"
_TEXT = r"'(?:[^']|'')*'"
_LIKE = rf"(?: (?:LIKE )?(?P<like>{_TEXT}))?"
_IN = rf"(?: (?:IN|FROM) (?:(?:SCHEMA|DATABASE|ACCOUNT|CATALOG) ?)?(?P<within>{_NAMES})?)?"

_HIVE = ("hive", "spark", "databricks", "impala")
_PRESTO = ("presto", "trino", "athena")

_CATALOGS = "SELECT database_name AS {0} FROM duckdb_databases() WHERE NOT internal"
_SCHEMAS = (
    "SELECT schema_name AS {0} FROM information_schema.schemata "
    "WHERE schema_name NOT IN ('information_schema', 'pg_catalog')"
)
_TABLES = "SELECT {0} FROM information_schema.tables WHERE table_type LIKE '%'"
_VIEWS = "SELECT {0} FROM information_schema.tables WHERE table_type = 'VIEW'"
_COLUMNS = "SELECT {0} FROM (DESCRIBE {1})"
_CREATE = (
    "SELECT {0} FROM (SELECT schema_name, table_name, sql FROM duckdb_tables() "
    "UNION ALL SELECT schema_name, view_name, sql FROM duckdb_views()) WHERE table_name = {1}"
)
_FUNCTIONS = "SELECT DISTINCT function_name AS {0} FROM duckdb_functions()"
_SETTINGS = "SELECT {0} FROM duckdb_settings()"

_PRESTO_COLUMNS = (
    'column_name AS "Column", column_type AS "Type", \'\' AS "Extra", \'\' AS "Comment"'
)
_HIVE_COLUMNS = "column_name AS col_name, column_type AS data_type, NULL AS comment"
_IMPALA_COLUMNS = "column_name AS name, column_type AS type, NULL AS comment"
_MYSQL_COLUMNS = (
    'column_name AS "Field", column_type AS "Type", "null" AS "Null", "key" AS "Key", '
    '"default" AS "Default", extra AS "Extra"'
)
_SNOWFLAKE_COLUMNS = (
    'column_name AS name, column_type AS type, \'COLUMN\' AS kind, "null" AS "null?", '
    '"default" AS "default"'
)
_SNOWFLAKE_TABLES = (
    "table_name AS name, table_catalog AS database_name, table_schema AS schema_name, "
    "CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END AS kind"
)
_SPARK_TABLES = 'table_schema AS namespace, table_name AS "tableName", FALSE AS "isTemporary"'

_POSTGRES_SETTINGS: Mapping[str, str] = {
    "client_encoding": "'UTF8'",
    "datestyle": "'ISO, MDY'",
    "default_transaction_read_only": "'off'",
    "integer_datetimes": "'on'",
    "intervalstyle": "'postgres'",
    "max_identifier_length": "'63'",
    "search_path": "current_schema()",
    "server_encoding": "'UTF8'",
    "server_version": "version()",
    "standard_conforming_strings": "'on'",
    "timezone": "current_setting('TimeZone')",
    "transaction_isolation": "'repeatable read'",
    "transaction_read_only": "'off'",
}

_SYSTEM_TABLES = (
    "(VALUES {}) AS tables(table_catalog, table_schema, table_name, table_type)".format(
        ", ".join(f"('{SCHEMA}', '{SCHEMA}', '{name}', 'SYSTEM TABLE')" for name in TABLES)
    )
)

_Show = Callable[[re.Match[str]], str]


def _listing(query: str, name: str, column: str, order: str = "1") -> _Show:
    """A list of things in the current catalog, by pattern of their names.

    Args:
        column: of the query, that a pattern is for.
    """

    def show(match: re.Match[str]) -> str:
        text = query.format(name)
        within = match.groupdict().get("within")
        if query is _TABLES and within and within.strip('"').lower() == SCHEMA:
            text = text.replace("information_schema.tables", _SYSTEM_TABLES)
        elif "information_schema" in query:
            text += _within(column, within)
        return f"{text}{_like(column, match.groupdict().get('like'))} ORDER BY {order}"

    return show


def _within(column: str, within: str | None) -> str:
    parts = [_text(part) for part in re.findall(_NAME, within or "")]
    if column == "schema_name":
        return f" AND catalog_name = {parts[0] if parts else 'current_database()'}"
    schema = parts[-1] if parts else "current_schema()"
    catalog = parts[0] if len(parts) > 1 else "current_database()"
    return f" AND table_schema = {schema} AND table_catalog = {catalog}"


def _like(column: str, like: str | None) -> str:
    """SQL's pattern, or Hive's, where `*` is any text and `|` parts alternatives."""
    if like is None:
        return ""
    word = "WHERE" if column in {"function_name", "name"} else "AND"
    if "%" in like or ("_" in like and "*" not in like):
        return f" {word} {column} ILIKE {like}"
    pattern = re.sub(r"[.+?()\[\]{}^$\\]", r"\\\g<0>", like).replace("*", ".*")
    return f" {word} regexp_full_match({column}, {pattern}, 'i')"


def _columns(columns: str) -> _Show:
    return lambda match: _COLUMNS.format(columns, match["table"])


def _create(columns: str) -> _Show:
    def show(match: re.Match[str]) -> str:
        *schema, table = re.findall(_NAME, match["table"])
        where = f" AND schema_name = {_text(schema[-1])}" if schema else ""
        return _CREATE.format(columns, _text(table)) + where

    return show


def _text(name: str) -> str:
    """A name as a literal."""
    inner = name[1:-1].replace('""', '"') if name.startswith('"') else name
    return "'" + inner.replace("'", "''") + "'"


def _setting(match: re.Match[str]) -> str:
    name = re.sub(r"\W+", "_", match["name"].strip('"').lower())
    name = {"transaction_isolation_level": "transaction_isolation", "time_zone": "timezone"}.get(
        name, name
    )
    value = _POSTGRES_SETTINGS.get(name, f"current_setting('{name}')")
    return f"SELECT CAST({value} AS TEXT) AS {name}"


def _mysql_tables(match: re.Match[str]) -> str:
    kind = ', table_type AS "Table_type"' if match["full"] else ""
    name = re.findall(_NAME, match["within"] or "main")[-1].strip('"')
    return _listing(_TABLES, f'table_name AS "Tables_in_{name}"{kind}', "table_name")(match)


def _rules(schemas: str, tables: str, columns: str, create: str) -> dict[str, _Show]:
    """The forms that many engines share, with the names of their columns."""
    table = rf"(?P<table>{_NAMES})"
    return {
        rf"SHOW (?:DATABASES|SCHEMAS){_IN}{_LIKE}": _listing(_SCHEMAS, schemas, "schema_name"),
        rf"SHOW TABLES{_IN}{_LIKE}": _listing(_TABLES, tables, "table_name"),
        rf"SHOW VIEWS{_IN}{_LIKE}": _listing(_VIEWS, tables, "table_name"),
        rf"SHOW COLUMNS (?:FROM|IN) {table}": _columns(columns),
        rf"(?:DESCRIBE|DESC) (?:TABLE )?(?:FORMATTED |EXTENDED )?{table}": _columns(columns),
        rf"SHOW CREATE (?:TABLE|VIEW) {table}": _create(create),
        rf"SHOW FUNCTIONS{_LIKE}": _listing(_FUNCTIONS, "name", "function_name"),
    }


_HIVE_RULES = _rules(
    "database_name", "table_name AS tab_name", _HIVE_COLUMNS, "sql AS createtab_stmt"
)
_SPARK_RULES = _rules("namespace", _SPARK_TABLES, _HIVE_COLUMNS, "sql AS createtab_stmt")
_PRESTO_RULES = _rules(
    '"Schema"', 'table_name AS "Table"', _PRESTO_COLUMNS, 'sql AS "Create Table"'
) | {rf"SHOW CATALOGS{_LIKE}": _listing(_CATALOGS, '"Catalog"', "database_name")}
_MYSQL_RULES = {
    # Before the shared forms, of which one is the same without FULL.
    rf"SHOW (?P<full>FULL )?TABLES{_IN}{_LIKE}": _mysql_tables,
    rf"SHOW (?:FULL )?(?:COLUMNS|FIELDS) (?:FROM|IN) (?P<table>{_NAMES})": _columns(_MYSQL_COLUMNS),
    rf"SHOW (?:SESSION |GLOBAL )?VARIABLES{_LIKE}": _listing(
        _SETTINGS, 'name AS "Variable_name", value AS "Value"', "name"
    ),
    r"SHOW (?:WARNINGS|ERRORS)(?P<like>)": lambda _match: (
        'SELECT \'\' AS "Level", 0 AS "Code", \'\' AS "Message" WHERE FALSE'
    ),
} | _rules(
    '"Database"', "table_name", _MYSQL_COLUMNS, 'table_name AS "Table", sql AS "Create Table"'
)
_SNOWFLAKE_RULES = _rules("name", _SNOWFLAKE_TABLES, _SNOWFLAKE_COLUMNS, "sql") | {
    rf"SHOW COLUMNS IN (?:TABLE )?(?P<table>{_NAMES})": _columns(_SNOWFLAKE_COLUMNS),
}
_POSTGRES_RULES: dict[str, _Show] = {
    r"SHOW (?P<name>TRANSACTION ISOLATION LEVEL|TIME ZONE|\w+)": _setting
}

_BY_DIALECT: Mapping[str, Mapping[str, _Show]] = {
    "athena": _PRESTO_RULES,
    "clickhouse": _rules("name", "table_name AS name", _IMPALA_COLUMNS, "sql AS statement"),
    "databricks": _SPARK_RULES,
    "hive": _HIVE_RULES,
    "impala": _rules("name", "table_name AS name", _IMPALA_COLUMNS, "sql AS result"),
    "mysql": _MYSQL_RULES,
    "postgres": _POSTGRES_RULES,
    "presto": _PRESTO_RULES,
    "redshift": _POSTGRES_RULES,
    "snowflake": _SNOWFLAKE_RULES,
    "spark": _SPARK_RULES,
    "trino": _PRESTO_RULES,
}


def show(text: str, dialect: str) -> str | None:
    """DuckDB's query for a SHOW or DESCRIBE; None = it is none, or of a form not known.

    Args:
        text: the statement in its plain form, see `commands.plain`.
    """
    for pattern, answer in _BY_DIALECT.get(dialect, {}).items():
        match = re.fullmatch(pattern, text, re.IGNORECASE)
        if match is not None:
            return answer(match)
    return None
