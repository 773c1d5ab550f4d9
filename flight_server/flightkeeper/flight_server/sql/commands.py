"""Statements that are no queries: transactions, USE, EXPLAIN, and what tools send first.

Owns what of them passes as it is, what becomes DuckDB's, and what has nothing to do here and is
answered with a notice. SET is in `settings`, SHOW and DESCRIBE are in `shows`.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache

from sqlglot.tokenizer_core import TokenType

from flightkeeper.flight_server import options
from flightkeeper.flight_server.sql import settings, shows
from flightkeeper.flight_server.sql.reading import Source
from flightkeeper.flight_server.sql.settings import ignored, notice, quoted

HIVE_LIKE = frozenset({"hive", "impala", "spark", "databricks"})

NAME = r'(?:"(?:[^"]|"")*"|[\w$-]+)'
_NAMES = rf"{NAME}(?:\.{NAME})*"

_Answer = str | Callable[[re.Match[str]], str | None]
_Rule = tuple[frozenset[str] | None, str, _Answer]
"""Dialects (None = all), a pattern of `plain` texts, and DuckDB's text; None = does not apply."""

_OPTION = re.compile(r'(?:SET|RESET) (?:(?:SESSION|LOCAL|GLOBAL) )?"?(\w+)"?.*', re.IGNORECASE)
_MODES = (
    r"(?:,? ?(?:ISOLATION LEVEL [A-Z ]+?|READ ONLY|READ WRITE|(?:NOT )?DEFERRABLE"
    r"|DEFERRED|IMMEDIATE|EXCLUSIVE|WITH CONSISTENT SNAPSHOT)(?=,| |$))*"
)


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


def _use(match: re.Match[str]) -> str:
    return f"USE {match['name']}"


_NOT_CACHED = notice("tables are read as they are now; nothing had to be done")

_RULES: tuple[_Rule, ...] = (
    (None, rf"(?:BEGIN|START)(?: (?:TRANSACTION|TRAN|WORK))?{_MODES}", "BEGIN TRANSACTION"),
    (None, r"(?:COMMIT|END)(?: (?:TRANSACTION|TRAN|WORK))?", "COMMIT"),
    (None, r"(?:ROLLBACK|ABORT)(?: (?:TRANSACTION|TRAN|WORK))?", "ROLLBACK"),
    (HIVE_LIKE, r'USE (?:"default"|default)', "USE main"),
    (None, rf"USE (?:WAREHOUSE|ROLE|SECONDARY ROLES) (?P<name>{NAME})", ignored),
    (None, rf"USE (?:(?:CATALOG|DATABASE|SCHEMA) )?(?P<name>{_NAMES})", _use),
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
    return settings.setting(text, source.dialect) or shows.show(text, source.dialect)


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
