"""Compare-and-set keeps its word while a real ZooKeeper is killed again and again."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from flightkeeper.discovery.documents import DocumentChanged
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.registry import open_registry
from tests.discovery.linearizability import Outcome, Read, Write, violations
from tests.support.network import Network, available
from tests.support.relay import relaying
from tests.support.zookeeper_server import ZooKeeperEnsemble, ZooKeeperServer

pytestmark = [pytest.mark.zookeeper, pytest.mark.slow]

NAME = "settings/counter"
SESSION_S = 6.0
SEED = 20
"""Of what is done to the servers, and when."""
WRITERS = 4
WRITES = 250

_measured = logging.getLogger("measured")


class Writer:
    """One process that counts, and what it was told, in order."""

    def __init__(self, process: int, url: str, over: threading.Event) -> None:
        self._over = over
        self._process = process
        self._registry = open_registry(url, session_timeout_s=SESSION_S)
        self.writes: list[Write] = []
        self.reads: list[Read] = []
        self.thread = threading.Thread(target=self._count)

    def count(self, outcome: Outcome) -> int:
        """How many of its writes ended so."""
        return sum(write.outcome is outcome for write in self.writes)

    def _count(self) -> None:
        """Add one to the number in the document, so many times at least, until it is over."""
        done = 0
        with closing(self._registry):
            while done < WRITES or not self._over.is_set():
                with suppress(RegistryUnavailable):
                    found = self._registry.read_document(NAME)
                    version, data = (-1, b"0") if found is None else (found.version, found.data)
                    self.reads.append(Read(self._process, version, data, time.monotonic()))
                    done += self._write(version, int(data.split()[0])) is Outcome.WRITTEN

    def _write(self, version: int, number: int) -> Outcome:
        # With a mark of its own; two writers may count as far.
        data = f"{number + 1} {uuid4()}".encode()
        began_s = time.monotonic()
        try:
            seen = None if version < 0 else version
            self._registry.write_document(NAME, data, seen, own=True)
            outcome = Outcome.WRITTEN
        except DocumentChanged:
            outcome = Outcome.REFUSED
        except RegistryUnavailable:
            outcome = Outcome.UNKNOWN
        ended_s = time.monotonic()
        self.writes.append(Write(self._process, version, data, outcome, began_s, ended_s))
        return outcome


def test_no_write_is_lost_or_done_twice(tmp_path: Path) -> None:
    with ZooKeeperServer(tmp_path / "zookeeper") as server:

        def hurt(kills: int) -> None:
            del kills
            server.kill()
            server.start()

        check_counting(server.url, hurt, faults=20)


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

        check_counting(ensemble.url, hurt, faults=8)


@pytest.mark.parametrize("kind", ["relays", *["networks"] * available()])
def test_nor_while_members_are_cut_off_frozen_and_killed(tmp_path: Path, kind: str) -> None:
    chance = random.Random(SEED)
    with partitionable(tmp_path, kind) as (ensemble, url, places):

        def hurt(_: int) -> None:
            number = chance.randrange(3)
            server, place = ensemble.servers[number], places[number]
            kinds = (place.cut, place.heal), (server.stop, server.cont), (server.kill, server.start)
            begin, end = kinds[chance.randrange(3)]
            begin()
            # Longer than the others need to elect another leader, and shorter than a session.
            time.sleep(chance.uniform(1, 2.5))
            end()
            server.wait_ready()

        check_counting(url, hurt, faults=8)


class Cut(Protocol):
    """Cuts something off, and puts it back."""

    def cut(self) -> None:
        """Let nothing through."""

    def heal(self) -> None:
        """Let everything through."""


@contextmanager
def partitionable(home: Path, kind: str) -> Iterator[tuple[ZooKeeperEnsemble, str, Sequence[Cut]]]:
    """An ensemble whose members can be cut off: from clients, or as root from all others."""
    if kind == "networks":
        with Network(3) as network, ZooKeeperEnsemble(home, places=network.places) as ensemble:
            yield ensemble, ensemble.url, network.places
        return
    with ExitStack() as stack:
        ensemble = stack.enter_context(ZooKeeperEnsemble(home))
        relays = [stack.enter_context(relaying(server.url)) for server in ensemble.servers]
        hosts = ",".join(relay.location.removeprefix("zk://") for relay in relays)
        yield ensemble, f"zk://{hosts}", relays


def check_counting(url: str, hurt: Callable[[int], None], faults: int) -> None:
    """Count with several writers while servers are hurt, and check what each was told."""
    over = threading.Event()
    writers = [Writer(number, url, over) for number in range(WRITERS)]
    for writer in writers:
        writer.thread.start()
    try:
        for fault in range(faults):
            over.wait(0.4)
            hurt(fault)
    finally:
        over.set()
    for writer in writers:
        writer.thread.join(240)
    with closing(open_registry(url)) as registry:
        last = registry.read_document(NAME, 30)
    writes = [write for writer in writers for write in writer.writes]
    reads = [read for writer in writers for read in writer.reads]
    count = {outcome: sum(w.count(outcome) for w in writers) for outcome in Outcome}
    _measured.info("seed %d: %d faults; %s, %d reads", SEED, faults, count, len(reads))
    assert count[Outcome.WRITTEN] >= WRITERS * WRITES
    assert violations(writes, reads) == []
    # Each write stands on the one before it, so each number is one more than its version.
    assert last is not None
    assert int(last.data.split()[0]) == last.version + 1
    assert count[Outcome.WRITTEN] <= last.version + 1
    assert last.version + 1 <= count[Outcome.WRITTEN] + count[Outcome.UNKNOWN]
