"""Who waits for a reference table that another statement is changing can be stopped."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyarrow import flight

from tests.flight_server.wire_client import Served, WireClient, eventually, serving

STOPPED_WITHIN_S = 1.0
"""A quarter of a second is promised; the rest is for a busy machine."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home: Path = tmp_path_factory.mktemp("registry")
    with serving(registry=f"dir://{home}") as served:
        yield served


@contextmanager
def taken(node: Served, name: str) -> Iterator[None]:
    """Another statement of this node is changing a table."""
    member = node.node._member
    assert member is not None
    connection = node.node._database.lend()
    try:
        with member._tables.turn(connection, name, 10):
            yield
    finally:
        node.node._database.take_back(connection)


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO rates VALUES (2)",
        "CREATE OR REPLACE REFERENCE TABLE rates (x INT)",
        "DROP REFERENCE TABLE rates",
    ],
)
def test_who_waits_for_a_turn_is_stopped_at_the_time_limit_and_by_a_kill(
    node: Served, change: str
) -> None:
    with node.client() as here:
        _stopped(node, here, change)


def _stopped(node: Served, here: WireClient, change: str) -> None:
    here.update("CREATE OR REPLACE REFERENCE TABLE rates AS SELECT 1 AS x")
    with taken(node, "main.rates"), node.client() as other:
        other.extra_headers["x-flightkeeper-statement-timeout"] = "200ms"
        began_s = time.monotonic()
        with pytest.raises(flight.FlightTimedOutError, match="time limit of 200 ms"):
            other.update(change)
        assert time.monotonic() - began_s < 0.2 + STOPPED_WITHIN_S
        del other.extra_headers["x-flightkeeper-statement-timeout"]
        failed: list[Exception] = []

        def wait() -> None:
            try:
                other.update(change)
            except flight.FlightCancelledError as exc:
                failed.append(exc)

        waiting = threading.Thread(target=wait)
        waiting.start()
        ours = f"SELECT statement_id FROM system.statements WHERE text LIKE '{change[:4]}%'"
        eventually(lambda: here.query(ours).num_rows == 1)
        began_s = time.monotonic()
        here.query(f"KILL STATEMENT '{here.value(ours)}'")
        waiting.join(10)
        assert time.monotonic() - began_s < STOPPED_WITHIN_S
        assert "was killed by ada" in str(failed[0])
    assert here.query("FROM rates").to_pydict() == {"x": [1]}
