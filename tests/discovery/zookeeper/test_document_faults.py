"""Compare-and-set keeps its word while a real ZooKeeper is killed again and again."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest

from flightkeeper.discovery.documents import Document, DocumentChanged
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.registry import Registry, open_registry
from tests.support.zookeeper_server import ZooKeeperEnsemble, ZooKeeperServer

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
                number = 0 if found is None else int(found.data.split()[0])
                # With a mark of its own; two writers may count as far.
                data = f"{number + 1} {uuid4()}".encode()
                written = registry.write_document(NAME, data, version, own=True)
            except DocumentChanged:
                self.refused += 1
            except RegistryUnavailable:
                self.unknown += 1
            else:
                self.written.append(written)
                seen = written.version
                done += 1


def test_no_write_is_lost_or_done_twice(tmp_path: Path) -> None:
    with ZooKeeperServer(tmp_path / "zookeeper") as server:

        def hurt(kills: int) -> None:
            del kills
            server.kill()
            server.start()

        check_counting(server.url, hurt, kills_max=20)


def test_nor_while_the_servers_of_an_ensemble_die_and_return(tmp_path: Path) -> None:
    with ZooKeeperEnsemble(tmp_path / "ensemble") as ensemble:

        def hurt(kills: int) -> None:
            one, other, _ = ensemble.servers[kills % 3 :] + ensemble.servers[: kills % 3]
            one.kill()
            if kills % 4 == 3:  # no quorum for a moment
                other.kill()
                time.sleep(0.5)
                other.start()
            one.start()
            one.wait_ready()

        check_counting(ensemble.url, hurt, kills_max=8)


def check_counting(url: str, hurt: Callable[[int], None], kills_max: int) -> None:
    """Count with several writers while servers are hurt, and check what each was told."""
    history = History()
    with ExitStack() as stack:
        registries = [stack.enter_context(closing(open_registry(url))) for _ in range(WRITERS)]
        writers = [threading.Thread(target=history.count_up, args=(one,)) for one in registries]
        for writer in writers:
            writer.start()
        kills = 0
        while any(writer.is_alive() for writer in writers) and kills < kills_max:
            writers[0].join(0.4)
            hurt(kills)
            kills += 1
        for writer in writers:
            writer.join(240)
        last = stack.enter_context(closing(open_registry(url))).read_document(NAME, 30)
    _measured.info(
        "%d writes in spite of %d kills; %d refused, %d of unknown outcome",
        len(history.written), kills, history.refused, history.unknown,
    )  # fmt: skip
    assert len(history.written) == WRITERS * WRITES
    # Each write stands on the one before it, so each number is one more than its version.
    versions = [document.version for document in history.written]
    assert len(set(versions)) == len(versions)
    assert all(_number(document) == document.version + 1 for document in history.written)
    assert last is not None
    assert _number(last) == last.version + 1
    assert len(versions) <= _number(last) <= len(versions) + history.unknown


def _number(document: Document) -> int:
    return int(document.data.split()[0])
