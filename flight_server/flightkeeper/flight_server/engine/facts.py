"""What is true of DuckDB behind Flight SQL, as SqlInfo facts.

The claims are constants; that each of them holds for the engine is what their tests run.
Spec: FlightSql.proto `SqlInfo`, whose names stand beside the ids.
"""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flightsql.sql_info import Fact, bigint, bitmask, flag, lists, text, texts
from flightkeeper.flightsql.xdbc import Convert

_YES = flag(value=True)
_NO = flag(value=False)

_INT32_MAX = 2**31 - 1
_CASE_INSENSITIVE = 1
_NULLS_AT_END = 3
_ANSI92_ENTRY = 1 << 0
_GRAMMAR_ALL = 0b111
_GROUP_BY_UNRELATED_AND_BEYOND = 0b11
# Called a level, but drivers read it as bits: limited and full.
_OUTER_JOINS_ALL = 1 << 1 | 1 << 2
_SUBQUERIES_ALL = 0b1111
_UNIONS_ALL = 0b11
_IN_INDEX_DEFINITIONS = 1 << 1
_FORWARD_ONLY = 1 << 1
_CONCURRENCY_READ_ONLY = 1 << 1
_NO_LIMIT = 0

_READ_UNCOMMITTED = 1
_READ_COMMITTED = 2
_REPEATABLE_READ = 3
"""Of snapshots, where two transactions may each change what the other has read: that keeps DuckDB
from being SERIALIZABLE (4). What the weaker levels promise holds as well."""

# Names of the call-level interface, in upper case as ODBC's driver compares them, and only those
# that mean the same here: LOG is to base 10, DAYOFWEEK begins with 0, OCTET_LENGTH takes no text.
NUMERIC_FUNCTIONS = (
    "ABS ACOS ASIN ATAN ATAN2 CEILING COS COT DEGREES EXP FLOOR LOG10 MOD PI POWER RADIANS ROUND "
    "SIGN SIN SQRT TAN"
)
STRING_FUNCTIONS = (
    "ASCII BIT_LENGTH CHAR_LENGTH CHARACTER_LENGTH CONCAT LCASE LEFT LENGTH LTRIM POSITION REPEAT "
    "REPLACE RIGHT RTRIM SUBSTRING UCASE"
)
SYSTEM_FUNCTIONS = "IFNULL USER"
DATETIME_FUNCTIONS = (
    "CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DAYNAME DAYOFMONTH DAYOFYEAR EXTRACT HOUR MINUTE "
    "MONTH MONTHNAME NOW QUARTER SECOND WEEK YEAR"
)

_TEXTS = (Convert.CHAR, Convert.VARCHAR, Convert.LONGVARCHAR)
_BYTES = (Convert.BINARY, Convert.VARBINARY, Convert.LONGVARBINARY)
_INTERVALS = (Convert.INTERVAL_DAY_TIME, Convert.INTERVAL_YEAR_MONTH)
_NUMBERS = (
    Convert.BIGINT,
    Convert.BIT,
    Convert.DECIMAL,
    Convert.FLOAT,
    Convert.INTEGER,
    Convert.NUMERIC,
    Convert.REAL,
    Convert.SMALLINT,
    Convert.TINYINT,
)
CONVERSIONS: Mapping[int, tuple[int, ...]] = {
    **dict.fromkeys(_TEXTS, tuple(Convert)),
    **dict.fromkeys(_BYTES, (*_BYTES, *_TEXTS)),
    **dict.fromkeys(_INTERVALS, (*_INTERVALS, *_TEXTS)),
    **dict.fromkeys(_NUMBERS, (*_NUMBERS, *_TEXTS)),
    Convert.DATE: (Convert.DATE, Convert.TIMESTAMP, *_TEXTS),
    Convert.TIME: (Convert.TIME, *_TEXTS),
    Convert.TIMESTAMP: (Convert.DATE, Convert.TIME, Convert.TIMESTAMP, *_TEXTS),
}
"""What CAST turns into what."""

# All that cannot be used as a name of any kind: more than JDBC asks for, who leaves out the words
# of SQL:2003, and what Flight SQL asks for.
_KEYWORDS = """
    SELECT DISTINCT keyword_name FROM duckdb_keywords()
    WHERE keyword_category <> 'unreserved' ORDER BY 1"""


def facts(
    connection: Connection, *, read_only: bool, transaction_timeout_ms: int = 0
) -> Mapping[int, Fact]:
    """Everything this server says of itself, by SqlInfo id.

    Args:
        transaction_timeout_ms: how long a transaction may be left alone; 0 = for ever.
    """
    words = [str(word) for (word,) in connection.rows(_KEYWORDS)]
    return {
        **_server(read_only=read_only),
        **limits(transaction_timeout_ms=transaction_timeout_ms),
        **_syntax(words),
        **_support(),
        **dict.fromkeys(_UNLIMITED, bigint(_NO_LIMIT)),
    }


def limits(*, transaction_timeout_ms: int) -> Mapping[int, Fact]:
    """Those of the facts that may change while the server runs."""
    return {101: bitmask(min(transaction_timeout_ms, _INT32_MAX))}  # TRANSACTION_TIMEOUT


def _server(*, read_only: bool) -> Mapping[int, Fact]:
    return {
        0: text("Flightkeeper"),  # SERVER_NAME
        # Tools of the DuckDB family look for this form of version.
        1: text(f"duckdb v{duckdb.__version__}"),  # SERVER_VERSION
        2: text(pa.__version__),  # ARROW_VERSION
        3: flag(value=read_only),  # READ_ONLY
        4: _YES,  # SQL
        5: _NO,  # SUBSTRAIT
        # There is none, but some tools want all ids answered, and the union has no place for NULL.
        6: text(""),  # SUBSTRAIT_MIN_VERSION
        7: text(""),  # SUBSTRAIT_MAX_VERSION
        8: bitmask(1),  # TRANSACTION: transactions, no savepoints
        9: _YES,  # CANCEL
        10: flag(value=not read_only),  # BULK_INGESTION
        11: flag(value=not read_only),  # INGEST_TRANSACTIONS_SUPPORTED
        # "the timeout (in milliseconds) for prepared statement handles": ours say all themselves.
        100: bitmask(_NO_LIMIT),  # STATEMENT_TIMEOUT
    }


def _syntax(words: list[str]) -> Mapping[int, Fact]:
    return {
        503: bigint(_CASE_INSENSITIVE),  # IDENTIFIER_CASE
        504: text('"'),  # IDENTIFIER_QUOTE_CHAR
        505: bigint(_CASE_INSENSITIVE),  # QUOTED_IDENTIFIER_CASE
        507: bigint(_NULLS_AT_END),  # NULL_ORDERING
        508: texts(words),  # KEYWORDS
        509: texts(NUMERIC_FUNCTIONS.split()),
        510: texts(STRING_FUNCTIONS.split()),
        511: texts(SYSTEM_FUNCTIONS.split()),
        512: texts(DATETIME_FUNCTIONS.split()),
        513: text("\\"),  # SEARCH_STRING_ESCAPE
        514: text("$"),  # EXTRA_NAME_CHARACTERS
        517: lists(CONVERSIONS),  # SUPPORTS_CONVERT
        529: text("schema"),  # SCHEMA_TERM
        530: text("macro"),  # PROCEDURE_TERM
        531: text("catalog"),  # CATALOG_TERM
        532: _YES,  # CATALOG_AT_START
    }


def _support() -> Mapping[int, Fact]:
    return {
        **dict.fromkeys(_SUPPORTED, _YES),
        **dict.fromkeys(_NOT_SUPPORTED, _NO),
        522: bitmask(_GROUP_BY_UNRELATED_AND_BEYOND),  # GROUP_BY
        525: bitmask(_GRAMMAR_ALL),  # GRAMMAR
        526: bitmask(_ANSI92_ENTRY),  # ANSI92_LEVEL
        528: bitmask(_OUTER_JOINS_ALL),  # OUTER_JOINS
        533: bitmask(_IN_INDEX_DEFINITIONS),  # SCHEMAS_SUPPORTED_ACTIONS
        534: bitmask(_IN_INDEX_DEFINITIONS),  # CATALOGS_SUPPORTED_ACTIONS
        535: bitmask(0),  # POSITIONED_COMMANDS
        538: bitmask(_SUBQUERIES_ALL),  # SUBQUERIES
        540: bitmask(_UNIONS_ALL),  # UNIONS
        # ODBC and JDBC read this one as 64 bits.
        562: bigint(_REPEATABLE_READ),  # DEFAULT_TRANSACTION_ISOLATION
        564: bitmask(1 << _READ_UNCOMMITTED | 1 << _READ_COMMITTED | 1 << _REPEATABLE_READ),
        567: bitmask(_FORWARD_ONLY),  # RESULT_SET_TYPES
        568: bitmask(0),  # CONCURRENCIES of unspecified result sets
        569: bitmask(_CONCURRENCY_READ_ONLY),  # of those that go forward only
        570: bitmask(0),  # of those that scroll and see changes
        571: bitmask(0),  # of those that scroll
    }


_SUPPORTED = (
    501,  # DDL_SCHEMA
    502,  # DDL_TABLE
    506,  # ALL_TABLES_SELECTABLE
    515,  # COLUMN_ALIASING
    516,  # NULL_PLUS_NULL_IS_NULL
    518,  # TABLE_CORRELATION_NAMES
    520,  # EXPRESSIONS_IN_ORDER_BY
    521,  # ORDER_BY_UNRELATED
    523,  # LIKE_ESCAPE
    524,  # NON_NULLABLE_COLUMNS
    527,  # INTEGRITY_ENHANCEMENT
    539,  # CORRELATED_SUBQUERIES
    563,  # TRANSACTIONS_SUPPORTED
    572,  # BATCH_UPDATES
    575,  # LOCATORS_UPDATE_COPY: a client's values are its own
)

_NOT_SUPPORTED = (
    500,  # DDL_CATALOG
    519,  # DIFFERENT_TABLE_CORRELATION_NAMES
    536,  # SELECT_FOR_UPDATE
    537,  # STORED_PROCEDURES
    556,  # MAX_ROW_SIZE_INCLUDES_BLOBS
    565,  # DDL_CAUSES_COMMIT
    566,  # DDL_IGNORED_IN_TXN
    573,  # SAVEPOINTS
    574,  # NAMED_PARAMETERS: "in callable statements"
    576,  # STORED_FUNCTIONS_CALL_SYNTAX
)

_UNLIMITED = (*range(541, 556), *range(557, 562))
"""Lengths and counts for which DuckDB has no limit a client needs to know."""
