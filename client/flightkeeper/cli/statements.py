"""Cutting a text of SQL into its statements.

Owns where one statement ends: at a semicolon that is in no quotes and no comment. Knows nothing
else of SQL; whether a statement makes sense is the engine's to say. Pure.
"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<quoted>  '(?:[^']|'')*(?:'|\Z)
                 | "(?:[^"]|"")*(?:"|\Z)
                 | (?P<dollar>\$(?:[A-Za-z_]\w*)?\$) .*? (?:(?P=dollar)|\Z) )
    | (?P<end>     ; )
    | (?P<space>   \s+ )
    | (?P<word>    [\w]+ | . )
    """,
    re.DOTALL | re.VERBOSE,
)


def split(text: str) -> Iterator[str]:
    """The statements of a text in order, without their semicolons; empty ones are left out.

    An unclosed quote or comment runs to the end of the text.
    """
    start = 0
    content = False
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "end":
            if content:
                yield text[start : token.start()].strip()
            start, content = token.end(), False
        elif token.lastgroup not in {"comment", "space"}:
            content = True
    if content:
        yield text[start:].strip()


def words(text: str) -> Iterator[str]:
    """The words and signs of a statement in order, upper case, without quotes and comments."""
    found = (token for token in _TOKEN.finditer(text) if token.lastgroup == "word")
    return (token.group().upper() for token in found)


def is_complete(text: str) -> bool:
    """Whether the last statement of a text has its semicolon, so that it can be run."""
    kinds = [token.lastgroup for token in _TOKEN.finditer(text)]
    telling = [kind for kind in kinds if kind not in {"comment", "space"}]
    return bool(telling) and telling[-1] == "end"
