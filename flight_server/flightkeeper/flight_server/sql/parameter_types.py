"""The types of a statement's parameters, found out by asking the engine's binder.

Theory. The binder concludes the type of a parameter that is compared with a column, cast, or put
where one type only fits; one question answers for all of these. It concludes nothing in sums, in
functions of several forms, or where a parameter stands alone. There every parameter is tried by
itself, with NULL for the others: with the type of what stands beside it, then with one type after
another. The first that binds is taken. So what is announced has been bound, and nothing is known
here of columns, functions and casts.

What was found is remembered as the question that leads there, not as its answer: tables may change.

Pure but for the questions. Never fails: what was not found out is missing in the answer.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from flightkeeper.flight_server.engine.binder import Binder, OpaqueRelation
from flightkeeper.flight_server.engine.placeholders import replaced
from flightkeeper.flight_server.sql.client_types import client_type

if TYPE_CHECKING:
    from flightkeeper.flight_server.sql.bindable import Bindable
    from flightkeeper.flight_server.sql.hints import Hint

CHARACTERS_MAX = 32_768
"""Longer statements are not looked into."""
_REMEMBERED_MAX = 512
_REMEMBERED_CHARACTERS_MAX = 16_384

_UNDECIDED = re.compile(
    r"""[-+*/%|]\s*\$p\d | \$p\d+\s*[-+*/%|]
    | \bselect\s+\$p\d+\s*(?:,|\bas\b|\bfrom\b|\Z)""",
    re.IGNORECASE | re.VERBOSE,
)
"""How it looks if the engine will not conclude the type of a parameter."""
_TRIALS = {
    "VARCHAR": "1",
    "DOUBLE": "1",
    "BIGINT": "1",
    "INTEGER": "1",
    "TIMESTAMP": "2000-01-01",
    "DATE": "2000-01-01",
    "INTERVAL": "1 day",
    "BOOLEAN": "true",
    "TIME": "00:00",
    "BLOB": "1",
    "VARCHAR[]": "[1]",
}
"""Types to try, with a value of each, since some functions bind by the value. A number is tried as
DOUBLE first: clients cut fractions off without a word."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A query whose plan tells the types of a statement's parameters.

    Attributes:
        query: it holds one parameter, such as `$p0`, for each place of one in the statement.
        tried: types of those that are a value in the query, because nothing tells their types.
        alike: those that are not in the query, with the one whose type they have.
    """

    query: str
    tried: Mapping[str, str] = field(default_factory=dict)
    alike: Mapping[str, str] = field(default_factory=dict)

    def answer(self, binder: Binder) -> dict[str, str] | None:
        """The types that follow, those that were tried left out; None if it does not bind."""
        types = binder.parameter_types(self.query)
        return None if types is None else {**types, **_alike(types, self.alike)}


def _alike(types: Mapping[str, str], alike: Mapping[str, str]) -> Mapping[str, str]:
    return {mark: types[other] for mark, other in alike.items() if other in types}


@dataclass(slots=True)
class _Memory:
    """What is remembered of a statement's text."""

    question: _Question | None = None


@lru_cache(_REMEMBERED_MAX)
def _memory(sql: str) -> _Memory:
    del sql
    return _Memory()


def infer(sql: str, binder: Binder, *, is_query: bool) -> Mapping[str, str]:
    """Types of the parameters of one statement.

    Args:
        is_query: the binder may be asked about the statement as it is.

    Returns: the engine's types by name of the parameter in lower case, as far as they are known.
    """
    if len(sql) > CHARACTERS_MAX:
        return {}
    names: dict[str, str] = {}
    marked = replaced(sql, lambda name: _mark(names, name.lower()))
    memory = _memory(marked) if len(sql) <= _REMEMBERED_CHARACTERS_MAX else _Memory()
    try:
        question, concluded = _asked(memory, marked, list(names), binder, is_query=is_query)
        memory.question = question
        return _by_name(names, concluded, question.tried if question else {}, binder)
    except Exception:  # noqa: BLE001 - whatever a text makes of the parser costs the types only
        return {}


def _mark(names: dict[str, str], name: str) -> str:
    """A name of its own for each place of a parameter."""
    mark = f"p{len(names)}"
    names[mark] = name
    return f"${mark}"


def _asked(
    memory: _Memory, sql: str, marks: Sequence[str], binder: Binder, *, is_query: bool
) -> tuple[_Question | None, Mapping[str, str]]:
    """The types that follow, and the question that they follow from, if it may be asked again."""
    direct = is_query and not _UNDECIDED.search(sql)
    question = memory.question or (_Question(sql) if direct else None)
    if question is not None:
        with suppress(OpaqueRelation):
            answer = question.answer(binder) or {}
            if answer.keys() | question.tried.keys() >= set(marks):
                return question, answer
    # Loading the parser takes a fifth of a second, and most statements do without.
    from flightkeeper.flight_server.sql import bindable, queries  # noqa: PLC0415

    read = bindable.read(sql, is_query=is_query)
    if read is None or not binder.admits(read.sql):
        return None, {}
    try:
        return _Search(read, read.sql, queries.isolated, binder).run(marks)
    except OpaqueRelation:
        query = queries.without_tables(read.sql, binder.columns)
        return _Search(read, query, queries.isolated, binder).run(marks)


class _Search:
    """Fills the places of parameters in a query, until it binds and tells their types."""

    def __init__(
        self, read: "Bindable", query: str, isolated: Callable[[str, str], str], binder: Binder
    ) -> None:
        self._read = read
        self._query = query
        self._isolated = isolated
        self._binder = binder
        self._filled: dict[str, str] = {}
        self._tried: dict[str, str] = {}
        self._concluded: dict[str, str] = {}

    def run(self, marks: Sequence[str]) -> tuple[_Question, Mapping[str, str]]:
        """Ask for all at once; then, from what binds, try one by one what is left open."""
        places = [mark for mark in marks if mark not in self._read.alike]
        binds = self._begin(places)
        for mark in places:
            if mark not in self._concluded:
                self._settle(mark, self._query if binds else self._isolated(self._query, mark))
        tried = {**self._tried, **_alike(self._tried, self._read.alike)}
        question = _Question(_fill(self._query, self._filled), tried, self._read.alike)
        answer = question.answer(self._binder)
        return question, self._concluded if answer is None else answer

    def _begin(self, marks: Sequence[str]) -> bool:
        """Fill all places so that the query binds; whether that is so."""
        null: tuple[str, Hint | None] = ("NULL", None)
        hinted = {mark: next(self._hinted(mark), null) for mark in marks}
        # To say that something is undecided takes DuckDB fifty times as long as to answer.
        plain = {
            mark: hinted[mark] if mark in self._read.undecided else (f"${mark}", None)
            for mark in marks
        }
        for beginning in (plain, hinted, dict.fromkeys(marks, null)):
            self._filled = {mark: expression for mark, (expression, _) in beginning.items()}
            types = self._binder.parameter_types(_fill(self._query, self._filled))
            if types is not None:
                self._concluded = {
                    mark: types[mark]
                    for mark, (_, hint) in beginning.items()
                    if _suits(hint, types.get(mark))
                }
                return True
        return False

    def _settle(self, mark: str, query: str) -> None:
        """Put something in a place that binds and has a type."""
        alone = () if mark in self._read.undecided else ((f"${mark}", None),)
        for expression, hint in (*alone, *self._hinted(mark)):
            kind = (self._types(query, mark, expression) or {}).get(mark)
            if kind is not None and _suits(hint, kind):
                self._filled[mark], self._concluded[mark] = expression, kind
                return
        for kind, value in _TRIALS.items():
            expression = f"CAST('{value}' AS {kind})"
            if self._types(query, mark, expression) is not None:
                self._filled[mark], self._tried[mark] = expression, kind
                return

    def _types(self, query: str, mark: str, expression: str) -> Mapping[str, str] | None:
        return self._binder.parameter_types(_fill(query, {**self._filled, mark: expression}))

    def _hinted(self, mark: str) -> "Iterator[tuple[str, Hint]]":
        """Ways to say that a parameter has the type of something."""
        for hint in self._read.hints.get(mark, ()):
            yield f"coalesce(${mark}, {_fill(hint.sql, self._filled)})", hint


def _suits(hint: "Hint | None", kind: str | None) -> bool:
    return kind is not None and (hint is None or hint.suits(kind))


def _fill(query: str, filled: Mapping[str, str]) -> str:
    return replaced(query, lambda mark: filled.get(mark, "NULL"))


def _by_name(
    names: Mapping[str, str],
    concluded: Mapping[str, str],
    tried: Mapping[str, str],
    binder: Binder,
) -> Mapping[str, str]:
    """One type for each parameter: what was tried counts only where nothing was concluded."""
    types: defaultdict[str, set[str]] = defaultdict(set)
    for mark, kind in concluded.items():
        types[names[mark]].add(kind)
    for mark, kind in tried.items():
        types.setdefault(names[mark], {kind})
    return {name: _common(sorted(kinds), binder) for name, kinds in types.items()}


def _common(kinds: Sequence[str], binder: Binder) -> str:
    """The type for a parameter that stands where these types are wanted."""
    if len(kinds) == 1:
        return kinds[0]
    nulls = ", ".join(f"CAST(NULL AS {client_type(kind).sql})" for kind in kinds)
    found = binder.parameter_types(f"SELECT 1 WHERE $p = coalesce({nulls})") or {}
    return found.get("p", "VARCHAR")
