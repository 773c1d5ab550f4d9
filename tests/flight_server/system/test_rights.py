"""Who may see and end what."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.discovery.principals.model import Kind
from flightkeeper.flight_server.auth.passwords import hash_password
from flightkeeper.flight_server.cluster.authorization import EVERYTHING
from flightkeeper.flight_server.system.rights import Rights
from flightkeeper.flight_server.system.tables import TABLES
from tests.flight_server.cluster.granted import PASSWORD, Granted, granted
from tests.flight_server.system.callers import caller
from tests.flight_server.system.granting import rights
from tests.flight_server.wire_client import WireClient, eventually

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
            "SELECT session_id FROM system.sessions WHERE principal = 'root'"
        )
        killed = amy.query(f"KILL SESSION '{theirs}'").to_pydict()
        assert killed["outcome"] == ["unknown"]
    assert cluster.root.value("SELECT 1") == 1


def test_a_later_account_of_the_same_name_is_somebody_else(cluster: Granted) -> None:
    hashed = hash_password(PASSWORD)
    cluster.accounts.create_user("bob", hashed)
    mine = "SELECT count(*) FROM system.sessions"
    with retried(lambda: cluster.login("bob")) as bob:
        bob.query("SELECT 'bob' AS me")
        assert bob.value(mine) == 1
        prepared = bob.prepare("SELECT 'bob' AS me").prepared_statement_handle
        info = bob.plan("SELECT 'bob' AS me")
        transaction = bob.begin()
        told = "SELECT DISTINCT principal FROM system.query_log WHERE principal LIKE 'bob%'"
        assert cluster.root.query(told).column(0).to_pylist() == ["bob"]
        cluster.accounts.drop("bob", Kind.USER)
        cluster.accounts.create_user("bob", hashed)
        eventually(lambda: not answers(bob))
    with retried(lambda: cluster.login("bob")) as later:
        assert later.value(mine) == 1
        assert later.value("SELECT count(*) FROM system.query_log WHERE text LIKE '%AS me'") == 0
        uses: tuple[Callable[[], object], ...] = (
            lambda: later.execute(prepared),
            lambda: later.fetch(info),
            lambda: later.query("SELECT 1", transaction),
        )
        for use in uses:
            with pytest.raises(KeyError):
                use()
    assert "bob/dropped" in cluster.root.query(told).column(0).to_pylist()


def answers(client: WireClient) -> bool:
    try:
        client.query("SELECT 1")
    except flight.FlightUnauthenticatedError:
        return False
    return True


def retried(login: Callable[[], WireClient]) -> WireClient:
    """A client of an account that the node is about to know."""
    made: list[WireClient] = []

    def known() -> bool:
        made.append(login())
        if answers(made[-1]):
            return True
        made.pop().flight.close()
        return False

    eventually(known)
    return made[-1]
