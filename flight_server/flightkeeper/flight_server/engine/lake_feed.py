"""What was changed of a table of the lake, asked in the parts that DuckLake tells rightly.

A call of `table_changes` and its kin over versions of which some wrote files of the table anew
becomes one call for each part between those, with columns that are called as at the end. The call
itself stays in the text, for its columns, parameters and errors, and answers with nothing.

Owns how such a call is found in a text. What stands in a view, a macro or another text is not seen.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flightkeeper.flight_server.engine import lake, lake_history
from flightkeeper.flight_server.engine.connection import Connection, Parameters
from flightkeeper.flight_server.engine.lake_history import Column, History
from flightkeeper.flight_server.engine.lake_names import reworded
from flightkeeper.flight_server.engine.placeholders import replaced
from flightkeeper.flight_server.engine.statement import Statement, words_at
from flightkeeper.flight_server.engine.targets import fills_table
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.lake import feed
from flightkeeper.flight_server.lake.copying import Path
from flightkeeper.flight_server.lake.functions import FEED
from flightkeeper.flight_server.lake.told import REWRITES

_MAY_CALL = re.compile("|".join(FEED), re.IGNORECASE)
_RUN_AT_ONCE = {"SELECT", "EXPLAIN", "CALL", "INSERT", "UPDATE", "DELETE", "MERGE_INTO", "COPY"}
_BEFORE = {"from", "join", "using", "lateral", "call", "pivot", "unpivot", ",", "(", ":"}
"""What stands before a call that tells rows."""
_OPENS, _CLOSES = {"(", "[", "{"}, {")", "]", "}"}
_NAMES = ("table_name", "start_snapshot", "end_snapshot")
"""What the arguments are called, in order."""
_NAME = re.compile(rb"\s*\"?(?P<name>\w+)\"?\s*(?:=>|:=|=)")
"""What an argument is called, if that is said."""
_TOLD_BESIDE = {"table_changes": 3}
"""The columns that a function tells before those of the table."""
_PARTS_MAX = 200
"""Each takes the engine about as long as a call by itself."""

_HERE = f"""
    SELECT CASE WHEN current_catalog() = '{lake.CATALOG}' THEN current_schema() END,
        EXISTS (FROM duckdb_functions()
            WHERE database_name = 'temp' AND lower(function_name) = $function)"""
_ASKED = f"""
    SELECT name, coalesce(
            try_cast(first AS BIGINT),
            (SELECT min(snapshot_id) FROM {lake.METADATA}.ducklake_snapshot
                WHERE snapshot_time::TIMESTAMPTZ >= try_cast(first AS TIMESTAMPTZ))),
        coalesce(
            try_cast(last AS BIGINT),
            (SELECT max(snapshot_id) FROM {lake.METADATA}.ducklake_snapshot
                WHERE snapshot_time::TIMESTAMPTZ <= try_cast(last AS TIMESTAMPTZ)))
    FROM (SELECT {{}}) AS asked(name, first, last)"""  # noqa: S608 - ours
"""As DuckLake finds them: the first version since a time, and the last until one."""
_WROTE_ANEW = f"""
    SELECT snapshot_id, changes_made FROM {lake.METADATA}.ducklake_snapshot_changes
    WHERE snapshot_id BETWEEN $first AND $last AND contains(changes_made, '{REWRITES}')"""  # noqa: S608 - ours
_VERSIONS = f"""
    SELECT snapshot_id FROM {lake.METADATA}.ducklake_snapshot
    WHERE snapshot_id BETWEEN $first AND $last ORDER BY snapshot_id"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class _Call:
    """A call, as it stands in a text.

    Attributes:
        start: the byte that it begins at.
        end: the one behind it.
        path: what it is called in.
        arguments: their texts, in the order of the function's.
    """

    start: int
    end: int
    path: tuple[str, ...]
    function: str
    arguments: Sequence[str]


def exact(connection: Connection, statement: Statement, parameters: Parameters) -> Statement:
    """What is run in the place of a statement, so that it is told what was changed and no more.

    Raises:
        InvalidArgument: a field within a column was changed between two parts, which cannot be
            told as one; says how to ask.
    """
    if _MAY_CALL.search(statement.sql) is None or not _runs_at_once(statement):
        return statement
    sql = statement.sql
    if all(name.isdigit() for name in statement.parameters):
        # As a query has them: numbered in the order of the text.
        sql = replaced(sql, lambda name: f"${name}")
    text, found = sql.encode(), False
    for call in reversed(list(_calls(sql))):
        rest = _in_parts(connection, call, parameters)
        if rest is not None:
            itself = b"(FROM " + text[call.start : call.end] + rest.encode()
            text, found = text[: call.start] + itself + text[call.end :], True
    if not found:
        return statement
    if statement.kind == "CALL":
        start = words_at(sql)[0][0]
        text = text[:start] + b"FROM" + text[start + len("CALL") :]
    told = reworded(statement, text.decode())
    if told is None:
        raise InvalidArgument(
            "what was changed is asked in parts here, which cannot stand where the call stands; "
            "nothing was run: write it as (FROM lake.table_changes(…))"
        )
    return told


def _runs_at_once(statement: Statement) -> bool:
    """Whether it runs what it calls itself, and does not keep it for later."""
    if statement.kind in _RUN_AT_ONCE:
        return True
    return statement.kind == "CREATE" and fills_table([word for _, word in words_at(statement.sql)])


def _calls(sql: str) -> Iterator[_Call]:
    words = words_at(sql)
    plain = [word for _, word in words]
    for number, word in enumerate(plain):
        function = _unquoted(word)
        if function not in FEED or plain[number + 1 : number + 2] != ["("]:
            continue
        first = number
        while plain[first - 1 : first] == ["."]:
            first -= 2
        marks = _marks(plain, number + 1)
        if first > 0 and plain[first - 1] in _BEFORE and len(marks) == len(_NAMES) + 1:
            places = [words[mark][0] for mark in marks]
            path = tuple(_unquoted(plain[at]) for at in range(first, number, 2))
            arguments = _arguments(sql.encode(), places)
            yield _Call(words[first][0], places[-1] + 1, path, function, arguments)


def _unquoted(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word


def _marks(words: Sequence[str], opening: int) -> list[int]:
    """Where what stands between parentheses begins, where it is parted, and where it ends."""
    marks, depth = [opening], 0
    for number in range(opening, len(words)):
        depth += (words[number] in _OPENS) - (words[number] in _CLOSES)
        if not depth or (depth == 1 and words[number] == ","):
            marks.append(number)
        if not depth:
            return marks
    return []


def _arguments(text: bytes, places: Sequence[int]) -> Sequence[str]:
    """The texts between these bytes, in the order of the function's arguments."""
    found = dict[str, str]()
    for name, (start, end) in zip(_NAMES, pairwise(places), strict=True):
        said = text[start + 1 : end]
        named = _NAME.match(said)
        if named is not None and named["name"].decode().lower() in _NAMES:
            found[named["name"].decode().lower()] = said[named.end() :].decode()
        else:
            found[name] = said.decode()
    return [found.get(name, "NULL") for name in _NAMES]


def _in_parts(connection: Connection, call: _Call, parameters: Parameters) -> str | None:
    """What follows the call, so that it answers with nothing, and the parts with the rest.

    Returns: None where the call itself tells all.
    """
    schema = _schema(connection, call)
    asked = _asked(connection, call.arguments, parameters) if schema else None
    if schema is None or asked is None:
        return None
    name, first, last = asked
    within = {"first": first, "last": last}
    told = {int(version): str(what) for version, what in connection.rows(_WROTE_ANEW, within)}
    if not told:
        return None
    table = lake_history.table(connection, (schema, name), last)
    if table is None:
        return None
    versions = [int(version) for (version,) in connection.rows(_VERSIONS, within)]
    parts = feed.parts(versions, told, table)
    if parts == [(versions[0], versions[-1])]:
        return None
    if len(parts) > _PARTS_MAX:
        raise _too_many(len(parts), parts[_PARTS_MAX - 1][1])
    texts = _texts(connection, call.function, History(connection, table), parts, (first, last))
    return " WHERE false" + "".join(f" UNION ALL {text}" for text in texts) + ")"


def _texts(
    connection: Connection,
    function: str,
    history: History,
    parts: Sequence[feed.Part],
    whole: feed.Part,
) -> Sequence[str]:
    """The texts of the parts; none where the call itself does not run."""
    path, columns = history.path(whole[1]), history.columns(whole[1])
    beside = _TOLD_BESIDE.get(function, 0)
    try:
        rows = connection.rows(f"DESCRIBE FROM {_text(function, path, whole)}")
    except InvalidArgument:
        return ()
    types = {str(row[0]): str(row[1]) for row in rows[beside:]}
    if list(types) != list(columns):
        raise InvalidArgument(
            "what was changed of a table cannot be told in a transaction that has altered it, "
            "once files of the table were written anew; nothing was run: ask after the COMMIT"
        )
    texts = (_part(function, history, part, columns, types) for part in parts)
    return [text for text in texts if text]


def _schema(connection: Connection, call: _Call) -> str | None:
    """The schema of the lake that a call looks for its table in; None if it may be another's."""
    ((here, hidden),) = connection.rows(_HERE, {"function": call.function})
    match call.path:
        case ():
            return None if hidden else here
        case (lake.CATALOG,):
            return here or "main"
        case (place,) | (lake.CATALOG, place):
            return place if here or len(call.path) > 1 else None
    return None


def _asked(
    connection: Connection, arguments: Sequence[str], parameters: Parameters
) -> tuple[str, int, int] | None:
    """The table and the versions that a call names; None if it does not run."""
    # On lines of their own: a comment may end them.
    texts = ", ".join(f"(({text}\n)::VARCHAR)" for text in arguments)
    names = list[str]()

    def seen(name: str) -> str:
        names.append(name)
        return name

    replaced(texts, seen)
    given = _given(parameters, names)
    if given is None:
        return None
    try:
        ((name, first, last),) = connection.rows(_ASKED.format(texts), given)
    except InvalidArgument:
        return None
    return None if None in (name, first, last) or first > last else (name, first, last)


def _given(parameters: Parameters, names: Iterable[str]) -> Mapping[str, Any] | None:
    """The values of some parameters; None if one of them has none."""
    if not isinstance(parameters, Mapping):
        parameters = {str(number): value for number, value in enumerate(parameters, start=1)}
    # In DuckDB's eyes names that differ in nothing but capitals are one.
    known = {name.lower(): value for name, value in parameters.items()}
    found = {name: known[name.lower()] for name in names if name.lower() in known}
    return found if found.keys() == set(names) else None


def _text(function: str, path: Path, part: feed.Part) -> str:
    schema, name = path
    called = f"{lake.CATALOG}.{quoted(schema)}.{function}"
    return f"{called}({lake.literal(name)}, {part[0]}, {part[1]})"


def _part(
    function: str,
    history: History,
    part: feed.Part,
    columns: Mapping[str, Column],
    types: Mapping[str, str],
) -> str:
    """The text of a part, with columns as they are at the end; empty if there was no table yet."""
    path, had = history.path(part[1]), list(history.columns(part[1]).values())
    if not had:
        return ""
    beside = _TOLD_BESIDE.get(function, 0)
    places = {column.number: place for place, column in enumerate(had)}
    shown = [f"c{n}" for n in range(beside)]
    for name, column in columns.items():
        place = places.get(column.number)
        value = "NULL" if column.default is None else lake.literal(column.default)
        if place is not None:
            value = f"c{beside + place}"
            if column.fields != had[place].fields:
                raise _not_as_one(name, part[1])
        shown.append(f"CAST({value} AS {types[name]})")
    called = ", ".join(f"c{n}" for n in range(beside + len(had)))
    return f"SELECT {', '.join(shown)} FROM {_text(function, path, part)} AS part({called})"  # noqa: S608 - quoted


def _too_many(count: int, version: int) -> InvalidArgument:
    return InvalidArgument(
        f"within these versions files of the table were written anew so often that what was "
        f"changed is asked in {count} parts, and {_PARTS_MAX} are the limit; nothing was run: ask "
        f"up to version {version}, and from the version after it"
    )


def _not_as_one(column: str, version: int) -> InvalidArgument:
    return InvalidArgument(
        f"what was changed cannot be told in one: after version {version} a field within the "
        f"column {column} was changed, and files of the table were written anew; nothing was run: "
        f"ask up to version {version}, and from the version after it"
    )
