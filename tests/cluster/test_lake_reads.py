"""Reads of a lake by nodes that are processes: what one wrote, the others see at once.

A read that was planned sees the version of its plan, on whichever node, whoever writes and dies.
"""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flightkeeper import client
from flightkeeper.client import execution
from flightkeeper.client.transport import Plan
from flightkeeper.flightsql.messages import unpack
from flightkeeper.flightsql.tickets import unverified
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody
from tests.flight_server.wire_client import WireClient, basic
from tests.support.cluster import SERVICE, Cluster
from tests.support.postgres_server import postgres_server
from tests.support.processes import running

pytestmark = [pytest.mark.cluster, pytest.mark.lake, pytest.mark.timeout(240)]

NODES = ("n0", "n1", "n2")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


@pytest.fixture(params=["sqlite", "postgres"])
def cluster(request: pytest.FixtureRequest, stack: ExitStack, tmp_path: Path) -> Cluster:
    lake = f"ducklake:sqlite:{tmp_path}/lake.sqlite"
    if request.param == "postgres":
        lake = stack.enter_context(postgres_server()).lake
    files = str(tmp_path / "files")
    made = Cluster(
        f"dir://{tmp_path}/registry", None, FLIGHTKEEPER_LAKE=lake, FLIGHTKEEPER_LAKE_DATA=files
    )
    stack.enter_context(made)
    for name in NODES:
        made.start(name)
    return made


def planner(plan: Plan, router: client.Connection) -> str:
    """The node that a plan is of."""
    message = unpack(plan.endpoints[0].ticket)
    assert isinstance(message, sql.TicketStatementQuery)
    lives = {body.incarnation for body in unverified(message.statement_handle, StatementBody)}
    (found,) = (node for node in router.nodes() if node.instance.incarnation in lives)
    return found.instance.node_id


def test_what_one_node_wrote_the_others_read_at_once(
    cluster: Cluster, stack: ExitStack, tmp_path: Path
) -> None:
    addresses = [cluster.locations[name].removeprefix("grpc://") for name in NODES]
    urls = [f"flightsql://{address}?transport=tcp" for address in addresses]
    alone = [stack.enter_context(client.connect(url)) for url in urls]
    router = stack.enter_context(client.connect(cluster.url, cache_dir=tmp_path))
    router.execute("CREATE TABLE entry (n INTEGER)")
    ways = itertools.cycle([*itertools.product(alone, alone), (router, router)])
    for number in range(1, 61):
        writer, reader = next(ways)
        writer.execute("INSERT INTO entry VALUES (?)", [number])
        assert reader.query("SELECT max(n) FROM entry").fetchall() == [(number,)]


def test_a_ticket_outlives_its_node_and_is_for_the_version_of_its_plan(
    cluster: Cluster, stack: ExitStack
) -> None:
    def wire(name: str, authorization: str) -> WireClient:
        return stack.enter_context(WireClient(cluster.locations[name], authorization))

    here = wire("n0", basic("ada"))
    here.update("CREATE TABLE entry AS SELECT range AS n FROM range(10)")
    info = here.plan("SELECT sum(n)::BIGINT FROM entry")
    others = [wire(name, str(here.authorization)) for name in ("n1", "n2")]
    others[0].update("INSERT INTO entry VALUES (100)")
    others[1].update("DELETE FROM entry WHERE n = 9")
    cluster.kill("n0")
    for node in [*others, *others]:
        assert node.fetch(info).column(0).to_pylist() == [45]
        assert node.value("SELECT sum(n)::BIGINT FROM entry") == 136


def test_what_cannot_be_read_at_its_version_is_planned_again(
    cluster: Cluster, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a gateway, behind which the node is lost between the plan and the rows."""
    flags = ("gateway", "--registry", f"dir://{tmp_path}/registry", "--service", SERVICE)
    gateway = stack.enter_context(running(*flags)).line()["location"].removeprefix("grpc://")
    through = stack.enter_context(client.connect(f"flightsql://{gateway}?transport=tcp"))
    router = stack.enter_context(client.connect(cluster.url, cache_dir=tmp_path))
    router.execute("CREATE TABLE entry AS SELECT range AS n FROM range(10)")
    plans: list[Plan] = []

    def plan(attempt: Any, text: Any) -> Plan:
        plans.append(planned(attempt, text))
        if len(plans) == 1:
            cluster.kill(planner(plans[0], router))
            router.execute("INSERT INTO entry VALUES (100)")
        return plans[-1]

    planned = execution.plan
    monkeypatch.setattr(execution, "plan", plan)
    ((column, *_, rows, _),) = through.query("SUMMARIZE entry").fetchall()
    assert (column, rows) == ("n", 11)
    assert len(plans) == 2
