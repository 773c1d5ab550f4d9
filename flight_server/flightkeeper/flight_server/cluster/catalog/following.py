"""A node follows the catalog of its cluster: one thread, from what is told to what the engine has.

Owns the thread `flightkeeper-catalog` and what was told last. While the registry is away what was
made stays. What cannot be made is tried again now and then, and keeps nothing else from being made.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from flightkeeper.discovery.catalog import changing, log
from flightkeeper.discovery.catalog.changing import PagesChanged
from flightkeeper.discovery.catalog.definition import (
    FOLDER,
    Definition,
    MalformedDefinition,
    Table,
)
from flightkeeper.discovery.catalog.partitions import (
    Partition,
    digest,
    page_document,
    unpaged,
)
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.registry import Registry, Watch
from flightkeeper.flight_server.cluster.catalog import ddl
from flightkeeper.flight_server.cluster.catalog.reconciling import Wanted, steps, wanted
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects, Declared
from flightkeeper.flight_server.errors import NodeError

_LOOK_S = 5.0
"""How often it looks whether all is there that should be, and tries again what is not."""
_APPLIED_WITHIN_S = 60.0
"""A catalog of thousands of tables takes seconds to make."""
_END_S = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Followed:
    """How far a node has followed.

    Attributes:
        revision: the catalog's last one of which all is decided here; -1 = nothing was told yet.
        problems: why objects are not there as they are defined, by their names.
    """

    revision: int = -1
    problems: Mapping[str, str] = field(default_factory=dict)


_News = tuple[str, Mapping[str, Document] | Document | None]


class CatalogFollowing:
    """Keeps a node's objects true to the registry. `start` once, then `close`."""

    def __init__(
        self,
        registry: Registry,
        objects: ClusterObjects,
        decided: Callable[[Followed], None],
    ) -> None:
        """Follow nothing yet.

        Args:
            decided: told on the thread of how far it has come, whenever that is something new.
        """
        self._registry = registry
        self._objects = objects
        self._decided = decided
        self._news: queue.SimpleQueue[_News | None] = queue.SimpleQueue()
        self._documents: Mapping[str, Document] | None = None
        self._log: Document | None = None
        self._log_told = False
        self._wanted: Mapping[str, Wanted] = {}
        self._held: dict[str, Definition] = {}
        self._pages: dict[str, Mapping[str, bytes]] = {}
        self._problems: dict[str, str] = {}
        self._told = Followed()
        self._heard = threading.Event()
        self._first = threading.Event()
        self._closed = threading.Event()
        self._watches: list[Watch] = []
        self._thread = threading.Thread(target=self._run, name="flightkeeper-catalog", daemon=True)

    def start(self, timeout_s: float) -> bool:
        """Begin; whether what the registry says is there already. False: it did not answer yet."""
        self._thread.start()
        self._watches = [
            self._registry.watch_documents(FOLDER, lambda all_: self._news.put((FOLDER, all_))),
            self._registry.watch_document(
                log.DOCUMENT, lambda found: self._news.put((log.DOCUMENT, found))
            ),
        ]
        return self._heard.wait(timeout_s) and self._first.wait(_APPLIED_WITHIN_S)

    def close(self) -> None:
        """Follow no more. Idempotent, bounded."""
        self._closed.set()
        for watch in self._watches:
            watch.close()
        self._watches = []
        self._news.put(None)
        if self._thread.is_alive():
            self._thread.join(_END_S)

    @property
    def definitions(self) -> Mapping[tuple[str, str], Definition]:
        """What the engine has of the cluster, by the keys of the names."""
        return {definition.name.key: definition for definition in list(self._held.values())}

    @property
    def wanted(self) -> Sequence[Definition]:
        """What the cluster defines, whether the engine has it or not."""
        found = (want.definition for want in self._wanted.values())
        return [definition for definition in found if definition is not None]

    def _run(self) -> None:
        while self._hear():
            if self._documents is None or not self._log_told:
                continue
            self._heard.set()
            try:
                self._follow(self._documents)
            except Exception as exc:  # noqa: BLE001 - the next change is followed, whatever this one is
                _log.error("defect", exc_info=exc)
                self._problems["catalog"] = "following it met a defect; the log has the details"
            self._tell()
            self._first.set()

    def _hear(self) -> bool:
        """Take up all that is told, or wait for a while; False at the end."""
        news: list[_News | None] = []
        try:
            news.append(self._news.get(timeout=_LOOK_S))
            while True:
                news.append(self._news.get_nowait())
        except queue.Empty:
            pass
        for new in news:
            if new is None:
                return False
            self._take(*new)
        return not self._closed.is_set()

    def _take(self, name: str, found: Mapping[str, Document] | Document | None) -> None:
        if isinstance(found, Mapping):
            self._documents = found
        elif name == log.DOCUMENT:
            self._log, self._log_told = found, True

    def _follow(self, documents: Mapping[str, Document]) -> None:
        self._problems = {}
        self._wanted = wanted(documents, self._wanted)
        for want in self._wanted.values():
            if want.problem:
                self._problems[want.name] = want.problem
        with self._noted("catalog"):
            self._miss()
        todo = steps(self._held, self._wanted.values())
        for definition in todo.drops:
            with self._noted(str(definition.name)):
                self._drop(definition)
        self._make_all(list(todo.makes))
        self._declare()

    def _miss(self) -> None:
        """Forget what somebody has taken away meanwhile, so that it is made again."""
        there = self._objects.there()
        for document, definition in list(self._held.items()):
            if definition.name.key not in there:
                _log.warning("an object of the cluster was gone", name=str(definition.name))
                del self._held[document]

    def _make_all(self, makes: list[Wanted]) -> None:
        """Make objects; those that failed once more, as long as others they may need were made."""
        while makes and not self._closed.is_set():
            failed: dict[str, str] = {}
            for want in makes:
                try:
                    self._make(want)
                except (NodeError, RegistryError, ValueError) as exc:
                    failed[want.document] = str(exc).partition("\n")[0]
            left = [want for want in makes if want.document in failed]
            if len(left) == len(makes):
                self._problems |= {want.name: failed[want.document] for want in left}
                return
            makes = left

    def _make(self, want: Wanted) -> None:
        definition = want.definition
        assert definition is not None
        partitions: tuple[Partition, ...] = ()
        if isinstance(definition.body, Table):
            pages = self._read_pages(want.document, definition, definition.body)
            partitions = unpaged(pages.values())
            self._pages[want.document] = pages
        self._objects.apply([*ddl.makes(definition, partitions, self._objects.catalog)])
        self._held[want.document] = definition
        _log.info("made an object of the cluster", name=str(definition.name))

    def _read_pages(
        self, document: str, definition: Definition, table: Table
    ) -> Mapping[str, bytes]:
        """The pages of a table by their digests; those that were read before are not read again."""
        known = self._pages.get(document, {})
        return {
            page.digest: known[page.digest]
            if page.digest in known
            else self._read_page(page_document(definition.name, page.slot), page.digest)
            for page in table.pages
        }

    def _read_page(self, name: str, expected: str) -> bytes:
        found = self._registry.read_document(name)
        if found is None or digest(found.data) != expected:
            raise PagesChanged("its partitions are those of a newer definition")
        return found.data

    def _drop(self, definition: Definition) -> None:
        assert definition.kind is not None
        self._objects.apply([*ddl.drops(definition.kind, definition.name, self._objects.catalog)])
        document = definition.name.document
        self._held.pop(document, None)
        self._pages.pop(document, None)
        _log.info("dropped an object of the cluster", name=str(definition.name))

    def _declare(self) -> None:
        tables = (d for d in self._held.values() if isinstance(d.body, Table))
        place = self._objects.catalog
        self._objects.declared = Declared(
            {
                (place, d.name.schema, d.name.name): d.body.primary_key
                for d in tables
                if isinstance(d.body, Table)
            }
        )

    def _tell(self) -> None:
        try:
            changes = changing.log_of(self._log)
        except MalformedDefinition as exc:
            changes = ()
            self._problems["catalog"] = str(exc)
        versions = {name: want.source.version for name, want in self._wanted.items()}
        told = Followed(log.reached(changes, versions), dict(sorted(self._problems.items())))
        if told != self._told:
            self._told = told
            if told.problems:
                _log.warning("the cluster's catalog cannot be followed", problems=told.problems)
            self._decided(told)

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        try:
            yield
        except NodeError as exc:
            self._problems[what] = str(exc).partition("\n")[0]
