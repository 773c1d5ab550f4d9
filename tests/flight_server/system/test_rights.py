"""Who may see and end what."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flight_server.cluster.authorization import EVERYTHING
from flightkeeper.flight_server.system.rights import Rights
from flightkeeper.flight_server.system.tables import TABLES
from tests.flight_server.cluster.granted import Granted, granted
from tests.flight_server.system.callers import caller
from tests.flight_server.system.granting import rights

OWN = {"sessions", "statements", "query_log"}


def test_without_grants_everybody_who_is_logged_in_may() -> None:
    everybody = Rights(EVERYTHING)
    assert everybody.administers(caller())
    assert all(everybody.may_read(caller(), table) for table in TABLES)


def test_with_grants_superusers_may() -> None:
    some = rights("ada")
    assert some.administers(caller("ada"))
    assert not some.administers(caller("bob"))
    assert {table for table in TABLES if some.may_read(caller("bob"), table)} == {"nodes", *OWN}
    rows = pa.table({"principal": ["ada", "bob", None], "n": [1, 2, 3]})
    assert some.seen(caller("ada"), rows) == rows
    assert some.seen(caller("bob"), rows).to_pydict() == {"principal": ["bob"], "n": [2]}
    shared = pa.table({"node_id": ["n1"]})
    assert some.seen(caller("bob"), shared) == shared


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    home: Path = tmp_path_factory.mktemp("registry")
    with granted(f"dir://{home}", "amy") as made:
        yield made


def test_a_user_sees_and_ends_only_what_is_own(cluster: Granted) -> None:
    with cluster.login("amy") as amy:
        assert amy.query("FROM system.nodes").num_rows >= 1
        principals = "SELECT DISTINCT principal FROM system.sessions"
        assert amy.query(principals).column(0).to_pylist() == ["amy"]
        assert len(cluster.root.query(principals)) >= 2
        for table in sorted(set(TABLES) - OWN - {"nodes"}):
            with pytest.raises(
                flight.FlightUnauthorizedError, match=rf"may not read system\.{table}"
            ):
                amy.query(f"FROM system.{table}")
        theirs = cluster.root.value(
            "SELECT session_id FROM system.sessions WHERE principal <> 'amy'"
        )
        killed = amy.query(f"KILL SESSION '{theirs}'").to_pydict()
        assert killed["outcome"] == ["unknown"]
    assert cluster.root.value("SELECT 1") == 1
