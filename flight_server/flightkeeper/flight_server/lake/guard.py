"""What no statement may do to a lake, whoever sends it: it would be broken for all nodes.

By the tokens of a text, so that what a literal says counts only where the engine would act on it.
Whoever may attach databases and run files as SQL can get around it, but not by accident. Reading
the lake's own catalog is another matter: where there are grants only superusers may.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from flightkeeper.flight_server.engine.tokens import Kind, Token, tokens
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.lake.functions import FUNCTIONS, Does
from flightkeeper.flight_server.lake.places import Places

OWN = "__ducklake_metadata"
"""How the names of the catalogs begin in which DuckLake keeps what it knows."""

_BEGINS = re.compile(
    r"\s*(?:--|/\*|(?:alter|attach|checkpoint|copy|detach|explain|export|force|pragma|prepare"
    r"|reset|set|use)\b)",
    re.IGNORECASE,
)
"""How a statement begins of which more counts than what it calls."""
_SUSPECT = (
    *(OWN, "query", "json_execute_serialized_sql", "sqlite_attach", "read_", "parquet_"),
    "sniff_csv",
    *(name for name, does in FUNCTIONS.items() if does in {Does.MERGES, Does.BREAKS, Does.RUNS}),
)
"""A text that begins otherwise, and has none of these in it, is not looked at any closer."""
_RUNNING = {"query", "json_serialize_sql"}
"""They take a statement as a text."""
_PLACES = {"search_path", "schema"}
"""Settings that say where names are looked up."""
_NO_CALL_AFTER = {
    *("into", "table", "view", "exists", "macro", "function", "references", "as", "with", "on"),
    *("recursive", "update"),
}
"""A name and a parenthesis after one of them are no call."""
_TABLES_AFTER = {"from", "join", "table", "describe", "summarize"}
_READS_FILE = re.compile(r"read_\w+|parquet_\w+|sniff_csv")
_TRUE = {"true", "1", "on"}
_OPENING, _CLOSING = "(", ")"


class Guard:
    """Checks statements. Thread-safe.

    Args:
        catalog: the lake's name.
        places: what it is kept in.
    """

    def __init__(self, catalog: str, places: Places) -> None:
        self._catalog = catalog
        self._places = places
        self._file = places.file_name
        self._verbs: Mapping[str, Callable[[Sequence[Token]], None]] = {
            "alter": self._altered,
            "attach": self._attached,
            "copy": self._copied,
            "detach": self._detached,
            "export": self._copied,
            **dict.fromkeys(("checkpoint", "force"), self._checkpointed),
            **dict.fromkeys(("pragma", "reset", "set", "use"), self._set),
        }

    def check(self, sql: str, *, changes: bool) -> None:
        """Refuse what breaks the lake.

        Args:
            changes: it is not surely a pure read.

        Raises:
            InvalidArgument: says what to do instead; nothing was run.
        """
        if _BEGINS.match(sql) or self._is_suspect(sql.lower()):
            self._check(tokens(sql), changes=changes)

    def _is_suspect(self, text: str) -> bool:
        return any(map(text.__contains__, _SUSPECT)) or (
            self._file != "" and self._file.lower() in text
        )

    def _check(self, said: Sequence[Token], *, changes: bool) -> None:
        if changes and names_own(said):
            raise _own()
        for at, name in _calls(said):
            self._called(name, said[at:])
        if any(map(self._places.has_catalog, _opened(said))):
            raise _kept("read it with sqlite_scan")
        verb, rest = _statement(said)
        if (check := self._verbs.get(verb)) is not None:
            check(rest)

    def _called(self, name: str, rest: Sequence[Token]) -> None:
        """A call, with what follows its name."""
        does = FUNCTIONS.get(name)
        if does is Does.BREAKS:
            raise InvalidArgument(
                f"{name} may break the lake for others and is not served; nothing was run"
            )
        if self._file and does is Does.MERGES:
            raise _merges()
        if does is Does.RUNS and not _runs_elsewhere(rest):
            raise _own()
        if name in _RUNNING:
            arguments = _texts(_arguments(rest))
            for text in {*arguments, "".join(arguments)}:
                self.check(text, changes=True)
        if _READS_FILE.fullmatch(name) and any(
            map(self._places.has_catalog, _texts(_arguments(rest)))
        ):
            raise _kept("read it with sqlite_scan")
        if name == "sqlite_attach" and any(map(self._places.has_catalog, _texts(rest))):
            raise _own()

    def _attached(self, rest: Sequence[Token]) -> None:
        words = _words(rest)
        target = next((token.text for token in rest if token.kind is Kind.TEXT), "")
        named = next((after for word, after in pairwise(words) if word == "as"), _stem(target))
        if named == self._catalog:
            raise _stays()
        texts = _texts(rest)
        if any(map(self._places.has_file, texts)) and not _reads_only(rest):
            raise _kept("attach it with TYPE and READ_ONLY")

    def _altered(self, rest: Sequence[Token]) -> None:
        if _words(rest[:1]) == ["database"]:
            self._detached(rest)

    def _detached(self, rest: Sequence[Token]) -> None:
        if self._catalog in _words(rest):
            raise _stays()

    def _checkpointed(self, rest: Sequence[Token]) -> None:
        words = [word for word in _words(rest) if word != "checkpoint"]
        if self._file and (not words or self._catalog in words):
            raise _merges()

    def _copied(self, rest: Sequence[Token]) -> None:
        texts = _texts(rest)
        below = "overwrite" in _words(rest) and any(map(self._places.is_below, texts))
        inside = _writes(rest) and any(map(self._places.has_file, texts))
        if below or inside or any(map(self._places.has_catalog, texts)):
            raise _kept("choose another place")

    def _set(self, rest: Sequence[Token]) -> None:
        """A setting, and its value if it has one."""
        texts = _texts(rest)
        if any(map(self._places.has_file, texts)):
            raise _own()
        if _PLACES.isdisjoint(_words(rest)[:2]):
            return
        if OWN in "".join(texts).lower():
            raise _own()
        if any(token.text == _OPENING for token in rest):
            raise InvalidArgument(
                "where names are looked up is set to a plain value; nothing was run"
            )


def names_own(said: Sequence[Token]) -> bool:
    """Whether a name in a text is that of a lake's own catalog."""
    return any(token.kind is Kind.NAME and token.text.startswith(OWN) for token in said)


def _own() -> InvalidArgument:
    return InvalidArgument(
        "the lake's own catalog is written by the lake alone; nothing was run: change its tables "
        "with SQL"
    )


def _kept(instead: str) -> InvalidArgument:
    # A file that the process opens beside SQLite loses SQLite's locks on it when it is closed.
    return InvalidArgument(
        "this is where the lake is kept, which nothing but the lake may open or write to; nothing "
        f"was run: {instead}"
    )


def _merges() -> InvalidArgument:
    # See engine.file_lists.
    return InvalidArgument(
        "files of a lake in SQLite are merged by its upkeep alone, which lets no read miss them; "
        "nothing was run: `flightkeeper lake maintain` does it now; of other databases say which"
    )


def _stays() -> InvalidArgument:
    return InvalidArgument(
        "the lake is attached for as long as the node runs, under its name; nothing was run: give "
        "--lake when the node is started"
    )


def _words(said: Sequence[Token]) -> list[str]:
    return [token.text for token in said if token.kind in {Kind.KEYWORD, Kind.NAME}]


def _texts(said: Sequence[Token]) -> list[str]:
    return [token.text for token in said if token.kind is Kind.TEXT]


def _statement(said: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """The verb of a statement, and what follows it; without EXPLAIN and PREPARE before it."""
    at = 0
    if _words(said[:1]) == ["explain"]:
        at = 1 + (_words(said[1:2]) in (["analyze"], ["analyse"]))
        at += _parenthesised(said[at:])
    elif _words(said[:1]) == ["prepare"]:
        at = next((n for n, token in enumerate(said, 1) if token.text == "as"), 0)
    return (said[at].text, said[at + 1 :]) if at < len(said) else ("", ())


def _parenthesised(said: Sequence[Token]) -> int:
    """How many tokens the parentheses are that a text begins with; 0 = it begins otherwise."""
    depth = 0
    for number, token in enumerate(said, 1):
        depth += (token.text == _OPENING) - (token.text == _CLOSING)
        if depth == 0:
            return 0 if number == 1 else number
    return len(said)


def _arguments(rest: Sequence[Token]) -> Sequence[Token]:
    return rest[: _parenthesised(rest)]


def _calls(said: Sequence[Token]) -> list[tuple[int, str]]:
    """The names that are called, each with where its parentheses are."""
    return [
        (at + 1, token.text)
        for at, token in enumerate(said[:-1])
        if token.kind in {Kind.KEYWORD, Kind.NAME}
        and (said[at + 1].text, said[at + 1].kind) == (_OPENING, Kind.OTHER)
        and _may_be_called(said, at)
    ]


def _may_be_called(said: Sequence[Token], at: int) -> bool:
    """Whether what stands before a name lets it be one of a function."""
    while at > 1 and said[at - 1].text == ".":
        at -= 2
    before = said[at - 1] if at else None
    if before is None or before.kind is Kind.OTHER:
        return before is None or before.text != _CLOSING
    return before.kind is Kind.KEYWORD and before.text not in _NO_CALL_AFTER


def _runs_elsewhere(rest: Sequence[Token]) -> bool:
    """Whether the first argument is plainly another catalog."""
    first, after = rest[1:2], rest[2:3]
    texts = _texts(first)
    return bool(texts) and not texts[0].lower().startswith(OWN) and after[0].text == ","


def _stem(target: str) -> str:
    """What a database is called that is attached without a name."""
    return re.split(r"[/\\:]", target)[-1].partition(".")[0].lower()


def _reads_only(rest: Sequence[Token]) -> bool:
    """Whether a database is attached so that nothing can be written to it."""
    at = next((n for n, token in enumerate(rest) if token.text in {"read_only", "readonly"}), None)
    if at is None or "type" not in _words(rest):
        # Without its type DuckDB opens a file to see what it is.
        return False
    value = rest[at + 1].text if at + 1 < len(rest) else ""
    return value in {",", _CLOSING, *_TRUE}


def _opened(said: Sequence[Token]) -> list[str]:
    """The files that are read as tables."""
    return [
        after.text
        for before, after in pairwise(said)
        if after.kind is Kind.TEXT and before.kind is Kind.KEYWORD and before.text in _TABLES_AFTER
    ]


def _writes(rest: Sequence[Token]) -> bool:
    """Whether a COPY is one TO somewhere; an EXPORT always is."""
    depth = 0
    for token in rest:
        depth += (token.text == _OPENING) - (token.text == _CLOSING)
        if depth == 0 and token.kind is Kind.KEYWORD and token.text in {"to", "from"}:
            return token.text == "to"
    return True
