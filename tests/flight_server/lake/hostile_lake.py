"""A node with a lake and accounts, with canaries in all places that nobody is to reach.

Statements are data, in `hostile/*.sql`: a line is a verdict for each of `ROLES` and a text.
"""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import flight

from tests.flight_server.cluster.granted import Granted, granted
from tests.flight_server.wire_client import WireClient

CANARY = "canary-"
ROLES = ("reader", "writer", "owner", "root")
_FOLDER = Path(__file__).parent / "hostile"
_FILE_ROWS = 50
"""More than the lake keeps in its catalog."""

SETUP = f"""
CREATE TABLE open_data AS SELECT 1 AS id, 'one' AS name;
CREATE TABLE entry (id INT, word VARCHAR);
CREATE TABLE secret AS SELECT i AS id, '{CANARY}lake' AS word FROM range({_FILE_ROWS}) t(i);
INSERT INTO secret VALUES (1, '{CANARY}inlined');
CREATE SCHEMA own;
CREATE VIEW words AS SELECT word FROM secret;
CREATE MACRO peek() AS (SELECT max(word) FROM secret);
CREATE MACRO all_secrets() AS TABLE SELECT * FROM secret;
CREATE MACRO memory.main.current_snapshot() AS TABLE SELECT word FROM lake.main.secret;
CREATE TABLE memory.main.own_secret AS SELECT '{CANARY}own' AS word;
SET VARIABLE x = '__ducklake_metadata_lake'
"""
FILES = """
COPY (SELECT '{canary}csv' AS word) TO '{home}/canary.csv';
COPY (SELECT '{canary}json' AS word) TO '{home}/canary.json';
COPY (SELECT '{canary}parquet' AS word) TO '{home}/canary.parquet';
ATTACH '{home}/canary.duckdb' AS canary;
CREATE TABLE canary.canary AS SELECT '{canary}duckdb' AS word;
DETACH canary
"""
GRANTS = (
    "SELECT ON lake.main.open_data TO reader",
    "INSERT, UPDATE ON lake.main.entry TO writer",
    "SELECT ON lake.main.open_data TO owner",
    "ALL ON SCHEMA lake.own TO owner",
)

# SQL must not reach the objects of the node's own process.
canary_table = pa.table({"word": [f"{CANARY}global"]})
canary_reader = pa.RecordBatchReader.from_batches(canary_table.schema, canary_table.to_batches())

_LETTERS = (
    (flight.FlightUnauthorizedError, "D"),
    (pa.ArrowInvalid, "I"),
    (pa.ArrowNotImplementedError, "N"),
    (KeyError, "K"),
    (flight.FlightError, "F"),
    (pa.ArrowException, "F"),
)
"""The verdicts by what a client sees: Denied, Invalid, Not served, no such Key, Failed."""
_DUMP = """
import sqlite3, sys
catalog = sqlite3.connect(sys.argv[1])
for name, sql in catalog.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall():
    print(name, sql)
    if (sql or "").startswith("CREATE TABLE"):
        print(sorted(catalog.execute(f'SELECT * FROM "{name}"'), key=repr))
"""
RUNS, NOT_TRIED = "+", "~"
HARMLESS = "harmless"
"""The kind of what only looks hostile."""
_LEAVES = re.compile(r"\b(?:USE|SET|BEGIN)\b")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A text, and what becomes of it for each role.

    Attributes:
        verdicts: one letter a role: it runs, is not tried, or which kind of error it is.
    """

    verdicts: str
    text: str

    def verdict(self, role: str) -> str:
        return self.verdicts[ROLES.index(role)]


@dataclass(frozen=True, slots=True)
class Hostile:
    """The node, and what must not change."""

    home: Path
    made: Granted

    def text(self, attempt: Attempt) -> str:
        return attempt.text.replace("{home}", str(self.home)).replace("{name}", self.home.name)

    def untouched(self) -> str:
        """The lake's catalog with its ledger, row by row, and all files, byte by byte."""
        return repr((_catalog_rows(self.home / "lake.sqlite"), _file_sums(self.home)))


def attempts(kind: str = "") -> Iterator[Attempt]:
    """The texts of a kind; of all that are hostile by default."""
    for file in sorted(_FOLDER.glob("*.sql")):
        if kind == file.stem or (not kind and file.stem != HARMLESS):
            for line in file.read_text().splitlines():
                if not line.startswith("--"):
                    verdicts, _, text = line.partition(" ")
                    yield Attempt(verdicts, _unescaped(text))


def _unescaped(text: str) -> str:
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape")


def tried(client: WireClient, text: str) -> tuple[str, str]:
    """The letter of what became of a text, and all that its user gets to see."""
    canary_local = canary_table
    assert canary_local.num_rows == 1
    try:
        return RUNS, str(client.query(text).to_pydict())
    except tuple(kind for kind, _ in _LETTERS) as exc:
        return next(letter for kind, letter in _LETTERS if isinstance(exc, kind)), str(exc)


def settle(client: WireClient, left: str) -> None:
    """Leave nothing of a text behind in its session."""
    if _LEAVES.search(left) is None:
        return
    for text in ("ROLLBACK", "USE lake"):
        with suppress(flight.FlightError, pa.ArrowException):
            client.update(text)


@contextmanager
def hostile(home: Path, **settings: Any) -> Iterator[Hostile]:
    """A node with its canaries, and a user for each role."""
    (home / "link").symlink_to(home / "lake.sqlite")
    with closing(sqlite3.connect(home / "canary.sqlite")) as made:
        made.executescript(f"CREATE TABLE canary AS SELECT '{CANARY}sqlite' AS word")
    (home / "schema.sql").write_text(f"SELECT '{CANARY}import'; {CANARY}import")
    os.environ["HOSTILE_CANARY"] = f"{CANARY}environment"
    lake = {"lake": f"ducklake:sqlite:{home}/lake.sqlite"}
    with granted(f"dir://{home}/registry", *ROLES[:-1], **{**lake, **settings}) as made_node:
        made_node.root.update(SETUP)
        made_node.root.update(FILES.format(home=home, canary=CANARY))
        for grant in GRANTS:
            made_node.root.update(f"GRANT {grant}")
        yield Hostile(home, made_node)


def _catalog_rows(path: Path) -> str:
    """All rows of SQLite's file, by a process of its own.

    A file that this process opens and closes loses the locks that the engine's SQLite has on it.
    """
    asked = [sys.executable, "-c", _DUMP, str(path)]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout


def _file_sums(home: Path) -> Sequence[object]:
    """What is in the files, but for the catalog's own."""
    return sorted(
        (str(path), sha256(path.read_bytes()).hexdigest())
        for path in home.rglob("*")
        if path.is_file() and not path.is_symlink() and not path.match("lake.sqlite*")
        if "registry" not in path.relative_to(home).parts
    )
