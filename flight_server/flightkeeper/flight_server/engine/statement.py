"""What a text of SQL is, before anything of it runs: DuckDB's own parser decides.

Owns the classification that routing, retries and sessions rest on. Conservative: what is not known
to be a pure read is not one. Pure but for the parser; results are cached by text.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from itertools import dropwhile, pairwise, takewhile

import duckdb

from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine import system_names, targets, tokens
from flightkeeper.flight_server.engine.failures import translate
from flightkeeper.flight_server.engine.placeholders import replaced
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.lake.functions import CHANGING

_CACHED_MAX = 2048
_CACHED_CHARACTERS_MAX = 16_384


class Shape(Enum):
    """What a statement answers with."""

    ROWS = auto()
    COUNT = auto()
    """The number of rows it changed."""
    NOTHING = auto()


class Control(Enum):
    """Transaction control written as SQL."""

    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that a statement sets; with None as its value it is reset."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text.

    Attributes:
        sql: its own text, as DuckDB parses it.
        source: the client's own text of it; another one if it was translated.
        parsed: DuckDB's parse of it, reusable and thread-safe; None if it is a command.
        shape: what it answers with.
        read_only: it surely changes nothing, so running it twice is harmless, and so is asking
            DuckDB for its schema: that may run what is not a read.
        stateful: it changes the session: settings, temporary objects, prepared names, catalogs.
        parameters: names of its parameters; digits for positional ones.
        control: the transaction control it is, if any.
        setting: what it sets, if it sets something to a plain value.
        sets: the setting of DuckDB that it sets or resets, lower case, if it does that.
        parses: after it, the session's texts may mean something else.
        undoable: a transaction that is rolled back undoes all that it does.
        target: the name of what it writes to, makes or drops, in lower case; empty if unknown.
        opening: the first words of what writes, in lower case, without comments.
        reference: what it makes is a reference table.
        system: the system tables it reads, which only a connection of its own has.
        command: what it asks of the cluster, if it is not for the engine.
    """

    sql: str
    source: str
    parsed: duckdb.Statement | None
    shape: Shape
    read_only: bool
    stateful: bool
    parameters: frozenset[str]
    control: Control | None
    setting: Setting | None
    sets: str | None
    parses: bool
    undoable: bool
    target: tuple[str, ...] = ()
    opening: tuple[str, ...] = ()
    reference: bool = False
    system: frozenset[str] = frozenset()
    command: Command | None = None

    @property
    def kind(self) -> str:
        """What DuckDB takes it for, such as `SELECT`; empty for what it has no name for."""
        kind = None if self.parsed is None else _kind(self.parsed)
        return "" if kind is None else kind.name


Script = tuple[Statement, ...]
"""The statements of one text, in order; never empty."""

_S = duckdb.StatementType

_NUMBERS_LATE = int(duckdb.__version__.split(".")[0]) < 2  # noqa: PLR2004
"""DuckDB 1.5 numbers the `?` of a FROM or USING before those of the SET or WHERE they follow."""
_CHANGES = {_S.INSERT, _S.UPDATE, _S.DELETE, _S.MERGE_INTO, _S.COPY}
_UNDOABLE = {_S.INSERT, _S.UPDATE, _S.DELETE, _S.MERGE_INTO}
_WRITES = {*_CHANGES, _S.CREATE, _S.DROP, _S.ALTER, _S.EXPLAIN, _S.PREPARE}  # or what is inside
_ROWS = {_S.SELECT, _S.EXPLAIN, _S.CALL, _S.EXECUTE, _S.PRAGMA, _S.RELATION, _S.MULTI}
_STATEFUL = {
    _S.TRANSACTION,
    _S.SET,
    _S.VARIABLE_SET,
    _S.PREPARE,
    _S.EXECUTE,
    _S.ATTACH,
    _S.DETACH,
    _S.PRAGMA,
}
_SETS = {_S.SET, _S.PRAGMA, None}
_SCOPES = {"session", "local", "global"}
_DML_WORDS = {"insert", "update", "delete", "merge", "truncate"}
"""Since DuckDB 2.0 a CTE may hold one, and the whole is still a SELECT."""
_ANALYZE_WORDS = {"analyze", "analyse", '"analyze"', '"analyse"'}
_TEMPORARY_WORDS = {"temp", "temporary", '"temp"'}
_CHANGING_FUNCTIONS = re.compile(
    r"nextval|setval|setseed|write_log|checkpoint|_logging|_profiling|truncate_duckdb_logs"
    r"|external_resource|json_execute_serialized_sql"
)
"""In the names of functions that leave something behind."""
_PARSER_SETTINGS = {
    "integer_division",
    "max_expression_depth",
    "order_by_non_integer_literal",
    "preserve_identifier_case",
}
"""They change what a text means; statements are parsed before a connection is chosen."""
_SESSION_FUNCTIONS = re.compile(r"setseed|_profiling")
_SETTING = re.compile(
    r"""(?:set|reset)\s+(?:(?:session|local|global)\s+)?"?(?P<name>\w+)"?
    (?:\s*(?:=|\bto\b)\s*(?:'(?P<text>[^']*)'|(?P<word>[\w.]+)))?\s*;?""",
    re.IGNORECASE | re.VERBOSE,
)
_FIXED = {
    # They let SQL reach the server's own Python objects.
    "python_enable_replacements",
    "python_scan_all_frames",
    # They are the whole node's, and would change the schemas of everybody's results.
    "arrow_large_buffer_size",
    "arrow_lossless_conversion",
    "arrow_output_list_view",
    "arrow_output_version",
    "produce_arrow_string_view",
}
"""Settings that SQL may not change."""
_OWN_STREAMS = {("from", "stdin"), ("to", "stdout")}
"""In a COPY they are those of the node's process."""
_FATAL = {"json_serialize_plan"}
"""It binds the text it is given, and a sequence asked for in there ends the whole database."""
_WORD = re.compile(rb'"(?:[^"]|"")*"|[\w$\x80-\xff]+|.', re.DOTALL)
_DOT = re.compile(rb"\.(?!\d)")
"""Between the parts of a name; a number to DuckDB 2.0."""
_OPENING = len(("create", "table", "if", "not", "exists"))
_WORD_KINDS = {
    duckdb.token_type.keyword,
    duckdb.token_type.identifier,
    duckdb.token_type.operator,
}
_CONTROL_WORDS = {
    "begin": Control.BEGIN,
    "start": Control.BEGIN,
    "commit": Control.COMMIT,
    "end": Control.COMMIT,
    "rollback": Control.ROLLBACK,
    "abort": Control.ROLLBACK,
}


def parse(sql: str, source: str | None = None) -> Script:
    """The statements of a text.

    Args:
        source: what the text was translated from. It is one statement, and who translated it keeps
            the answer.

    Raises:
        InvalidArgument: it does not parse (DuckDB's message with the position), or is empty.
    """
    if source is not None or len(sql) > _CACHED_CHARACTERS_MAX:
        return _parse(sql, source)
    return _parse_cached(sql)


def of_command(command: Command, text: str) -> Statement:
    """A command as a statement.

    Args:
        text: what the client wrote.
    """
    return Statement(
        sql=text,
        source=text,
        parsed=None,
        shape=Shape.NOTHING if command.schema is None else Shape.ROWS,
        read_only=command.read_only,
        stateful=command.stateful,
        parameters=frozenset(),
        control=None,
        setting=None,
        sets=None,
        parses=False,
        undoable=False,
        command=command,
    )


def _parse(sql: str, source: str | None = None) -> Script:
    if tokens.imports(sql):
        raise InvalidArgument("IMPORT DATABASE is not served; nothing was run: send the statements")
    try:
        parsed = duckdb.extract_statements(sql)
    except duckdb.Error as exc:
        raise translate(exc, sql, source) from exc
    if not parsed:
        raise InvalidArgument("the statement is empty")
    # A PIVOT that DuckDB makes several statements of has no text of its own in any of them.
    return tuple(_with_names(one, source or ("" if one.query.strip() else sql)) for one in parsed)


_parse_cached = lru_cache(_CACHED_MAX)(_parse)


def _with_names(parsed: duckdb.Statement, source: str | None) -> Statement:
    """The statement, with the names of system tables put so that they are found."""
    text = parsed.query.strip()
    named, tables = system_names.resolved(parsed, source, words_at)
    if named is parsed:
        return _classify(parsed, source)
    found = _classify(named, source or text)
    if tables and not found.read_only:
        raise InvalidArgument(
            "system tables are read by plain queries, and by nothing that changes something; "
            "nothing was run: fetch their rows and write those"
        )
    return replace(found, system=tables)


def _classify(parsed: duckdb.Statement, source: str | None) -> Statement:
    own = parsed.query.strip()
    kind = _kind(parsed)
    if _NUMBERS_LATE and kind in _CHANGES:
        parsed = _numbered(parsed)
    sql = parsed.query.strip()
    words = [word for _, word in words_at(sql)]
    _check_served(kind, words)
    return Statement(
        sql=sql,
        source=source or own,
        parsed=parsed,
        shape=_shape(kind, words),
        read_only=_read_only(kind, words, sql),
        stateful=_stateful(kind, words),
        parameters=frozenset(parsed.named_parameters),
        control=_CONTROL_WORDS.get(words[0]) if kind == _S.TRANSACTION else None,
        setting=_setting(sql) if kind == _S.SET else None,
        sets=_sets(words) if kind in _SETS else None,
        parses=kind in _SETS and bool(_PARSER_SETTINGS & _names(words)),
        undoable=kind in _UNDOABLE,
        target=targets.target(words) if kind in _WRITES else (),
        opening=tuple(words[:_OPENING]) if kind in _WRITES else (),
    )


def _numbered(parsed: duckdb.Statement) -> duckdb.Statement:
    """The statement with its `?` numbered in the order of the text, as clients count them."""
    if "?" not in parsed.query or not all(name.isdigit() for name in parsed.named_parameters):
        return parsed
    (numbered,) = duckdb.extract_statements(replaced(parsed.query, lambda name: f"${name}"))
    return numbered


def _sets(words: list[str]) -> str | None:
    """The setting that a SET, a RESET or a PRAGMA with a value changes, whatever the value."""
    verb, *rest = words
    if verb == "pragma" and "=" not in rest:
        return None
    name = next(dropwhile(lambda word: word in _SCOPES, rest), "")
    return None if verb == "use" or name == "variable" else name.strip('"')


def _setting(sql: str) -> Setting | None:
    """The setting and the plain value of a SET or RESET."""
    found = _SETTING.fullmatch(tokens.plain(sql))
    if found is None:
        return None
    value = found["text"] if found["text"] is not None else found["word"]
    reset = value is None or value.lower() == "default"
    return Setting(found["name"].lower(), None if reset else value)


def _check_served(kind: duckdb.StatementType | None, words: list[str]) -> None:
    names = _names(words)
    fixed = _FIXED & names
    if "global" in names:
        fixed |= _PARSER_SETTINGS & names
    if fixed and kind in _SETS:
        raise InvalidArgument(f"{', '.join(fixed)} cannot be changed here; nothing was run")
    if kind == _S.COPY and _OWN_STREAMS & set(pairwise(words)):
        raise InvalidArgument(
            "COPY from STDIN or to STDOUT would use the node's own; nothing was run: use bulk "
            "ingest to send rows, and a query to get them"
        )
    writes = words[:1] in ([], ["create"], ["copy"], ["export"]) or _DML_WORDS & set(words)
    if kind == (_S.MULTI if words else _S.TRANSACTION) and writes:
        raise InvalidArgument(
            "changes with a PIVOT ON without IN, and COPY FROM DATABASE, are not served; nothing "
            "was run: list the values, as in ON year IN (2025, 2026); copy tables one by one"
        )
    if _FATAL & names:
        raise InvalidArgument(f"{', '.join(_FATAL & names)} is not served; nothing was run")


def _kind(parsed: duckdb.Statement) -> duckdb.StatementType | None:
    """DuckDB's type of a statement; None for one its Python module has no name for."""
    try:
        return parsed.type
    except ValueError:
        return None


def _shape(kind: duckdb.StatementType | None, words: list[str]) -> Shape:
    if kind in _CHANGES or targets.fills_table(words):
        # RETURNING is reserved: as a bare word it cannot be anything else.
        return Shape.ROWS if "returning" in words else Shape.COUNT
    return Shape.ROWS if kind in _ROWS else Shape.NOTHING


def _read_only(kind: duckdb.StatementType | None, words: list[str], sql: str) -> bool:
    if kind == _S.EXPLAIN:
        return not _ANALYZE_WORDS & set(words)
    # DuckDB's own rewriting of a PIVOT has no text, so nothing is known of it.
    if kind != _S.SELECT or not sql:
        return False
    # The argument of query() may be put together from pieces.
    called = _called(words)
    return not (
        _DML_WORDS & set(words)
        or "query" in called
        or CHANGING & called
        or any(map(_CHANGING_FUNCTIONS.search, called))
    )


def _called(words: list[str]) -> set[str]:
    """The functions it calls, and keywords that have arguments like one."""
    return {word.strip('"') for word, after in pairwise(words) if after == "("}


def _names(words: list[str]) -> set[str]:
    return {word.strip('"') for word in words}


def _stateful(kind: duckdb.StatementType | None, words: list[str]) -> bool:
    match kind:
        case _S.CREATE:
            # What is created is named before its columns and its query.
            head = takewhile(lambda word: word not in {"(", "as"}, words)
            return not _TEMPORARY_WORDS.isdisjoint(head)
        case _S.SELECT:
            return any(map(_SESSION_FUNCTIONS.search, _called(words)))
        case _S.EXPLAIN:
            return bool(_ANALYZE_WORDS & set(words) and _TEMPORARY_WORDS & set(words))
        case _S.CALL:
            return words[:1] == ["call"]  # and not CHECKPOINT
    return kind is None or kind in _STATEFUL


def without_end(sql: str) -> str:
    """One statement without the semicolon that ends it, and what comes after that."""
    end = next((start for start, word in words_at(sql) if word == ";"), None)
    return sql if end is None else sql.encode()[:end].decode()


def words_at(sql: str) -> list[tuple[int, str]]:
    """The words and operators of a text, lower case, without literals and comments.

    Quoted names keep their quotes, so that they are not taken for keywords.

    Returns: each with the byte of the text it begins at.
    """
    # Token positions count bytes.
    text = sql.encode()
    return [
        (start, word.group().decode(errors="replace").lower())
        for start, kind in duckdb.tokenize(sql)
        if (kind in _WORD_KINDS or _DOT.match(text, start)) and (word := _WORD.match(text, start))
    ]
