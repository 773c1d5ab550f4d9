"""Names of system tables in a statement, put so that DuckDB finds their rows.

Theory. DuckDB has an internal catalog called `system` in which nobody can make anything, and takes
`system.x` for a name in there; a schema of that name is ambiguous. But it finds `temp."system.x"`,
a temporary table of one connection. So where a text names a system table, its name is replaced,
and the statement runs on a connection of its own that has the rows in such tables. Columns are
named after the table (`nodes.state`), so the table keeps its short name as an alias.
A text in which `system` also stands alone calls something of its own so, and is left as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import duckdb

from flightkeeper.flight_server.engine.failures import translate
from flightkeeper.flight_server.system.tables import SCHEMA, TABLES

WordsAt = Callable[[str], Sequence[tuple[int, str]]]
"""From a text to its words, lower case, each with the byte it begins at."""

_SCHEMA = {SCHEMA, f'"{SCHEMA}"'}
_TABLES = {spelt: name for name in TABLES for spelt in (name, f'"{name}"')}
_WITHOUT_ALIAS = {"describe", "desc", "summarize", "show", "table", ":"}
"""A name after one of them has no alias."""
_LISTS = [["show", "tables", "from", schema] for schema in _SCHEMA]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A text with the names replaced.

    Attributes:
        tables: the system tables it reads.
    """

    sql: str
    tables: frozenset[str]


def resolved(
    parsed: duckdb.Statement, source: str | None, words_at: WordsAt
) -> tuple[duckdb.Statement, frozenset[str]]:
    """The statement with the names of system tables replaced, and which these are.

    Args:
        source: what its text was translated from, if it was.
        words_at: divides a text into words.

    Raises:
        InvalidArgument: the name stands where a table cannot.
    """
    text = parsed.query.strip()
    found = rewritten(text, words_at(text)) if SCHEMA in text.lower() else None
    if found is None:
        return parsed, frozenset()
    try:
        (parsed,) = duckdb.extract_statements(found.sql)
    except duckdb.Error as exc:
        raise translate(exc, found.sql, source or text) from exc
    return parsed, found.tables


def rewritten(sql: str, words: Sequence[tuple[int, str]]) -> Rewritten | None:
    """The text with the names of system tables replaced; None if there are none.

    Args:
        words: of the text, see `WordsAt`.
    """
    plain = [word for _, word in words]
    if [word for word in plain if word != ";"] in _LISTS:
        return Rewritten(_LISTING, frozenset())
    if _SCHEMA.isdisjoint(plain):
        return None
    places = list(_places(plain))
    named = sum(plain[first] in _SCHEMA for first, _ in places)
    named += sum(plain[first + 2] in _SCHEMA for first, last in places if last - first > 2)  # noqa: PLR2004
    if not places or named < sum(word in _SCHEMA for word in plain):
        return None
    text = sql.encode()
    parts, end = [], 0
    for first, last in places:
        begin = words[first][0]
        parts += [text[end:begin], _replacement(plain, first, last).encode()]
        end = words[last][0] + len(plain[last])
    return Rewritten(
        b"".join([*parts, text[end:]]).decode(),
        frozenset(_TABLES[plain[last]] for _, last in places),
    )


def _places(plain: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last word of each name of a system table."""
    for number, word in enumerate(plain[:-2]):
        named = word in _SCHEMA and plain[number + 1] == "." and plain[number + 2] in _TABLES
        if not named:
            continue
        first = number
        if number > 1 and plain[number - 1] == ".":
            if plain[number - 2] not in _SCHEMA:
                continue  # a schema of somebody's own database
            first = number - 2
        yield first, number + 2


def _replacement(plain: Sequence[str], first: int, last: int) -> str:
    name = _TABLES[plain[last]]
    before = plain[first - 1] if first else ""
    after = plain[last + 1] if last + 1 < len(plain) else ""
    if after == ".":
        return f'"{name}"'
    table = f'temp."{SCHEMA}.{name}"'
    return table if before in _WITHOUT_ALIAS or _is_alias(after) else f'{table} AS "{name}"'


def _is_alias(word: str) -> bool:
    if word == "as":
        return True
    return (word[:1].isalpha() or word[:1] in {'"', "_"}) and word not in _never_names()


@cache
def _never_names() -> frozenset[str]:
    """The keywords that cannot be an alias without AS."""
    with duckdb.connect() as fresh:
        found = fresh.execute(
            "SELECT keyword_name FROM duckdb_keywords() "
            "WHERE keyword_category IN ('reserved', 'type_function')"
        ).fetchall()
    return frozenset(str(name) for (name,) in found)


def _listed() -> str:
    names = ", ".join(f"('{name}')" for name in sorted(TABLES))
    return f"SELECT name FROM (VALUES {names}) AS tables(name) ORDER BY name"  # noqa: S608 - ours


_LISTING = _listed()
