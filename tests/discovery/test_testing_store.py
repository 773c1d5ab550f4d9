"""What the registries in memory share."""

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.discovery.testing_store import MemoryStore


def test_news_come_in_order_though_listeners_write() -> None:
    store = MemoryStore()
    registry = MemoryRegistry(store)
    told: list[Document | None] = []

    def once_more(found: Document | None) -> None:
        told.append(found)
        if found is not None and found.version < 3:
            registry.write_document("a/b", b"x", found.version)

    registry.watch_document("a/b", once_more)
    registry.write_document("a/b", b"x", None)
    assert told == [None, *(Document(b"x", version) for version in range(4))]
    registry.close()
