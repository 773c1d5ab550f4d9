"""Functions that sqlglot does not know, or names otherwise than DuckDB does, as DuckDB's text.

Owns the tables: `{0}` stands for the first argument, `{1}` for the second. A name may have several
forms; the one for its number of arguments counts. What is not here goes to DuckDB as it is named.
"""

import re
from collections.abc import Mapping

Forms = Mapping[str, tuple[str, ...]]

_ARGUMENT = re.compile(r"\{(\d)\}")

_TIMESTAMP = "CAST({0} AS TIMESTAMP)"

_ANY: Forms = {
    "ALL_MATCH": ("(LEN(LIST_FILTER({0}, {1})) = LEN({0}))",),
    "ANY_MATCH": ("(LEN(LIST_FILTER({0}, {1})) > 0)",),
    "ARRAYS_OVERLAP": ("LIST_HAS_ANY({0}, {1})",),
    "ARRAY_REPEAT": ("REPEAT([{0}], {1})",),
    "ARRAY_UNION": ("LIST_DISTINCT(LIST_CONCAT({0}, {1}))",),
    "AT_TIMEZONE": ("TIMEZONE({1}, {0})",),
    "BROUND": ("ROUND_EVEN({0}, 0)", "ROUND_EVEN({0}, {1})"),
    "CODEPOINT": ("UNICODE({0})",),
    "E": ("EXP(1)",),
    "FORALL": ("(LEN(LIST_FILTER({0}, {1})) = LEN({0}))",),
    "FROM_UTC_TIMESTAMP": (f"TIMEZONE({{1}}, TIMEZONE('UTC', {_TIMESTAMP}))",),
    "GET": ("{0}[{1} + 1]",),
    "HAMMING_DISTANCE": ("HAMMING({0}, {1})",),
    "ISNOTNULL": ("({0} IS NOT NULL)",),
    "ISNULL": ("({0} IS NULL)",),
    "MAP_AGG": ("MAP(LIST({0}), LIST({1}))",),
    "MAP_FILTER": ("MAP_FROM_ENTRIES(LIST_FILTER(MAP_ENTRIES({0}), {1}))",),
    "NANVL": ("CASE WHEN ISNAN({0}) THEN {1} ELSE {0} END",),
    "NONE_MATCH": ("(LEN(LIST_FILTER({0}, {1})) = 0)",),
    "NORMALIZE": ("NFC_NORMALIZE({0})",),
    "NULLIFZERO": ("NULLIF({0}, 0)",),
    "PMOD": ("((({0} % {1}) + {1}) % {1})",),
    "SUBSTRING_INDEX": (
        (
            "ARRAY_TO_STRING(CASE WHEN {2} > 0 THEN STRING_SPLIT({0}, {1})[1:{2}] "
            "ELSE STRING_SPLIT({0}, {1})[{2}:] END, {1})"
        ),
    ),
    "TIMESTAMP_MICROS": ("MAKE_TIMESTAMP({0})",),
    "TIMESTAMP_MILLIS": ("EPOCH_MS({0})",),
    "TIMESTAMP_SECONDS": ("MAKE_TIMESTAMP(CAST({0} * 1000000 AS BIGINT))",),
    "TO_ISO8601": ("REPLACE(CAST({0} AS TEXT), ' ', 'T')",),
    "TO_UTC_TIMESTAMP": (f"TIMEZONE('UTC', TIMEZONE({{1}}, {_TIMESTAMP}))",),
    "WIDTH_BUCKET": (
        "CAST(GREATEST(LEAST(FLOOR(({0} - {1}) / ({2} - {1}) * {3}) + 1, {3} + 1), 0) AS BIGINT)",
    ),
    "ZEROIFNULL": ("COALESCE({0}, 0)",),
    "ZIP": ("LIST_ZIP({0}, {1})",),
}

_HIVE: Forms = {
    **_ANY,
    "BOOLEAN": ("CAST({0} AS BOOLEAN)",),
    "EVERY": ("BOOL_AND({0})",),
    "FIND_IN_SET": ("COALESCE(LIST_POSITION(STRING_SPLIT({1}, ','), {0}), 0)",),
    "FORMAT_NUMBER": ("FORMAT('{{:,.' || {1} || 'f}}', CAST({0} AS DOUBLE))",),
    "SOME": ("BOOL_OR({0})",),
}

_MOVED = {
    f"{unit}S_{way}": (f"({{0}} {sign} TO_{unit}S(CAST({{1}} AS INTEGER)))",)
    for unit in ("YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
    for way, sign in (("ADD", "+"), ("SUB", "-"))
}

_IMPALA: Forms = {
    **_HIVE,
    **_MOVED,
    "APPX_MEDIAN": ("QUANTILE_DISC({0}, 0.5)",),
    "ISFALSE": ("COALESCE(NOT {0}, FALSE)",),
    "ISNOTFALSE": ("COALESCE({0}, TRUE)",),
    "ISNOTTRUE": ("COALESCE(NOT {0}, TRUE)",),
    "ISNULL": ("({0} IS NULL)", "COALESCE({0}, {1})"),
    "ISTRUE": ("COALESCE({0}, FALSE)",),
    "NDV": ("APPROX_COUNT_DISTINCT({0})",),
    "STRLEFT": ("LEFT({0}, {1})",),
    "STRRIGHT": ("RIGHT({0}, {1})",),
}

_BIGQUERY: Forms = {**_ANY, "IEEE_DIVIDE": ("({0} / {1})",)}

_CLICKHOUSE: Forms = {
    **_ANY,
    **{
        f"TO{name.upper()}": (f"CAST({{0}} AS {kind})",)
        for name, kind in {
            "Date": "DATE",
            "DateTime": "TIMESTAMP",
            "Float32": "FLOAT",
            "Float64": "DOUBLE",
            "Int16": "SMALLINT",
            "Int32": "INTEGER",
            "Int64": "BIGINT",
            "Int8": "TINYINT",
            "String": "TEXT",
            "UInt16": "USMALLINT",
            "UInt32": "UINTEGER",
            "UInt64": "UBIGINT",
            "UInt8": "UTINYINT",
        }.items()
    },
    **{
        f"ADD{unit}S": (f"({{0}} + TO_{unit}S(CAST({{1}} AS INTEGER)))",)
        for unit in ("YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
    },
    "AVGIF": ("AVG({0}) FILTER (WHERE {1})",),
    "GROUPARRAY": ("LIST({0})",),
    "INTDIV": ("({0} // {1})",),
    "MAXIF": ("MAX({0}) FILTER (WHERE {1})",),
    "MINIF": ("MIN({0}) FILTER (WHERE {1})",),
    "MODULO": ("({0} % {1})",),
    "SUMIF": ("SUM({0}) FILTER (WHERE {1})",),
    "TODAYOFMONTH": ("DAY({0})",),
    "TOHOUR": ("HOUR({0})",),
    "TOMINUTE": ("MINUTE({0})",),
    "TOMONTH": ("MONTH({0})",),
    "TOSECOND": ("SECOND({0})",),
    "TOYEAR": ("YEAR({0})",),
}

_MYSQL: Forms = {
    **_ANY,
    "JSON_UNQUOTE": ("({0} ->> '$')",),
    "NOW": ("CAST(CURRENT_TIMESTAMP AS TIMESTAMP)",),
    "SYSDATE": ("CAST(CURRENT_TIMESTAMP AS TIMESTAMP)",),
    "UNIX_TIMESTAMP": (
        "CAST(EPOCH(CURRENT_TIMESTAMP) AS BIGINT)",
        f"CAST(EPOCH({_TIMESTAMP}) AS BIGINT)",
    ),
    "WEEKDAY": (f"(ISODOW({_TIMESTAMP}) - 1)",),
}

_SPARK: Forms = {**_HIVE, "WEEKDAY": (f"(ISODOW({_TIMESTAMP}) - 1)",)}

_PHOENIX: Forms = {
    **_ANY,
    "ARRAY_ELEM": ("{0}[{1}]",),
    "CONVERT_TZ": ("TIMEZONE({2}, TIMEZONE({1}, {0}))",),
    "DAYOFWEEK": ("ISODOW({0})",),
    "DAY_OF_WEEK": ("ISODOW({0})",),
    "LENGTH": ("LENGTH({0})",),
    "REGEXP_SUBSTR": ("REGEXP_EXTRACT({0}, {1})",),
}

_PRESTO: Forms = {
    **_ANY,
    "DOW": ("ISODOW({0})",),
    "DOY": ("DAYOFYEAR({0})",),
    "YOW": ("ISOYEAR({0})",),
}

_BY_DIALECT: Mapping[str, Forms] = {
    "athena": _PRESTO,
    "bigquery": _BIGQUERY,
    "clickhouse": _CLICKHOUSE,
    "databricks": _SPARK,
    "hive": _HIVE,
    "impala": _IMPALA,
    "mysql": _MYSQL,
    "phoenix": _PHOENIX,
    "presto": _PRESTO,
    "spark": _SPARK,
    "trino": _PRESTO,
}


REFUSED: Mapping[str, frozenset[str]] = {
    "HASH": frozenset({"databricks", "hive", "impala", "snowflake", "spark"}),
}
"""Functions that DuckDB has under the same name with other answers, by dialect."""


def form(dialect: str, name: str, arguments: int) -> str | None:
    """DuckDB's text for a function of a dialect; None = DuckDB has it under this name, or not."""
    forms = _BY_DIALECT.get(dialect, _ANY).get(name.upper(), ())
    return next((text for text in forms if _count(text) == arguments), None)


def _count(text: str) -> int:
    return 1 + max((int(number) for number in _ARGUMENT.findall(text)), default=-1)
