"""Statements that try to get at what is not theirs, on a node with a lake: nothing escapes."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.cluster.granted import granted
from tests.flight_server.handlers.test_session_options import set_options, value
from tests.flight_server.lake.hostile_lake import (
    CANARY,
    HARMLESS,
    NOT_TRIED,
    ROLES,
    RUNS,
    Hostile,
    attempts,
    hostile,
    settle,
    tried,
)
from tests.flight_server.uploading import APPEND, CREATE, ingest, into
from tests.flight_server.wire_client import WireClient

pytestmark = [pytest.mark.lake, pytest.mark.timeout(240)]

SUPERUSER = ROLES[-1]
_HARMLESS_COLUMNS = {"Count", "1"}
"""What is said of a change, and of what comes after it, without running either."""
_EACH = 3
"""They are judged where all are judged: so many show it."""
_HOSTILE_MIN, _HARMLESS_MIN = 200, 40


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    with hostile(tmp_path_factory.mktemp("hostile")) as made:
        yield made


def test_there_are_enough_of_them() -> None:
    assert len(list(attempts())) >= _HOSTILE_MIN
    assert len(list(attempts(HARMLESS))) >= _HARMLESS_MIN


@pytest.mark.parametrize("role", ROLES)
def test_nothing_escapes_and_nothing_is_touched(node: Hostile, role: str) -> None:
    client, before, wrong = node.made.clients[role], node.untouched(), []
    for attempt in attempts():
        verdict, text = attempt.verdict(role), node.text(attempt)
        if verdict == NOT_TRIED:
            continue
        became, seen = tried(client, text)
        shown = _shows(seen, text) and role != SUPERUSER
        if became != verdict or shown or "Traceback" in seen:
            wrong.append((text, became, seen))
        settle(client, text)
    assert not wrong
    assert node.untouched() == before


def _shows(seen: str, text: str) -> bool:
    """Whether something is seen of a canary, or of the lake's files that the text does not name."""
    files = any(part in seen and part not in text for part in ("lake.sqlite", ".parquet"))
    return CANARY in seen.replace(text, "") or files


def test_prepared_or_described_they_are_refused_as_well(node: Hostile) -> None:
    client, before, wrong = node.made.clients["reader"], node.untouched(), []
    for attempt in islice(attempts(), 0, None, _EACH):
        text = node.text(attempt)
        for way in (_prepared, _described):
            try:
                wrong += [
                    (text, seen) for seen in way(client, text) if seen not in _HARMLESS_COLUMNS
                ]
            except (flight.FlightError, pa.ArrowException, KeyError) as exc:
                if CANARY in str(exc).replace(text, ""):
                    wrong.append((text, str(exc)))
            settle(client, text)
    assert not wrong
    assert node.untouched() == before


def _prepared(client: WireClient, text: str) -> list[str]:
    return [str(client.execute(client.prepare(text).prepared_statement_handle).to_pydict())]


def _described(client: WireClient, text: str) -> list[str]:
    return client.schema(sql.CommandStatementQuery(query=text)).names


def test_what_only_looks_hostile_runs_and_the_lake_works(node: Hostile) -> None:
    wrong = []
    for attempt in attempts(HARMLESS):
        for role, client in node.made.clients.items():
            verdict, text = attempt.verdict(role), node.text(attempt)
            if verdict != NOT_TRIED:
                became, seen = tried(client, text)
                settle(client, text)
                shown = _shows(seen, text) and role != SUPERUSER
                wrong += [(role, text, seen)] if became != verdict or shown else []
    assert not wrong
    assert node.made.root.update("INSERT INTO entry VALUES (9, 'last')") == 1
    assert node.made.root.value("SELECT word FROM entry WHERE id = 9") == "last"
    assert node.made.root.value("SELECT count(*) FROM secret") > 1


def test_a_name_that_is_granted_does_not_open_the_lakes_own_catalog(node: Hostile) -> None:
    reader = node.made.clients["reader"]
    node.made.root.update("CREATE TABLE ducklake_schema AS SELECT 'granted' AS word")
    node.made.root.update("GRANT SELECT ON lake.main.ducklake_schema TO reader")
    assert reader.value("FROM ducklake_schema") == "granted"
    for text in (
        "FROM __ducklake_metadata_lake.ducklake_schema",
        "FROM __ducklake_metadata_lake.main.ducklake_schema",
        'FROM __ducklake_metadata0copies.main."1_1"',
        "SET schema = '__ducklake_metadata_lake'; FROM ducklake_schema",
        "SET search_path = '__ducklake_metadata_lake,lake'; FROM ducklake_schema",
    ):
        assert tried(reader, text)[0] in {"D", "I"}, text
    with node.made.login("reader") as client:
        error = core.SetSessionOptionsResult.INVALID_VALUE
        assert set_options(client, catalog=value("__ducklake_metadata_lake")) == {"catalog": error}
        assert client.value("FROM ducklake_schema") == "granted"


@pytest.mark.parametrize("role", ROLES)
def test_rows_are_not_put_into_the_lakes_own_catalog(node: Hostile, role: str) -> None:
    client, before = node.made.clients[role], node.untouched()
    rows = pa.table({"key": ["x"], "text": ["x"], "row_count": [1], "noted_s": [1]})
    for table, mode in (("flightkeeper_ledger", APPEND), ("mine", CREATE)):
        command = into(table, mode, catalog="__DuckLake_metadata_lake", schema="main")
        with pytest.raises(KeyError, match="there is no catalog"):
            ingest(client, command, rows)
    assert node.untouched() == before


def test_without_a_lake_they_are_refused_as_well(tmp_path: Path) -> None:
    with granted(f"dir://{tmp_path}", "reader") as made:
        made.root.update("CREATE TABLE open_data AS SELECT 1 AS id, 'one' AS name")
        made.root.update("GRANT SELECT ON open_data TO reader")
        for attempt in attempts():
            text = attempt.text.replace("{home}", str(tmp_path)).replace("{name}", tmp_path.name)
            became, seen = tried(made.clients["reader"], text)
            assert became != RUNS, (text, seen)
            assert CANARY not in seen.replace(text, "")


def test_without_a_lake_the_guard_is_not_asked(tmp_path: Path) -> None:
    with granted(f"dir://{tmp_path}") as made:
        for text in (
            "ATTACH ':memory:' AS lake",
            "CREATE SCHEMA lake.__ducklake_metadata_lake",
            "CREATE TABLE lake.__ducklake_metadata_lake.t AS SELECT 1 AS a",
            "SET schema = 'lake.__ducklake_metadata_lake'",
            "DELETE FROM t",
            "USE memory",
            "DETACH lake",
        ):
            made.root.update(text)
