"""A version of a lake as a value: in tickets and out of them, and what is said without it."""

import pytest

from flightkeeper.flight_server.errors import Cancelled, EngineFailed, InvalidArgument, NotFound
from flightkeeper.flight_server.lake.snapshot import (
    Snapshot,
    cannot_tell,
    check_lake,
    failed,
    note,
    noted,
)
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement

PLANNED = Snapshot("a1", 12)
ASKED = Snapshot("a1", 12, asked=True)


@pytest.mark.parametrize("snapshot", [None, PLANNED, ASKED, Snapshot("a1", 0)])
def test_a_ticket_gives_back_what_it_was_told(snapshot: Snapshot | None) -> None:
    body = Statement(query="FROM t")
    note(body, PLANNED)
    note(body, snapshot)
    assert noted(Statement.FromString(body.SerializeToString())) == snapshot


def test_another_lake_is_refused() -> None:
    check_lake(PLANNED, "a1")
    for lake in ("", "b2"):
        with pytest.raises(NotFound, match="does not have"):
            check_lake(PLANNED, lake)


def test_who_planned_runs_it_again_and_who_asked_is_told_why() -> None:
    gone = InvalidArgument("Invalid Input Error: No snapshot found at version 12")
    for error in (failed(PLANNED, gone), cannot_tell(PLANNED)):
        assert isinstance(error, NotFound)
        assert "run the statement again" in str(error)
    for error in (failed(ASKED, gone), cannot_tell(ASKED)):
        assert isinstance(error, InvalidArgument)
        assert "nothing was run" in str(error)
    assert "no longer kept" in str(failed(PLANNED, gone))
    assert "version 12" in str(failed(ASKED, gone))


def test_other_errors_stay_what_they_are() -> None:
    for error in (Cancelled("stopped"), EngineFailed("the disk")):
        assert failed(PLANNED, error) is error
    assert "no such column" in str(failed(PLANNED, InvalidArgument("no such column")))
