"""Where the parameters of an SQL text stand: `?`, `?1`, `$1`, `$name`, `$"a name"`.

Pure. Literals, quoted names and comments are left alone.
"""

import re
from collections.abc import Callable
from itertools import count

_TOKEN = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*"
    | [eE]'(?:[^'\\]|\\.|'')*'
    | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
    | --[^\n]* | /\*.*?\*/
    | [^\W\d][\w$]* | \d[\w.]*
    | (?P<parameter>\?\d* | \$\w+ | \$"(?:[^"]|"")*")
    """,
    re.DOTALL | re.VERBOSE,
)


def replaced(sql: str, replacement: Callable[[str], str]) -> str:
    """The text with something else in each parameter's place.

    Args:
        replacement: from a parameter's name to what is to stand there; `?` are named "1", "2", …
            in the order of the text.
    """
    numbers = count(1)

    def one(found: re.Match[str]) -> str:
        mark = found["parameter"]
        if mark is None:
            return found.group()
        return replacement(str(next(numbers)) if mark == "?" else _name(mark))

    return _TOKEN.sub(one, sql)


def _name(mark: str) -> str:
    name = mark[1:]
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
