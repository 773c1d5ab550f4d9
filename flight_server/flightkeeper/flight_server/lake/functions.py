"""The functions that reach a lake, and what each of them does there. Pure.

The one table of them: what the guard refuses and what the engine does not take for a pure read
both come from here. A lake has some of them under a second name, as in `CALL lake.set_option(…)`.
"""

from collections.abc import Mapping
from enum import Enum, auto


class Does(Enum):
    """What a function does to a lake."""

    TELLS = auto()
    """It changes nothing."""
    CHANGES = auto()
    """It changes how the lake is kept, and no row of it."""
    MERGES = auto()
    """It puts rows of several files into one, which reads of a lake in SQLite could miss."""
    BREAKS = auto()
    """It takes away what others use, or changes what the writes of all nodes rest on."""
    RUNS = auto()
    """It runs a text on the catalog that its first argument names, whatever the text does."""


_UNDER_BOTH_NAMES = {
    "current_snapshot": Does.TELLS,
    "last_committed_snapshot": Does.TELLS,
    "options": Does.TELLS,
    "settings": Does.TELLS,
    "snapshots": Does.TELLS,
    "table_changes": Does.TELLS,
    "table_deletions": Does.TELLS,
    "table_info": Does.TELLS,
    "table_insertions": Does.TELLS,
    "merge_adjacent_files": Does.MERGES,
    "set_commit_message": Does.BREAKS,
    "set_option": Does.BREAKS,
}
FUNCTIONS: Mapping[str, Does] = {
    **_UNDER_BOTH_NAMES,
    **{f"ducklake_{name}": does for name, does in _UNDER_BOTH_NAMES.items()},
    "ducklake_list_files": Does.TELLS,
    "ducklake_add_data_files": Does.CHANGES,
    "ducklake_flush_inlined_data": Does.CHANGES,
    "ducklake_rewrite_data_files": Does.CHANGES,
    "ducklake_cleanup_old_files": Does.BREAKS,
    "ducklake_commit": Does.BREAKS,
    "ducklake_delete_orphaned_files": Does.BREAKS,
    "ducklake_expire_snapshots": Does.BREAKS,
    "postgres_execute": Does.RUNS,
    "postgres_query": Does.RUNS,
    "sqlite_query": Does.RUNS,
}
"""By name, lower case; of functions that are not here nothing is known."""

FEED = frozenset({"table_changes", "table_deletions", "table_insertions"})
"""They tell what was changed of one table between two versions, which they name."""

NEWEST = "current_snapshot"
"""It tells the number of the newest version, and nothing of what is in it."""

CHANGING = frozenset(name for name, does in FUNCTIONS.items() if does is not Does.TELLS)
"""Who calls one of them does not only read."""
