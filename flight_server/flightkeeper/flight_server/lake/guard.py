"""What no statement may do to a lake, whoever sends it: it would be broken for all nodes. Pure.

Reading the lake's own catalog is another matter: where there are grants only superusers may.
"""

from collections.abc import Callable, Sequence

from flightkeeper.flight_server.errors import InvalidArgument

_OWN = "__ducklake_metadata"
"""How the names of the catalogs begin in which DuckLake keeps what it knows."""
_CALLS = {"call", "pragma", "set", "use"}
_FUNCTIONS = {
    # It would write what others' statements are looked up by.
    "ducklake_set_commit_message",
    # They may take away what an open transaction is about to commit.
    "ducklake_delete_orphaned_files",
    "ducklake_cleanup_old_files",
    "ducklake_expire_snapshots",
    "set_option",
    # They reach the catalog itself.
    *("postgres_execute", "postgres_query", "sqlite_execute", "sqlite_query", "sqlite_attach"),
}
_PLACES = {"attach", "detach"}
_EVERYTHING = "cleanup_all"
_SUSPECT = (_OWN, _EVERYTHING, *_PLACES, *_FUNCTIONS)


def check(sql: str, words_of: Callable[[str], Sequence[str]], catalog: str) -> None:
    """Refuse a change that breaks the lake.

    Args:
        words_of: the words of a text, lower case, without literals.
        catalog: the lake's name.

    Raises:
        InvalidArgument: says what to do instead; nothing was run.
    """
    text = sql.lower()
    if not any(suspect in text for suspect in _SUSPECT):
        return
    words = [word.strip('"') for word in words_of(sql)]
    if any(word.startswith(_OWN) for word in words) or (words[0] in _CALLS and _OWN in text):
        raise InvalidArgument(
            "the lake's own catalog is written by the lake alone; nothing was run: change its "
            "tables with SQL"
        )
    if _EVERYTHING in words:
        raise InvalidArgument(
            "cleanup_all takes away files that others still read or write; nothing was run: leave "
            "it out, and only what is old enough is taken away"
        )
    if words[0] == "call" and not _FUNCTIONS.isdisjoint(words):
        raise InvalidArgument(
            f"{', '.join(_FUNCTIONS.intersection(words))} may break the lake for others and is not "
            "served; nothing was run"
        )
    if words[0] in _PLACES and catalog in words:
        raise InvalidArgument(
            "the lake is attached for as long as the node runs; nothing was run: give --lake when "
            "the node is started"
        )
