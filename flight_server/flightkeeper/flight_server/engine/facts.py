"""What is true of DuckDB behind Flight SQL, as SqlInfo facts.

Spec: FlightSql.proto `SqlInfo`, whose names stand beside the ids.
"""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flightsql.sql_info import Fact, bigint, bitmask, flag, text, texts

_YES = flag(value=True)
_NO = flag(value=False)

_CASE_INSENSITIVE = 1
_NULLS_AT_END = 3
_SERIALIZABLE = 4
_ANSI92_ENTRY = 1
_GRAMMAR_CORE_AND_EXTENDED = 0b110
_GROUP_BY_UNRELATED_AND_BEYOND = 0b11
_OUTER_JOINS_ALL = 0b11
_SUBQUERIES_ALL = 0b1111
_UNIONS_ALL = 0b11
_SCHEMA_ACTIONS = 0b111
_FORWARD_ONLY = 0b1
_NO_LIMIT = 0


_RESERVED_WORDS = """
    SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved' ORDER BY 1"""


def facts(connection: Connection, *, read_only: bool) -> Mapping[int, Fact]:
    """Everything this server says of itself, by SqlInfo id."""
    words = [str(word) for word in connection.table(_RESERVED_WORDS)["keyword_name"].to_pylist()]
    return {
        **_server(read_only=read_only),
        **_syntax(words),
        **_support(),
        **dict.fromkeys(_UNLIMITED, bigint(_NO_LIMIT)),
    }


def _server(*, read_only: bool) -> Mapping[int, Fact]:
    return {
        0: text("Flightkeeper"),  # SERVER_NAME
        # Tools of the DuckDB family look for this form of version.
        1: text(f"duckdb v{duckdb.__version__}"),  # SERVER_VERSION
        2: text(pa.__version__),  # ARROW_VERSION
        3: flag(value=read_only),  # READ_ONLY
        4: _YES,  # SQL
        5: _NO,  # SUBSTRAIT
        8: bitmask(1),  # TRANSACTION: transactions, no savepoints
        9: _YES,  # CANCEL
        10: _NO,  # BULK_INGESTION
        11: _NO,  # INGEST_TRANSACTIONS_SUPPORTED
        100: bitmask(_NO_LIMIT),  # STATEMENT_TIMEOUT
        101: bitmask(_NO_LIMIT),  # TRANSACTION_TIMEOUT
    }


def _syntax(words: list[str]) -> Mapping[int, Fact]:
    return {
        503: bigint(_CASE_INSENSITIVE),  # IDENTIFIER_CASE
        504: text('"'),  # IDENTIFIER_QUOTE_CHAR
        505: bigint(_CASE_INSENSITIVE),  # QUOTED_IDENTIFIER_CASE
        507: bigint(_NULLS_AT_END),  # NULL_ORDERING
        508: texts(words),  # KEYWORDS
        509: texts(("abs", "ceil", "exp", "floor", "ln", "log", "mod", "pi", "power", "round")),
        510: texts(("concat", "left", "length", "lower", "replace", "right", "substring", "upper")),
        511: texts(("current_database", "current_schema", "version")),  # SYSTEM_FUNCTIONS
        512: texts(("current_date", "date_diff", "date_part", "date_trunc", "now", "strftime")),
        513: text("\\"),  # SEARCH_STRING_ESCAPE
        514: text(""),  # EXTRA_NAME_CHARACTERS
        529: text("schema"),  # SCHEMA_TERM
        530: text("macro"),  # PROCEDURE_TERM
        531: text("catalog"),  # CATALOG_TERM
        532: _YES,  # CATALOG_AT_START
    }


def _support() -> Mapping[int, Fact]:
    yes = dict.fromkeys(_SUPPORTED, _YES)
    no = dict.fromkeys(_NOT_SUPPORTED, _NO)
    return {
        **yes,
        **no,
        522: bitmask(_GROUP_BY_UNRELATED_AND_BEYOND),  # GROUP_BY
        525: bitmask(_GRAMMAR_CORE_AND_EXTENDED),  # GRAMMAR
        526: bitmask(_ANSI92_ENTRY),  # ANSI92_LEVEL
        528: bitmask(_OUTER_JOINS_ALL),  # OUTER_JOINS
        533: bitmask(_SCHEMA_ACTIONS),  # SCHEMAS_SUPPORTED_ACTIONS
        534: bitmask(_SCHEMA_ACTIONS),  # CATALOGS_SUPPORTED_ACTIONS
        535: bitmask(0),  # POSITIONED_COMMANDS
        538: bitmask(_SUBQUERIES_ALL),  # SUBQUERIES
        540: bitmask(_UNIONS_ALL),  # UNIONS
        # ODBC and JDBC read this one as 64 bits.
        562: bigint(_SERIALIZABLE),  # DEFAULT_TRANSACTION_ISOLATION
        564: bitmask(1 << _SERIALIZABLE),  # ISOLATION_LEVELS
        567: bitmask(_FORWARD_ONLY),  # RESULT_SET_TYPES
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
    574,  # NAMED_PARAMETERS
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
    575,  # LOCATORS_UPDATE_COPY
    576,  # STORED_FUNCTIONS_CALL_SYNTAX
)

_UNLIMITED = (*range(541, 556), *range(557, 562))
"""Lengths and counts for which DuckDB has no limit a client needs to know."""
