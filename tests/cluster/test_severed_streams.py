"""Connections that end after any byte: a result is complete, or there is an error."""

import logging
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flightkeeper import client
from tests.support.processes import running
from tests.support.relay import Relay, relaying

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(300)]

CUTS = int(os.environ.get("CUTS", "120"))
"""The long run has 1,000."""
SEED = 4
ROWS = 150_000
"""Of 32 bytes: more than the client holds back, so that some cuts come after rows are out."""
_SQL = f"SELECT i, i * 3 AS j, i % 7 AS k, hash(i) AS h FROM range({ROWS}) t(i)"

_measured = logging.getLogger("measured")


@pytest.fixture(scope="module")
def relays() -> Iterator[tuple[Relay, Relay]]:
    """Two ways to one node, which the client takes for two nodes."""
    with ExitStack() as stack:
        flags = ("serve", "--insecure", "--listen", "grpc://127.0.0.1:0")
        location = stack.enter_context(running(*flags)).line()["location"]
        yield stack.enter_context(relaying(location)), stack.enter_context(relaying(location))


def url_of(*relays: Relay) -> str:
    return f"flightsql://{','.join(r.location.partition('://')[2] for r in relays)}?transport=tcp"


def test_no_result_is_ever_short(relays: tuple[Relay, Relay], tmp_path: Path) -> None:
    rng = random.Random(SEED)
    ends: Counter[str] = Counter()
    connection = client.connect(url_of(*relays), cache_dir=tmp_path)
    truth = connection.query(_SQL).read_all()
    size = max(relay.received for relay in relays)
    severed = 0
    while severed < CUTS:
        # A fresh client now and then: one that has seen much fail tries less.
        if severed % 50 == 0:
            connection.close()
            connection = client.connect(url_of(*relays), cache_dir=tmp_path)
        for relay in relays:
            relay.sever_at = None
        relay = rng.choice(relays)
        relay.sever_at = relay.received + rng.randrange(size)
        found = None
        try:
            found = connection.query(_SQL).read_all()
        except client.FlightkeeperError as exc:
            ends[type(exc).__name__] += 1
        if found is not None:
            ends["complete"] += 1
            assert found.equals(truth), f"{found.num_rows} rows after {severed} cuts, seed {SEED}"
        severed = sum(relay.severed for relay in relays)
    connection.close()
    _measured.info("%d cuts in results of %d bytes: %s", severed, size, dict(ends))
    assert set(ends) == {"StreamInterrupted", "complete"}
