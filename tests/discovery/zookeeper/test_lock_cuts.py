"""What a lock and a leadership promise when their holder is cut off from ZooKeeper."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.locks import LockKind
from flightkeeper.discovery.registry import open_registry
from tests.discovery.process import Process
from tests.discovery.recorder import eventually
from tests.discovery.zookeeper.test_document_faults import Cut
from tests.support.network import Network, available
from tests.support.relay import relaying
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.zookeeper, pytest.mark.slow]

SESSION_S = 4.0
"""Of the process that is cut off."""
LATE_S = 1.0
"""What a busy machine may add to a clock."""
RESOURCE = "tables/resource"

_measured = logging.getLogger("measured")


@contextmanager
def separable(home: Path, kind: str) -> Iterator[tuple[ZooKeeperServer, str, Sequence[str], Cut]]:
    """A server, how another process comes to it, where that has to run, and what cuts it off."""
    with ExitStack() as stack:
        if kind == "networks":
            network = stack.enter_context(Network(2))
            server = stack.enter_context(ZooKeeperServer(home, place=network.places[0]))
            yield server, server.url, network.places[1].inside, network.places[1]
        else:
            server = stack.enter_context(ZooKeeperServer(home))
            relay = stack.enter_context(relaying(server.url))
            yield server, relay.location, (), relay


@pytest.mark.parametrize("kind", ["relays", *["networks"] * available()])
def test_who_is_cut_off_stops_before_another_begins(tmp_path: Path, kind: str) -> None:
    with (
        separable(tmp_path / "zookeeper", kind) as (server, url, inside, way),
        closing(open_registry(server.url, session_timeout_s=SESSION_S)) as registry,
        ExitStack() as stack,
    ):
        other = Process("cut off", url, "etl", RESOURCE, inside=inside)
        stack.callback(other.kill)
        seen: list[bytes] = []
        watch = registry.watch_document(RESOURCE, lambda found: seen.append(_data(found)))
        stack.callback(watch.close)
        tokens = [int(word) for word in other.line().split()]
        eventually(lambda: b"%d" % tokens[0] in seen, 20)

        way.cut()
        began_s = time.monotonic()
        holds, taken_s = [], []
        for lock in (LockKind.LOCK, LockKind.LEADER):
            holds.append(registry.lock("etl", 30, kind=lock))
            taken_s.append(time.monotonic())
        stopped_s = [float(word) for word in other.line().split()]
        _measured.info(
            "%s: stopped %s s after the cut, taken %s s after it, of a %g s session",
            kind,
            *([round(at_s - began_s, 1) for at_s in each] for each in (stopped_s, taken_s)),
            SESSION_S,
        )
        assert max(stopped_s) - began_s <= SESSION_S * 2 / 3 + LATE_S
        assert all(stop < take for stop, take in zip(stopped_s, taken_s, strict=True))
        assert all(h.token > old for h, old in zip(holds, tokens, strict=True))

        found = registry.read_document(RESOURCE)
        assert found is not None
        mine = registry.write_document(
            RESOURCE, b"%d" % holds[0].token, found.version, guard=holds[0]
        )
        way.heal()
        other.say_go()
        # What was on its way when it was cut off came too late as well.
        assert other.line() == "refused True None"
        assert registry.read_document(RESOURCE) == mine
        for hold in holds:
            hold.release()
        again = [int(word) for word in other.line().split()]
        assert all(new > hold.token for new, hold in zip(again, holds, strict=True))
        accepted = [int(data) for data in seen if data]
        assert accepted == sorted(accepted)
        assert set(accepted) == {tokens[0], holds[0].token}


def _data(found: Document | None) -> bytes:
    return b"" if found is None else found.data
