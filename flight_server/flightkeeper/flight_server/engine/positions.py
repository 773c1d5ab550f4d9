"""Where in a text an error is, in DuckDB's form: `LINE 2: SELECT nope` and a caret below.

Owns that form, and the way from a position in a translated text back to the client's own. Pure
text: it knows nothing of what translates, nor of the engine.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from flightkeeper.flight_server.errors import InvalidArgument

_WIDTH_MAX = 80
"""Columns of a line that are shown; DuckDB shows as many."""
_BEFORE = 40
_MARK = re.compile(r"\n+LINE (?P<line>\d+): (?P<shown>[^\n]*)\n(?P<indent> *)(?P<carets>\^+)(?!\S)")
_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<quoted>'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[\w+\])
    |(?P<word>[^\W\d]\w*|\d[\w.]*)
    |(?P<sign>.)""",
    re.DOTALL | re.VERBOSE,
)
_SEARCHED_MAX = 65_536
"""Characters of a text in which a position is searched for; beyond, none is shown."""


class _Token(NamedTuple):
    text: str
    """Lower case, without quotes."""
    start: int


def excerpt(text: str, offset: int) -> str:
    """The line that an offset of a text is in, numbered, and a caret below the offset.

    A long line is shown in part, as DuckDB does.
    """
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start:] if end < 0 else text[start:end]
    column = min(offset - start, len(line))
    first = max(0, column - _BEFORE) if len(line) > _WIDTH_MAX else 0
    last = first + _WIDTH_MAX
    before = ("..." if first else "") + line[first:column]
    after = line[column:last] + ("..." if last < len(line) else "")
    head = f"LINE {text.count(chr(10), 0, start) + 1}: "
    return f"{head}{before}{after}\n{' ' * _columns(head + before)}^"


def repoint(message: str, sql: str, source: str) -> str:
    """A message about a translated text, pointing into the text it was translated from.

    Args:
        message: the engine's, with or without its `LINE` part.
        sql: the translated text, one statement.
        source: the client's own.

    Returns: the same words; the position is that of the same token, counted from the start, and
        left out when the client's text has no such token or has it more or less often.
    """
    mark = _MARK.search(message)
    if mark is None or sql == source:
        return message
    offset = _offset(mark, sql)
    found = None if offset is None else _same_token(sql, offset, source)
    shown = "" if found is None else f"\n\n{excerpt(source, found)}"
    return message[: mark.start()] + shown + message[mark.end() :]


def above(message: str) -> str:
    """A message about a text whose first line is not the client's: one line further up."""

    def moved(mark: re.Match[str]) -> str:
        number = int(mark["line"]) - 1
        narrower = len(mark["line"]) - len(str(number))
        below = f"{mark['indent'][narrower:]}{mark['carets']}"
        return f"\n\nLINE {number}: {mark['shown']}\n{below}"

    return _MARK.sub(moved, message)


def _offset(mark: re.Match[str], sql: str) -> int | None:
    """The offset in a text that a message points at."""
    lines = sql.split("\n")
    number = int(mark["line"])
    if number > len(lines):
        return None
    line, shown = lines[number - 1], mark["shown"]
    column = _index(shown, len(mark["indent"]) - len(f"LINE {number}: "))
    # What is left out is shown as dots, which the line itself may have as well.
    cut = "..." if shown.startswith("...") and not line.startswith(shown) else ""
    part = shown[len(cut) :]
    first = line.find(part if line.endswith(part) else part.removesuffix("..."))
    if first < 0:
        return None
    return sum(len(before) + 1 for before in lines[: number - 1]) + first + column - len(cut)


def _same_token(sql: str, offset: int, source: str) -> int | None:
    if max(len(sql), len(source)) > _SEARCHED_MAX:
        return None
    translated = list(_tokens(sql))
    pointed = next((token for token in translated if token.start == offset), None)
    if pointed is None:
        return None
    places = [token.start for token in translated if token.text == pointed.text]
    wanted = [token.start for token in _tokens(source) if token.text == pointed.text]
    if len(wanted) == 1:
        return wanted[0]
    return wanted[places.index(offset)] if len(wanted) == len(places) else None


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "quoted":
            yield _Token(match.group()[1:-1].lower(), match.start())
        elif match.lastgroup != "space":
            yield _Token(match.group().lower(), match.start())


def _columns(text: str) -> int:
    """How many columns a text takes in a terminal."""
    return sum(_width(character) for character in text)


def _index(text: str, columns: int) -> int:
    """The index of the character that begins after so many columns."""
    index = 0
    while columns > 0 and index < len(text):
        columns -= _width(text[index])
        index += 1
    return index


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def at(text: str, offset: int, message: str) -> InvalidArgument:
    """A parser's error in DuckDB's form."""
    return InvalidArgument(
        f"Parser Error: {message}\n\n{excerpt(text, offset)}", cause="Parser Error"
    )
