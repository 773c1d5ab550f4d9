"""Compare-and-set keeps its word while a real ZooKeeper is killed again and again."""

import logging
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from flightkeeper.discovery.documents import Document, DocumentChanged
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.registry import Registry, open_registry
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.zookeeper, pytest.mark.slow]

NAME = "settings/counter"
WRITERS = 4
WRITES = 250

_measured = logging.getLogger("measured")


class History:
    """What writers were told, in the order of each."""

    def __init__(self) -> None:
        self.written: list[Document] = []
        self.unknown = 0
        self.refused = 0

    def count_up(self, registry: Registry) -> None:
        """Add one to the number in the document, so many times with a known outcome."""
        done = 0
        seen = -1
        while done < WRITES:
            try:
                found = registry.read_document(NAME)
                version = None if found is None else found.version
                # Reads of one session never go back.
                assert seen <= (-1 if version is None else version)
                number = 0 if found is None else int(found.data)
                written = registry.write_document(NAME, b"%d" % (number + 1), version)
            except DocumentChanged:
                self.refused += 1
            except RegistryUnavailable:
                self.unknown += 1
            else:
                self.written.append(written)
                seen = written.version
                done += 1


def test_no_write_is_lost_or_done_twice(tmp_path: Path) -> None:
    history = History()
    with ZooKeeperServer(tmp_path / "zookeeper") as server, ExitStack() as stack:
        writers = [
            threading.Thread(
                target=history.count_up,
                args=(stack.enter_context(closing(open_registry(server.url))),),
            )
            for _ in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        kills = 0
        while any(writer.is_alive() for writer in writers) and kills < 20:
            writers[0].join(0.4)
            server.kill()
            server.start()
            kills += 1
        for writer in writers:
            writer.join(120)
        reader = stack.enter_context(closing(open_registry(server.url)))
        last = reader.read_document(NAME)
    _measured.info(
        "%d writes in spite of %d kills; %d refused, %d of unknown outcome",
        len(history.written), kills, history.refused, history.unknown,
    )  # fmt: skip
    assert len(history.written) == WRITERS * WRITES
    # Each write stands on the one before it, so each number is one more than its version.
    versions = [document.version for document in history.written]
    assert len(set(versions)) == len(versions)
    assert all(int(document.data) == document.version + 1 for document in history.written)
    assert last is not None
    assert int(last.data) == last.version + 1
    assert len(versions) <= int(last.data) <= len(versions) + history.unknown
