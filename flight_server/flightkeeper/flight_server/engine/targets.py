"""What a statement writes to, makes or drops, by its words. Pure."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

_VERBS = frozenset({"insert", "update", "delete", "merge", "truncate", "create", "drop", "alter"})
_BETWEEN = frozenset(
    {
        *("or", "replace", "ignore", "into", "from", "if", "not", "exists", "only"),
        *("temp", "temporary", "persistent", "local", "recursive", "materialized", "unique"),
        *("table", "view", "macro", "function", "schema", "sequence", "index", "type"),
    }
)
"""What may stand between the verb and the name."""


def target(words: Sequence[str]) -> tuple[str, ...]:
    """The parts of the name that a change or a definition is about, without quotes.

    Args:
        words: of the statement, lower case, quoted names with their quotes, as by `words_at`.

    Returns: its parts; empty if there is none.
    """
    if words[:1] == ["copy"]:
        return _copied(words)
    outer = list(_outside(words))
    if outer[:2] == ["comment", "on"]:
        return _name(outer[3:])
    start = next((number for number, word in enumerate(outer) if word in _VERBS), len(outer))
    rest = outer[start + 1 :]
    head = list(takewhile(_BETWEEN.__contains__, rest))
    if "index" in head and "on" in rest:
        return _name(rest[rest.index("on") + 1 :])
    return _name(rest[len(head) :])


def _copied(words: Sequence[str]) -> tuple[str, ...]:
    outer = list(_outside(words[1:]))
    name = _name(outer)
    after = outer[2 * len(name) - 1 :]
    return name if name and after[:1] == ["from"] else ()


def _outside(words: Sequence[str]) -> Iterator[str]:
    """The words outside all parentheses."""
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if depth == 0 and word != ")":
            yield word


def _name(words: Sequence[str]) -> tuple[str, ...]:
    parts = []
    for part, dot in zip(words[::2], [*words[1::2], ""], strict=False):
        parts.append(part.strip('"').replace('""', '"'))
        if dot != ".":
            break
    return tuple(parts)
