"""Changing settings: all or nothing, and never over somebody else's head."""

import pytest

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import InvalidName, RegistryUnavailable
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.live import changing
from flightkeeper.flight_server.live.changing import CLUSTER, ChangedMeanwhile, node_document
from flightkeeper.flight_server.live.document import (
    EMPTY,
    MalformedSettings,
    SettingsDocument,
    encode,
)
from flightkeeper.flight_server.live.settings import InvalidLiveSettings


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


def put(
    registry: MemoryRegistry, revision: int | None = None, name: str = CLUSTER, **after: object
) -> SettingsDocument:
    return changing.change(registry, name, after, by="ada@x", at_ms=0, revision=revision)


def test_changes_are_kept_with_who_and_when(registry: MemoryRegistry) -> None:
    assert put(registry, threads="4", dialect="hive").revision == 1
    made = put(registry, threads=None, statements_max="9")
    assert made.values == {"dialect": "hive", "statements_max": 9}
    assert changing.read(registry, CLUSTER) == made
    assert [changing.told(change) for change in made.history] == [
        "by ada@x at 1970-01-01 00:00:00 UTC"
    ] * 2
    assert changing.read(registry, node_document("n1")) == SettingsDocument({})
    assert put(registry, statements_max="9") == made, "nothing to change is no change"


def test_an_invalid_change_leaves_all_as_it_was(registry: MemoryRegistry) -> None:
    made = put(registry, threads="4")
    with pytest.raises(InvalidLiveSettings):
        put(registry, threads="0", dialect="hive")
    assert changing.read(registry, CLUSTER) == made


def test_what_is_not_known_here_can_be_removed(registry: MemoryRegistry) -> None:
    later = EMPTY.changed({"of_a_later_version": 1}, "eve", 0)
    registry.write_document(CLUSTER, encode(later), None)
    with pytest.raises(InvalidLiveSettings, match="of_a_later_version is no setting"):
        put(registry, threads=4)
    assert put(registry, of_a_later_version=None, threads=4).values == {"threads": 4}
    with pytest.raises(InvalidLiveSettings, match="listen cannot change"):
        put(registry, listen=None)


def test_who_has_seen_something_else_is_refused(registry: MemoryRegistry) -> None:
    put(registry, threads="4")
    told = "changed meanwhile by ada@x at 1970-.* and are at revision 1; nothing was changed"
    with pytest.raises(ChangedMeanwhile, match=told):
        put(registry, 0, threads="5")
    assert put(registry, 1, threads="5").revision == 2


def test_who_is_overtaken_while_writing_is_refused(
    registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(registry, threads="4")
    other = MemoryRegistry(registry.store)
    read = registry.read_document

    def overtaken(name: str, timeout_s: float = 10.0) -> Document | None:
        found = read(name, timeout_s)
        put(other, threads="8")
        return found

    monkeypatch.setattr(registry, "read_document", overtaken)
    with pytest.raises(ChangedMeanwhile, match="revision 2"):
        put(registry, dialect="hive")
    assert changing.read(other, CLUSTER).values == {"threads": 8}


def test_what_is_no_document_of_settings_is_not_replaced(registry: MemoryRegistry) -> None:
    registry.write_document(CLUSTER, b"mine", None)
    with pytest.raises(MalformedSettings):
        put(registry, threads="4")
    assert registry.read_document(CLUSTER) == Document(b"mine", 0)


def test_without_the_registry_nothing_changes(registry: MemoryRegistry) -> None:
    registry.go_unreachable()
    with pytest.raises(RegistryUnavailable):
        put(registry, threads="4")
    with pytest.raises(InvalidName):
        node_document("../x")
