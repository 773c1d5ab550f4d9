"""Affinity: which statements read the same, as far as their text shows.

A node that has read a file keeps it in its caches, so statements over the same tables and
partitions should meet at the same node. This client has no SQL parser, and needs none for it: the
key of a statement is the names of tables after FROM and JOIN, and its quoted texts, which are what
files and partitions are named by. A key that is wrong costs warmth, never correctness.

Pure. Numbers are left out: ids and limits change from statement to statement, what is read does
not. docs/decisions/affinity.md has what else was weighed.
"""

import re
from functools import lru_cache

SCANNED_MAX = 4_096
"""Letters of a statement that are looked at."""
_KEYS_MAX = 1_024
"""How many statements' keys are remembered."""

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_PART = r"""(?:"[^"]*"|[\w$]+)"""
_READ = re.compile(rf"\b(?:from|join)\s+(?>({_PART}(?:\.{_PART})*))(\s*\()?", re.IGNORECASE)
"""A name, and whether it is that of a function."""
_TEXT = re.compile(r"'(?:[^']|'')*'")


def key_of(sql: str) -> str:
    """The key of a statement; "" when it reads no table that its text names."""
    return _key_of(sql[:SCANNED_MAX])


@lru_cache(maxsize=_KEYS_MAX)
def _key_of(sql: str) -> str:
    texts = set(_TEXT.findall(sql))
    bare = _COMMENT.sub(" ", _TEXT.sub("''", sql))
    found = _READ.findall(bare)
    names = {name.replace('"', "").lower() for name, called in found if not called}
    # A function reads files if it is given texts; `range(9)` reads nothing that could be kept.
    files = texts and any(called for _, called in found)
    reads = names or files or "from ''" in " ".join(bare.lower().split())
    return "\n".join([*sorted(names), *sorted(texts)]) if reads else ""
