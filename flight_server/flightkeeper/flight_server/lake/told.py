"""What a version of a lake says that it changed, as DuckLake writes it. Pure."""

import re
from collections.abc import Set as AbstractSet
from typing import Final

REWRITES: Final = "rewrite_delete"
"""Files of which much was deleted were written anew, without that."""
SAME_ROWS: Final = frozenset({"compacted_table", "inline_flush", "merge_adjacent", REWRITES})
"""What changes no row of a table."""

_CHANGE = re.compile(r'([a-z_]+):(?:(\d+)|"(?:[^"]|"")*"(?:\."(?:[^"]|"")*")?)(?:,|$)')
"""One of those that a version tells of, with the number of the table if it is known by that."""


def kinds(told: str, table: int) -> AbstractSet[str] | None:
    """The kinds of change that a version tells of one table, by its number; None if unreadable."""
    found, place = set[str](), 0
    while place < len(told):
        one = _CHANGE.match(told, place)
        if one is None:
            return None
        kind, number = one.groups()
        if number is not None and int(number) == table:
            found.add(kind)
        place = one.end()
    return found
