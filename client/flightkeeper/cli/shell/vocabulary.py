"""The words a person may mean while typing: what there is in the service, and what its SQL knows.

Owns the newest answer, and the thread that asks the service for it, so that typing never waits.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from flightkeeper.client import FlightkeeperError
from flightkeeper.client.metadata import Metadata

CLOSE_TIMEOUT_S = 2.0
_KEYWORDS, _FUNCTIONS = 508, (509, 510, 511, 512)
"""Ids of SqlInfo. Spec: FlightSql.proto, SQL_KEYWORDS to SQL_DATETIME_FUNCTIONS."""


@dataclass(frozen=True, slots=True)
class Words:
    """Names by what they name.

    Attributes:
        schemas: by catalog.
        tables: by schema.
        columns: by table.
    """

    schemas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    functions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


def ask(metadata: Metadata) -> Words:
    """The words of a service now.

    Raises:
        FlightkeeperError: no node answered.
    """
    tables: dict[str, set[str]] = {}
    columns: dict[str, tuple[str, ...]] = {}
    for row in metadata.tables(include_schema=True).to_pylist():
        tables.setdefault(row["db_schema_name"], set()).add(row["table_name"])
        columns[row["table_name"]] = tuple(_names(row["table_schema"]))
    schemas: dict[str, set[str]] = {}
    for row in metadata.schemas().to_pylist():
        schemas.setdefault(row["catalog_name"], set()).add(row["db_schema_name"])
    told = metadata.sql_info(_KEYWORDS, *_FUNCTIONS).to_pylist()
    listed = {row["info_name"]: row["value"] or () for row in told}
    functions = {name for info in _FUNCTIONS for name in listed.get(info, ())}
    return Words(
        {name: tuple(sorted(held)) for name, held in schemas.items()},
        {name: tuple(sorted(held)) for name, held in tables.items()},
        columns,
        tuple(sorted(functions)),
        tuple(sorted(listed.get(_KEYWORDS, ()))),
    )


def _names(message: Any) -> list[str]:
    return pa.ipc.read_schema(pa.py_buffer(message)).names


class Vocabulary:
    """The newest words, asked for in the background. `refresh` and `words` are thread-safe."""

    def __init__(self, source: Callable[[], Words]) -> None:
        self.words = Words()
        self._source = source
        self._wanted = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="flightkeeper-words", daemon=True)
        self._thread.start()

    def refresh(self) -> None:
        """Ask again soon; returns at once."""
        self._wanted.set()

    def close(self) -> None:
        """End the thread; a question that is under way is waited for within a bound. Idempotent."""
        self._closed = True
        self._wanted.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closed:
                return
            # Old words are better than none.
            with suppress(FlightkeeperError):
                self.words = self._source()
