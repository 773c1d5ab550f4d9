"""Statements that try to reach more than is granted, against a real node: nothing escapes."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.cluster.granted import Granted, granted
from tests.flight_server.cluster.hostile import CANARY, GRANTS, READS, ROLES, SETUP
from tests.flight_server.cluster.hostile_changes import CHANGES
from tests.flight_server.wire_client import WireClient

_TABLES = ("open_data", "secret", "people", "orders", "inbox", "show")
_REFUSED = "."


def prepare_tables(root: WireClient) -> None:
    root.update("DROP SCHEMA IF EXISTS sandbox CASCADE")
    root.update(
        SETUP.replace("CREATE ", "CREATE OR REPLACE ").replace("OR REPLACE SCHEMA", "SCHEMA")
    )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    """A node with its tables, and a user for each role."""
    home: Path = tmp_path_factory.mktemp("registry")
    with granted(f"dir://{home}", *ROLES) as made:
        made.root.update(SETUP)
        for grant in GRANTS:
            made.root.update(f"GRANT {grant}")
        yield made


def attempt(client: WireClient, text: str) -> tuple[bool, str]:
    """Whether a statement runs, and everything that its user gets to see."""
    try:
        return True, str(client.query(text).to_pydict())
    except (flight.FlightError, pa.ArrowException, KeyError) as exc:
        return False, str(exc)


def contents(root: WireClient) -> str:
    """What must not change, but for rows that are granted."""
    kept = "coalesce(region, '') <> 'north'"
    seen = [
        root.query(f"SELECT * FROM main.{table} WHERE {kept if table == 'orders' else 'true'}")
        for table in _TABLES
    ]
    return str([table.to_pydict() for table in seen])


@pytest.mark.parametrize("role", ROLES)
def test_no_read_shows_what_is_not_granted(cluster: Granted, role: str) -> None:
    client, number = cluster.clients[role], ROLES.index(role)
    wrong = []
    for text, verdicts in READS:
        ran, seen = attempt(client, text)
        if ran != (verdicts[number] != _REFUSED) or CANARY in seen:
            wrong.append((text, ran, seen))
    assert not wrong


@pytest.mark.parametrize("role", ROLES)
def test_no_prepared_read_and_no_schema_shows_more(cluster: Granted, role: str) -> None:
    client, number = cluster.clients[role], ROLES.index(role)
    for text, verdicts in READS:
        if verdicts[number] != _REFUSED:
            continue
        for command in (
            lambda text=text: client.execute(client.prepare(text).prepared_statement_handle),
            lambda text=text: client.schema(sql.CommandStatementQuery(query=text)),
            lambda text=text: client.update(text),
        ):
            with pytest.raises((flight.FlightError, pa.ArrowException, KeyError)) as caught:
                command()
            assert CANARY not in str(caught.value), text


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_no_change_reaches_what_is_not_granted(cluster: Granted, role: str) -> None:
    number = ROLES.index(role)
    wrong = []
    for text, verdicts in CHANGES:
        prepare_tables(cluster.root)
        before = contents(cluster.root)
        with cluster.login(role) as client:
            ran, seen = attempt(client, text)
        granted_there = ran and "INTO inbox" in text
        changed = contents(cluster.root) != before and not granted_there
        if ran != (verdicts[number] != _REFUSED) or CANARY in seen or changed:
            wrong.append((text, ran, changed, seen))
    assert not wrong
