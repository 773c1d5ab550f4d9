"""Statements that are no queries: transactions, settings, USE, EXPLAIN, and what tools send first.

Owns what of them passes as it is, what becomes DuckDB's, and what has nothing to do here and is
answered with a notice. SHOW and DESCRIBE are in `shows`.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache

from sqlglot.tokenizer_core import TokenType

from flightkeeper.flight_server import options
from flightkeeper.flight_server.sql import shows
from flightkeeper.flight_server.sql.reading import Source

HIVE_LIKE = frozenset({"hive", "impala", "spark", "databricks"})
_POSTGRES_LIKE = frozenset({"postgres", "redshift"})
_PRESTO_LIKE = frozenset({"presto", "trino", "athena"})

NAME = r'(?:"(?:[^"]|"")*"|[\w$-]+)'
_NAMES = rf"{NAME}(?:\.{NAME})*"
_TEXT = r"'(?:[^']|'')*'"

_Answer = str | Callable[[re.Match[str]], str | None]
_Rule = tuple[frozenset[str] | None, str, _Answer]
"""Dialects (None = all), a pattern of `plain` texts, and DuckDB's text; None = does not apply."""

_OPTION = re.compile(r'(?:SET|RESET) (?:(?:SESSION|LOCAL|GLOBAL) )?"?(\w+)"?.*', re.IGNORECASE)
_MODES = (
    r"(?:,? ?(?:ISOLATION LEVEL [A-Z ]+?|READ ONLY|READ WRITE|(?:NOT )?DEFERRABLE"
    r"|DEFERRED|IMMEDIATE|EXCLUSIVE|WITH CONSISTENT SNAPSHOT)(?=,| |$))*"
)


def notice(text: str) -> str:
    """A query that says why nothing was done."""
    return f"SELECT {quoted(text)} AS notice"


def quoted(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def plain(source: Source) -> str:
    """The statement's words with one blank between them, names and texts quoted as DuckDB does."""
    text = ""
    end = source.tokens[0].start
    for token in source.tokens:
        match token.token_type:
            case TokenType.IDENTIFIER:
                word = '"' + token.text.replace('"', '""') + '"'
            case TokenType.STRING:
                word = quoted(token.text)
            case _:
                word = source.text[token.start : token.end + 1]
        text += word if token.start == end else f" {word}"
        end = token.end + 1
    return text


def _time_zone(match: re.Match[str]) -> str:
    zone = match["zone"].strip("'\"")
    return f"SET TimeZone = {quoted('UTC' if zone in {'SYSTEM', '+00:00'} else zone)}"


def _use(match: re.Match[str]) -> str:
    return f"USE {match['name']}"


def _ignored(match: re.Match[str]) -> str:
    return notice(f"{match['name']} has no meaning here; nothing was changed")


_ISOLATION = notice("every transaction sees one snapshot; nothing was changed")
_NOT_CACHED = notice("tables are read as they are now; nothing had to be done")
_ENCODING = notice("texts are UTF-8; nothing was changed")

_RULES: tuple[_Rule, ...] = (
    (None, rf"(?:BEGIN|START)(?: (?:TRANSACTION|TRAN|WORK))?{_MODES}", "BEGIN TRANSACTION"),
    (None, r"(?:COMMIT|END)(?: (?:TRANSACTION|TRAN|WORK))?", "COMMIT"),
    (None, r"(?:ROLLBACK|ABORT)(?: (?:TRANSACTION|TRAN|WORK))?", "ROLLBACK"),
    (HIVE_LIKE, r'USE (?:"default"|default)', "USE main"),
    (None, rf"USE (?:WAREHOUSE|ROLE|SECONDARY ROLES) (?P<name>{NAME})", _ignored),
    (None, rf"USE (?:(?:CATALOG|DATABASE|SCHEMA) )?(?P<name>{_NAMES})", _use),
    (
        None,
        r"SET (?:SESSION |GLOBAL )?(?:CHARACTERISTICS AS )?TRANSACTION .*",
        _ISOLATION,
    ),
    (frozenset({"mysql"}), r"SET (?:NAMES|CHARACTER SET|CHARSET) .*", _ENCODING),
    (
        frozenset({"mysql"}),
        rf"SET (?:SESSION |@@(?:session\.)?)?time_zone ?= ?(?P<zone>{_TEXT}|\w+)",
        _time_zone,
    ),
    (
        frozenset({"mysql"}),
        r"SET (?:SESSION |@@(?:session\.)?)?(?P<name>autocommit) ?= ?(?:1|ON|TRUE)",
        _ignored,
    ),
    (
        frozenset({"mysql"}),
        (
            r"SET (?:SESSION |@@(?:session\.)?)?(?P<name>sql_mode) ?="
            r"(?!.*(?:ANSI|PIPES_AS_CONCAT|NO_BACKSLASH_ESCAPES)).*"
        ),
        _ignored,
    ),
    (
        frozenset({"mysql"}),
        (
            r"SET (?:SESSION |@@(?:session\.)?)?(?P<name>foreign_key_checks|unique_checks"
            r"|character_set_\w+|collation_\w+|net_\w+|wait_timeout|interactive_timeout"
            r"|sql_safe_updates|sql_notes) ?=.*"
        ),
        _ignored,
    ),
    (
        _POSTGRES_LIKE,
        (
            r"SET (?:SESSION )?(?P<name>client_min_messages|extra_float_digits|application_name"
            r"|bytea_output|row_security|lock_timeout|idle_in_transaction_session_timeout"
            r"|default_transaction_\w+|intervalstyle|query_group|jit)(?: ?=| TO) .*"
        ),
        _ignored,
    ),
    (_POSTGRES_LIKE, r"SET (?P<name>datestyle)(?: ?=| TO) '?\"?ISO.*", _ignored),
    (
        _POSTGRES_LIKE,
        r"SET (?P<name>standard_conforming_strings)(?: ?=| TO) '?on'?",
        _ignored,
    ),
    (_POSTGRES_LIKE, r"SET (?:client_encoding|NAMES)(?: ?=| TO)? '?utf-?8'?", _ENCODING),
    (
        _PRESTO_LIKE,
        rf"SET SESSION time_zone_id ?= ?(?P<zone>{_TEXT})",
        _time_zone,
    ),
    (_PRESTO_LIKE, rf"(?:RE)?SET SESSION (?P<name>{_NAMES})(?: ?=.*)?", _ignored),
    (
        HIVE_LIKE,
        rf"SET spark\.sql\.session\.timeZone ?= ?(?P<zone>{_TEXT}|[\w/+:-]+)",
        _time_zone,
    ),
    (HIVE_LIKE, r"SET (?P<name>\w+(?:\.[\w-]+)+)(?: ?=.*)?", _ignored),
    (
        frozenset({"snowflake", "oracle"}),
        rf"ALTER SESSION SET TIME_?ZONE ?= ?(?P<zone>{_TEXT})",
        _time_zone,
    ),
    (
        frozenset({"snowflake"}),
        (
            r"ALTER SESSION SET (?P<name>QUERY_TAG|JDBC_\w+|ODBC_\w+|CLIENT_\w+|LOCK_TIMEOUT"
            r"|STATEMENT_\w+|PYTHON_\w+|AUTOCOMMIT) ?=.*"
        ),
        _ignored,
    ),
    (
        frozenset({"tsql"}),
        (
            r"SET (?P<name>NOCOUNT|ANSI_\w+|XACT_ABORT|ARITHABORT|CONCAT_NULL_YIELDS_NULL"
            r"|NUMERIC_ROUNDABORT|TEXTSIZE|LOCK_TIMEOUT|QUOTED_IDENTIFIER) \w+"
        ),
        _ignored,
    ),
    (frozenset({"impala"}), r"REFRESH (?!FUNCTIONS).*", _NOT_CACHED),
    (
        frozenset({"impala"}),
        r"INVALIDATE METADATA.*",
        notice("nothing is cached about tables; nothing had to be done"),
    ),
    (
        frozenset({"impala"}),
        r"COMPUTE (?:INCREMENTAL )?STATS .*",
        notice("statistics are kept by the engine itself; nothing had to be done"),
    ),
    (
        frozenset({"impala"}),
        r"SET (?P<name>[A-Z_0-9]+) ?=.*",
        lambda match: None if match["name"].islower() else _ignored(match),
    ),
    (
        frozenset({"hive", "spark", "databricks"}),
        (
            r"(?:MSCK REPAIR TABLE|REFRESH(?: TABLE)?|ANALYZE TABLE|(?:UN)?CACHE (?:LAZY )?TABLE"
            r"|OPTIMIZE) .*"
        ),
        _NOT_CACHED,
    ),
)


@cache
def _patterns() -> tuple[tuple[frozenset[str] | None, re.Pattern[str], _Answer], ...]:
    flags = re.IGNORECASE | re.DOTALL
    return tuple(
        (dialects, re.compile(pattern, flags), answer) for dialects, pattern, answer in _RULES
    )


def command(source: Source) -> str | None:
    """DuckDB's text for a statement that is no query; None = it is one, or not known here."""
    if source.words[0] in _QUERIES:
        return None
    text = plain(source)
    option = _OPTION.fullmatch(text)
    if option is not None and options.known(option[1]):
        return source.own
    for dialects, pattern, answer in _patterns():
        if dialects is not None and source.dialect not in dialects:
            continue
        match = pattern.fullmatch(text)
        found = None if match is None else answer if isinstance(answer, str) else answer(match)
        if found is not None:
            return found
    return shows.show(text, source.dialect)


_QUERIES = frozenset({"", "(", "DELETE", "INSERT", "MERGE", "SELECT", "UPDATE", "UPSERT", "WITH"})
"""First words of what is no command, and may be long."""

_EXPLAIN_WORDS: Mapping[str, bool] = {
    "ANALYZE": True,
    "COST": False,
    "DISTRIBUTED": False,
    "EXTENDED": False,
    "FOR": False,
    "FORMATTED": False,
    "LOGICAL": False,
    "PLAN": False,
    "VERBOSE": False,
}
"""What may stand between EXPLAIN and the statement, and whether DuckDB knows it."""


def explained(source: Source) -> tuple[str, Source] | None:
    """For EXPLAIN, how DuckDB writes it and the statement that is explained."""
    if source.words[:1] != ("EXPLAIN",):
        return None
    head, index = ["EXPLAIN"], 1
    while index < len(source.words) and source.words[index] in _EXPLAIN_WORDS:
        if _EXPLAIN_WORDS[source.words[index]]:
            head.append(source.words[index])
        index += 1
    index = _after_options(source, index)
    return (" ".join(head), source.after(index)) if index < len(source.tokens) else None


def _after_options(source: Source, index: int) -> int:
    """Skip options such as `(TYPE LOGICAL, FORMAT TEXT)`, which are about the form of the plan."""
    following = source.words[index : index + 2]
    if following[:1] != ("(",) or following[1:] not in {("TYPE",), ("FORMAT",), ("COSTS",)}:
        return index
    closing = (
        number
        for number, token in enumerate(source.tokens)
        if number > index and token.token_type is TokenType.R_PAREN
    )
    return next(closing, index) + 1
