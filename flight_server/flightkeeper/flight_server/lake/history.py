"""The versions of a lake, as rows of `system.snapshots`: who made each, and what it changed."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.system.collecting import Provider

VERSIONS_MAX = 10_000
"""The newest of them are shown."""


def providers(database: Database) -> Mapping[str, Provider]:
    """What has the rows, by table; nothing where there is no lake."""
    return {"snapshots": lambda: _rows(database)} if database.lake else {}


def _rows(database: Database) -> list[tuple[object, ...]]:
    with database.lent() as connection:
        names = lake.table_names(connection)
        found = lake.versions(connection, VERSIONS_MAX)
    return [
        (author, version, at_us, changed(changes, names), statements(info), message)
        for version, at_us, author, changes, info, message in found
    ]


def changed(changes: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> str:
    """What a version changed, for a person: `inserted into main.t; created main.u`.

    Args:
        changes: by the kind of change, names, or ids of tables.
        names: of tables, by their ids.
    """
    told = []
    for kind, things in changes.items():
        known = ", ".join(names.get(thing, thing) for thing in things)
        told.append(f"{_WORDS.get(kind, kind.replace('_', ' '))} {known}")
    return "; ".join(told)


def statements(info: str | None) -> int | None:
    """How many statements a commit carries; None = it does not say."""
    with suppress(ValueError, TypeError):
        carried = json.loads(info or "")
        if isinstance(carried, list):
            return len(carried)
    return None


_WORDS = {
    "inlined_delete": "deleted from",
    "inlined_insert": "inserted into",
    "merge_adjacent": "merged files of",
    "rewrite_delete": "rewrote files of",
    "schemas_created": "created schema",
    "schemas_dropped": "dropped schema",
    "tables_altered": "altered",
    "tables_created": "created",
    "tables_deleted_from": "deleted from",
    "tables_dropped": "dropped",
    "tables_inserted_into": "inserted into",
    "views_altered": "altered view",
    "views_created": "created view",
    "views_dropped": "dropped view",
}
"""What DuckLake calls a change, in words."""
