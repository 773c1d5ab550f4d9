"""The lake's ledger: which statements have been applied, kept by the commits that applied them.

Theory. A write that loses its node may have been applied or not, and nobody can tell from outside.
So each commit of the lake carries the ids of the statements in it, and a trigger in the lake's
catalog writes them into a table whose key they are: in the very transaction that commits. A second
commit of the same id fails, also when both are on their way; whoever asks later finds the first.

Pure: what stands in a commit, and what the table says of a statement.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from flightkeeper.flight_server.lake.triggers import made_in_postgres, made_in_sqlite

_KEY_BYTES = 16
NOT_APPLIED = -1
"""Rows of an id that was settled as not applied: no commit may carry it any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement in the ledger.

    Attributes:
        key: of the id that its caller gave it; nobody else can have the same.
        text: a hash of what was run, so that an id is not taken for another statement's.
        rows: how many it changed; NOT_APPLIED = it was not, and never will be.
    """

    key: str
    text: str
    rows: int


def key(owner: str, statement_id: str, number: int = 0) -> str:
    """The key of a caller's id.

    Args:
        number: of the change within the statement's text.
    """
    return _hashed(json.dumps([owner, statement_id, number]).encode())


def text_of(source: str, sent: Sequence[Any] = ()) -> str:
    """What tells a statement from another one under the same id.

    Args:
        sent: what came with its text, such as rows of parameters.
    """
    return _hashed(repr((source, list(sent))).encode())


def carried(entries: Iterable[Entry]) -> str:
    """What a commit carries, for the trigger to read."""
    return json.dumps(
        [{"key": entry.key, "text": entry.text, "rows": entry.rows} for entry in entries],
        separators=(",", ":"),
    )


def _hashed(data: bytes) -> str:
    return blake2b(data, digest_size=_KEY_BYTES).hexdigest()


TABLE = "flightkeeper_ledger"
NAME = "lake"
"""The key under which the lake's own name stands."""

_TRIGGER = f"""CREATE TRIGGER {TABLE}_note AFTER INSERT ON ducklake_snapshot_changes
WHEN NEW.commit_extra_info LIKE '[%' AND json_valid(NEW.commit_extra_info) BEGIN
    INSERT INTO {TABLE} (key, text, row_count, snapshot_id, noted_s)
    SELECT value->>'key', value->>'text', value->>'rows', NEW.snapshot_id, unixepoch()
    FROM json_each(NEW.commit_extra_info)
    WHERE json_type(NEW.commit_extra_info, fullkey || '.key') = 'text';
END"""  # noqa: S608 - ours
SQLITE = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS {TABLE} (
    key TEXT PRIMARY KEY, text TEXT, row_count BIGINT, snapshot_id BIGINT,
    noted_s BIGINT
);
DROP TRIGGER IF EXISTS {TABLE}_note;
{_TRIGGER};
INSERT OR IGNORE INTO {TABLE} (key, text, row_count) VALUES ('{NAME}', hex(randomblob(16)), 0);
COMMIT;
"""  # noqa: S608 - ours
"""Makes what is missing. What others' programs let a commit carry is none of its business."""
SQLITE_MADE = made_in_sqlite((_TRIGGER,))
"""Answers a row if all of it has been made, by a node that knew what this one knows."""

_NOTE = f"""
DECLARE told jsonb;
BEGIN
    BEGIN
        told := NEW.commit_extra_info::jsonb;
    EXCEPTION WHEN data_exception THEN
        RETURN NEW;
    END;
    INSERT INTO {TABLE} (key, text, row_count, snapshot_id, noted_s)
    SELECT e->>'key', e->>'text', (e->'rows')::bigint, NEW.snapshot_id,
           extract(epoch FROM now())::bigint
    FROM jsonb_array_elements(told) e
    WHERE jsonb_typeof(e->'key') = 'string' AND jsonb_typeof(e->'rows') = 'number';
    RETURN NEW;
END
"""  # noqa: S608 - ours
POSTGRES = f"""
CREATE TABLE IF NOT EXISTS {TABLE} (
    key TEXT PRIMARY KEY, text TEXT, row_count BIGINT, snapshot_id BIGINT,
    noted_s BIGINT
);
CREATE OR REPLACE FUNCTION {TABLE}_note() RETURNS trigger LANGUAGE plpgsql AS $f${_NOTE}$f$;
CREATE OR REPLACE TRIGGER {TABLE}_note AFTER INSERT ON ducklake_snapshot_changes
FOR EACH ROW WHEN (NEW.commit_extra_info LIKE '[%') EXECUTE FUNCTION {TABLE}_note();
INSERT INTO {TABLE} (key, text, row_count) VALUES ('{NAME}', gen_random_uuid()::text, 0)
ON CONFLICT DO NOTHING;
"""  # noqa: S608 - ours
POSTGRES_MADE = made_in_postgres(TABLE, {("ducklake_snapshot_changes", f"{TABLE}_note"): _NOTE})
"""Answers a row if all of it has been made, by a node that knew what this one knows."""
