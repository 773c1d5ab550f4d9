"""Shared documents: what every registry must do with them, the fake included."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from flightkeeper.discovery.documents import (
    DOCUMENT_BYTES_MAX,
    Document,
    DocumentChanged,
    DocumentTooBig,
    compare_and_set,
)
from flightkeeper.discovery.errors import InvalidName, OutcomeUnknown, RegistryUnavailable
from flightkeeper.discovery.registry import Registry
from tests.discovery.backends import Backend
from tests.discovery.process import Process
from tests.discovery.recorder import eventually

NAME = "settings/cluster"


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.told: list[Document | None] = []

    def __call__(self, document: Document | None) -> None:
        self.told.append(document)

    def wait_for(self, document: Document | None) -> None:
        """Wait until this is what was told last."""
        eventually(lambda: bool(self.told) and self.told[-1] == document, 10)


def test_a_document_is_made_once_and_replaced_by_who_has_seen_it(backend: Backend) -> None:
    one, two = backend.open(), backend.open()
    assert one.read_document(NAME) is None
    first = one.write_document(NAME, b"a", None)
    assert first == Document(b"a", 0) == one.read_document(NAME)
    with pytest.raises(DocumentChanged, match="is at version 0; nothing was written") as refused:
        two.write_document(NAME, b"b", None)
    assert refused.value.found == first
    second = two.write_document(NAME, b"", first.version)
    assert second == Document(b"", 1)
    with pytest.raises(DocumentChanged, match="is at version 1"):
        one.write_document(NAME, b"c", first.version)
    assert one.read_document(NAME) == second
    assert one.read_document("settings/nodes/n1") is None
    with pytest.raises(DocumentChanged, match="does not exist"):
        one.write_document("settings/nodes/n1", b"x", 3)


def test_bytes_are_kept_as_they_are(backend: Backend) -> None:
    registry = backend.open()
    data = bytes(range(256)) * 16 + b"\n7\n\n"
    assert registry.write_document("tables/main/t", data, None).data == data
    found = registry.read_document("tables/main/t")
    assert found is not None
    assert found.data == data


def test_a_document_has_its_limits(backend: Backend) -> None:
    registry = backend.open()
    with pytest.raises(DocumentTooBig, match=f"{DOCUMENT_BYTES_MAX + 1} bytes.*is the limit"):
        registry.write_document(NAME, bytes(DOCUMENT_BYTES_MAX + 1), None)
    assert registry.read_document(NAME) is None
    registry.write_document(NAME, bytes(DOCUMENT_BYTES_MAX), None)
    for name in ("", "/", "a//b", "../a", "a/.b", "a/", "locks/etl", "keys/cluster"):
        for ask in (
            lambda name=name: registry.read_document(name),
            lambda name=name: registry.write_document(name, b"", None),
            lambda name=name: registry.watch_document(name, lambda _: None),
        ):
            with pytest.raises(InvalidName):
                ask()


def test_a_listener_hears_what_is_and_what_comes(backend: Backend) -> None:
    writer, heard, other = backend.open(), Heard(), Heard()
    watch = backend.open().watch_document(NAME, heard)
    backend.open().watch_document("settings/other", other)
    heard.wait_for(None)
    document = writer.write_document(NAME, b"a", None)
    heard.wait_for(document)
    late = Heard()
    backend.open().watch_document(NAME, late)
    late.wait_for(document)
    for number in range(20):
        document = writer.write_document(NAME, b"%d" % number, document.version)
    heard.wait_for(document)
    late.wait_for(document)
    watch.close()
    last = writer.write_document(NAME, b"last", document.version)
    late.wait_for(last)
    assert heard.told[-1] == document
    other.wait_for(None)
    versions = [told.version for told in late.told if told is not None]
    assert versions == sorted(set(versions)), "never the same twice, never one before another"


def test_a_listener_hears_of_all_documents_below_a_folder(backend: Backend) -> None:
    writer = backend.open()
    told: list[dict[str, bytes]] = []
    watch = backend.open().watch_documents(
        "tables", lambda found: told.append({name: d.data for name, d in found.items()})
    )
    eventually(lambda: told == [{}], 10)
    writer.write_document("tables/geo/countries", b"a", None)
    writer.write_document("tables/geo/cities", b"b", None)
    writer.write_document("tables/t", b"c", None)
    writer.write_document("settings/cluster", b"d", None)
    whole = {"tables/geo/countries": b"a", "tables/geo/cities": b"b", "tables/t": b"c"}
    eventually(lambda: told[-1] == whole, 10)
    writer.write_document("tables/geo/cities", b"", 0)
    eventually(lambda: told[-1] == {"tables/geo/countries": b"a", "tables/t": b"c"}, 10)
    assert writer.write_document("tables/geo/cities", b"e", 1).version == 2
    eventually(lambda: told[-1] == whole | {"tables/geo/cities": b"e"}, 10)
    watch.close()
    late: list[int] = []
    backend.open().watch_documents("tables/geo", lambda found: late.append(len(found)))
    eventually(lambda: late == [2], 10)
    with pytest.raises(InvalidName):
        writer.watch_documents("keys", lambda _: None)


def test_documents_for_nodes_only_are_documents_beside_what_was_agreed_on(
    backend: Backend,
) -> None:
    writer, reader = backend.open(), backend.open()
    assert writer.agree("cluster", b"agreed") == b"agreed"
    told: list[dict[str, bytes]] = []
    reader.watch_documents(
        "keys/tokens", lambda found: told.append({name: d.data for name, d in found.items()})
    )
    eventually(lambda: told == [{}], 10)
    first = writer.write_document("keys/tokens/ring", b"a", None)
    assert reader.read_document("keys/tokens/ring") == first == Document(b"a", 0)
    with pytest.raises(DocumentChanged):
        reader.write_document("keys/tokens/ring", b"b", None)
    reader.write_document("keys/tokens/ring", b"b", 0)
    eventually(lambda: told[-1] == {"keys/tokens/ring": b"b"}, 10)
    assert reader.agree("cluster", b"late") == b"agreed"


def test_writers_never_overwrite_each_other(backend: Backend) -> None:
    registries = [backend.open() for _ in range(4)]
    written: list[Document] = []
    threads = [
        threading.Thread(target=count_up, args=(registry, 25, written.append))
        for registry in registries
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(document.version for document in written) == list(range(100))
    assert all(int(document.data) == document.version + 1 for document in written)


def count_up(registry: Registry, times: int, note: Callable[[Document], None]) -> None:
    """Add one to the number in a document, so many times."""
    while times:
        found = registry.read_document(NAME)
        number, version = (0, None) if found is None else (int(found.data), found.version)
        with suppress(DocumentChanged):
            note(registry.write_document(NAME, b"%d" % (number + 1), version))
            times -= 1


def test_processes_never_overwrite_each_other(shared_backend: Backend) -> None:
    processes = [Process("count", shared_backend.url, NAME, "20") for _ in range(3)]
    try:
        for process in processes:
            process.say_go()
        assert {process.line() for process in processes} == {"counted"}
    finally:
        for process in processes:
            process.kill()
    assert shared_backend.open().read_document(NAME) == Document(b"60", 59)


def test_a_closed_registry_answers_nothing(backend: Backend) -> None:
    registry = backend.open()
    registry.close()
    with pytest.raises(RegistryUnavailable):
        registry.read_document(NAME, 0.2)
    with pytest.raises(RegistryUnavailable):
        registry.write_document(NAME, b"", None, 0.2)


class Scripted:
    """A place whose answers are lines of a script."""

    def __init__(self, *found: Document | None, writes: bool = True) -> None:
        self._found = list(found)
        self._writes = writes
        self.written: list[bytes] = []

    def read(self) -> Document | None:
        return self._found.pop(0)

    def create(self, data: bytes) -> bool:
        return self.replace(data, -1)

    def replace(self, data: bytes, version: int) -> bool:
        del version
        self.written.append(data)
        return self._writes


def test_an_own_write_is_recognised_after_a_lost_answer() -> None:
    place = Scripted(Document(b"mine", 4))
    written = compare_and_set(place, NAME, b"mine", 3, sent=True, own=True)
    assert written == Document(b"mine", 4)
    assert not place.written


@pytest.mark.parametrize(
    ("found", "own"), [(Document(b"theirs", 5), True), (Document(b"anybody's", 4), False)]
)
def test_what_became_of_a_lost_answer_may_stay_unknown(found: Document, *, own: bool) -> None:
    with pytest.raises(OutcomeUnknown, match="by this write or another one: read it"):
        compare_and_set(Scripted(found), NAME, b"anybody's", 3, sent=True, own=own)


def test_a_write_that_was_not_done_is_done_now() -> None:
    place = Scripted(Document(b"before", 3))
    assert compare_and_set(place, NAME, b"mine", 3, sent=True) == Document(b"mine", 4)
    assert place.written == [b"mine"]


def test_who_was_overtaken_between_look_and_write_is_told() -> None:
    place = Scripted(Document(b"before", 3), Document(b"theirs", 4), writes=False)
    with pytest.raises(DocumentChanged, match="version 4"):
        compare_and_set(place, NAME, b"mine", 3)
