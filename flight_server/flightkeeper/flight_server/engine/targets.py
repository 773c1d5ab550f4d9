"""What a statement writes to, makes or drops, by its words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

_Choice = tuple[tuple[str, ...], ...]
"""Words of which some may stand at a place, once."""

_INDEX = ("index",)
_KINDS: _Choice = (
    ("table",),
    ("view",),
    ("macro", "table"),
    ("macro",),
    ("function", "table"),
    ("function",),
    ("schema",),
    ("sequence",),
    _INDEX,
    ("type",),
)
_KEPT: _Choice = (("temp",), ("temporary",), ("persistent",))
_SORTS: _Choice = (("recursive",), ("materialized",), ("unique",))
_BETWEEN: Mapping[str, tuple[_Choice, ...]] = {
    "insert": ((("or", "replace"), ("or", "ignore")), (("into",),)),
    "update": ((("only",),),),
    "delete": ((("from",),), (("only",),)),
    "merge": ((("into",),),),
    "truncate": ((("table",),), (("only",),)),
    "create": (
        (("or", "replace"),),
        (("local",), ("global",)),
        _KEPT,
        _SORTS,
        _KINDS,
        (("if", "not", "exists"),),
    ),
    "drop": (_SORTS, _KINDS, (("if", "exists"),)),
    "alter": (_SORTS, _KINDS, (("if", "exists"),), (("only",),)),
}
"""What may stand between each verb and the name, in order: most of these words may be names too."""
_AFTER_NAMES = frozenset({"as", "using"})
"""What follows the name of a query or of a prepared statement, and no verb."""


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
    start = next((at for at, pair in enumerate(pairwise(outer)) if _is_verb(*pair)), None)
    if start is None:
        return ()
    rest = outer[start + 1 :]
    skipped: list[tuple[str, ...]] = []
    for choice in _BETWEEN[outer[start]]:
        found = next((some for some in choice if tuple(rest[: len(some)]) == some), ())
        rest = rest[len(found) :]
        skipped.append(found)
    if _INDEX in skipped and "on" in rest:
        return _name(rest[rest.index("on") + 1 :])
    return _name(rest)


def fills_table(words: Sequence[str]) -> bool:
    """Whether it makes a table of the rows of a query.

    Args:
        words: as of `target`.
    """
    outer = list(_outside(words))
    return outer[:1] == ["create"] and "as" in outer and "table" in outer[: outer.index("as")]


def _is_verb(word: str, after: str) -> bool:
    return word in _BETWEEN and after not in _AFTER_NAMES


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
