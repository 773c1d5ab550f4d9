"""Which small writes add rows to a table and do nothing else, so that several can share a file.

Each INSERT writes a file of its own, also several in one transaction, and a commit costs as much
for each file as for the rows. Rows that stand in the text can be collected first, because they are
the same whatever has been written before them.

Pure. Conservative: what is not known to be such a text is none.
"""

from collections.abc import Sequence
from itertools import pairwise

_HEAD = ("insert", "into")
_MARKS = frozenset("(),?[]{}:+-*/.;")
_VALUES = {"null", "true", "false", "default"}
_TYPED = {"date", "time", "timestamp", "timestamptz"}
"""Before a text they tell its type."""


def added_to(words: Sequence[str]) -> str:
    """The table that a text adds rows to which stand in it, as it names it; empty if none.

    Args:
        words: of the text, lower case, without literals and comments; quoted names with quotes.
    """
    if tuple(words[:2]) != _HEAD or "values" not in words:
        return ""
    _, _, name, *columns = words[: words.index("values")] or ("", "", "")
    listed = columns[:1] == ["("] and columns[-1:] == [")"] and columns.count("(") == 1
    if columns and not listed:
        return ""
    return name if _is_plain(words[words.index("values") + 1 :]) else ""


def _is_plain(values: Sequence[str]) -> bool:
    """Whether nothing is read or called in there."""
    return all(
        word in _MARKS
        or word in _VALUES
        or (word[:1] == "$" and word[1:].isdigit())
        or ((word in _TYPED or before == ":") and word.isidentifier() and after != "(")
        for before, word, after in zip(
            ["", *values], values, [*(after for _, after in pairwise(values)), ""], strict=False
        )
    )
