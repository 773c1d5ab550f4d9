"""A gateway in front of real nodes: every call passes, and what comes back is the node's own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from pyarrow import flight

from flightkeeper import client as library
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.client.gateway.conftest import Front
from tests.flight_server.uploading import exchanged
from tests.flight_server.wire_client import WireClient, basic, eventually

ROWS = pa.table({"a": list(range(10))})
_BIG = "SELECT range AS i, repeat('x', 100) AS t FROM range(200000)"


def told(call: Callable[[], object]) -> tuple[type[Exception], str]:
    """How a call fails, without what gRPC adds about the connection."""
    with pytest.raises((pa.ArrowException, OSError)) as caught:
        call()
    text = str(caught.value).partition(". gRPC client debug context")[0]
    return caught.type, text.partition(". Client context")[0]


@pytest.mark.parametrize(
    "text",
    ["SELEC 1", "FROM nowhere.nothing", "SELECT error('x')", "SELECT CAST('x' AS INT)"],
)
def test_errors_are_the_nodes_own(front: Front, text: str) -> None:
    with front.client() as through, front.nodes["n1"].client() as straight:
        assert told(lambda: through.query(text)) == told(lambda: straight.query(text))
        assert through.received.get(headers.REASON) == straight.received.get(headers.REASON)


def test_an_error_within_a_stream_keeps_its_code_and_words(front: Front) -> None:
    late = f"SELECT CASE WHEN i < 199999 THEN t ELSE error('late') END AS v FROM ({_BIG})"
    answers = []
    for where in (front.client(), front.nodes["n1"].client()):
        with where as client:
            info = client.plan(late)
            answers.append(told(lambda c=client, i=info: c.fetch(i)))  # type: ignore[misc]
    assert answers[0] == answers[1]
    assert "late" in answers[0][1]


def test_big_and_little_results_are_whole(front: Front) -> None:
    with front.client() as client:
        assert client.value("SELECT 42") == 42
        big = client.query(_BIG)
        empty = client.query("SELECT 1 AS a WHERE false")
    assert (big.num_rows, empty.num_rows, empty.schema.names) == (200_000, 0, ["a"])
    assert pa.compute.sum(big["i"]).as_py() == 200_000 * 199_999 // 2


def test_dictionaries_pass(front: Front) -> None:
    with front.client() as client:
        table = client.query(
            "SELECT (['a', 'b'][1 + range % 2])::ENUM('a', 'b') AS e FROM range(9)"
        )
    assert pa.types.is_dictionary(table.schema.field("e").type)
    assert table["e"].to_pylist()[:3] == ["a", "b", "a"]


def test_a_session_with_state_stays_on_its_node(front: Front) -> None:
    with front.client() as client:
        client.update("CREATE TEMP TABLE mine AS SELECT node FROM here")
        home = client.value("SELECT node FROM mine")
        found = {client.value("SELECT mine.node || here.node FROM mine, here") for _ in range(20)}
    assert found == {home + home}


def test_a_transaction_stays_on_its_node(front: Front) -> None:
    with front.client() as client:
        transaction = client.begin()
        home = client.value("SELECT node FROM here", transaction)
        client.update("CREATE TABLE inside (a BIGINT)", transaction)
        client.update("INSERT INTO inside FROM range(10)", transaction)
        prepared = client.prepare("SELECT count(*) FROM inside", transaction)
        found = {
            client.execute(prepared.prepared_statement_handle).column(0)[0].as_py()
            for _ in range(10)
        }
        client.end(transaction, commit=False)
        assert found == {10}
        for _ in range(10):
            with pytest.raises(pa.ArrowException, match="inside"):
                client.query("SELECT * FROM inside")
    with front.nodes[home].client() as client, pytest.raises(pa.ArrowException, match="inside"):
        client.query("SELECT * FROM inside")


def test_parameters_are_found_again_with_the_handle_they_were_bound_to(front: Front) -> None:
    with front.client() as client:
        handle = client.prepare("SELECT ? + 1 AS v").prepared_statement_handle
        for number in range(10):
            client.bind(handle, pa.table({"0": [number]}))
            assert client.execute(handle)["v"].to_pylist() == [number + 1]


def test_callers_without_a_login_have_sessions_of_their_own(front: Front) -> None:
    with front.stranger() as one, front.stranger() as other:
        one.flight.wait_for_available()
        one.update("CREATE TEMP TABLE mine AS SELECT 1 AS a")
        assert {one.value("SELECT a FROM mine") for _ in range(10)} == {1}
        # Often enough to meet the node of the first over the very connection that it uses.
        for _ in range(10):
            with pytest.raises(pa.ArrowException, match="mine"):
                other.query("SELECT a FROM mine")
        other.update("CREATE TEMP TABLE mine AS SELECT 2 AS a")
        told = {(one.value("SELECT a FROM mine"), other.value("SELECT a FROM mine"))}
        assert told == {(1, 2)}


def test_a_handshake_is_answered(front: Front) -> None:
    with front.stranger() as client:
        _, token = client.flight.authenticate_basic_token("ada", "any")
        text: Any = token
    with front.stranger(text.decode()) as client:
        assert client.value("SELECT current_user IS NOT NULL")
    refused = pytest.raises(flight.FlightUnauthenticatedError, match="log in again")
    with front.stranger("Bearer nonsense") as client, refused:
        client.query("SELECT 1")


def test_metadata_schemas_actions_and_flights_pass(front: Front) -> None:
    # A user of this test's own: who sends the same password has the same session.
    alone = basic("reads-alone")
    with (
        front.stranger(alone) as through,
        WireClient(front.nodes["n1"].location, basic("nor-this-one")) as straight,
    ):
        command = sql.CommandGetTables(include_schema=True, table_name_filter_pattern="here")
        assert through.command(command).equals(straight.command(command))
        query = sql.CommandStatementQuery(query="SELECT 1 AS a")
        assert through.schema(query) == straight.schema(query)
        assert told(lambda: through.schema(sql.CommandStatementQuery(query="SELEC"))) == told(
            lambda: straight.schema(sql.CommandStatementQuery(query="SELEC"))
        )
        names = [[str(a.type) for a in c.flight.list_actions()] for c in (through, straight)]
        assert names[0] == names[1]
        listed = [
            {str(i.descriptor) for i in c.flight.list_flights(b"", c.options())}  # type: ignore[arg-type]
            for c in (through, straight)
        ]
        assert listed[0] == listed[1]
        assert told(lambda: through.action("no.Such", b"")) == told(
            lambda: straight.action("no.Such", b"")
        )


def test_a_query_over_uploaded_rows_passes(front: Front) -> None:
    with front.client() as client:
        answer = exchanged(client, "SELECT sum(a) AS s FROM input", ROWS)
    assert answer["s"].to_pylist() == [45]


def test_an_execution_is_cancelled_on_the_node_that_runs_it(front: Front) -> None:
    with front.client() as client:
        for _ in range(6):
            info = client.plan("SELECT * FROM range(1000000000000)")
            request = core.CancelFlightInfoRequest(
                info=core.FlightInfo.FromString(info.serialize())
            )
            (answer,) = client.action("CancelFlightInfo", request)
            status = core.CancelFlightInfoResult.FromString(answer).status
            assert status == core.CANCEL_STATUS_CANCELLED


def test_a_statement_is_cancelled_by_its_own_id_wherever_it_runs(front: Front) -> None:
    def runs(statement_id: str) -> bool:
        running = [r for node in front.nodes.values() for r in node.node._system.activity.running()]
        return any(statement.client_id == statement_id for statement in running)

    with ThreadPoolExecutor(1) as pool, front.client() as client, front.client() as other:
        for number in range(4):
            mine = f"statement-{number}"
            client.extra_headers[headers.STATEMENT_ID] = mine
            planned = pool.submit(client.plan, "SELECT count(*) FROM range(1000000000000)")
            eventually(lambda name=mine: runs(name))  # type: ignore[misc]
            answer = other.action(headers.CANCEL_ACTION, StringValue(value=mine))
            assert answer == []
            assert isinstance(planned.exception(20), flight.FlightCancelledError)


def test_who_may_not_cancel_is_told_so(front: Front) -> None:
    refused = pytest.raises(flight.FlightUnauthenticatedError, match="log in again")
    with front.stranger("Bearer nonsense") as client, refused:
        client.action(headers.CANCEL_ACTION, StringValue(value="any"))


def test_the_answer_of_a_change_is_fetched_where_it_is(front: Front) -> None:
    with front.client() as client:
        client.update("CREATE TEMP TABLE t (a INT)")
        for number in range(10):
            info = client.plan(f"INSERT INTO t VALUES ({number}) RETURNING a")
            assert client.fetch(info)["a"].to_pylist() == [number]


def test_compression_is_as_asked_for(front: Front) -> None:
    with front.client() as client:
        client.extra_headers["x-flightkeeper-compression"] = "lz4"
        assert client.query(_BIG).num_rows == 200_000


def test_who_asks_for_reads_only_gets_nothing_else(front: Front) -> None:
    with front.client() as client:
        client.reads_only()
        with pytest.raises(pa.ArrowInvalid, match="only reads were asked for"):
            client.plan("CREATE TABLE never AS SELECT 1")
        assert client.received[headers.REASON] == "not-read-only"


def test_direct_results_say_where_they_are(direct: Front) -> None:
    places = {node.location for node in direct.nodes.values()}
    with direct.client() as client:
        for text, much in (("SELECT 1", False), (_BIG, True)):
            info = client.plan(text)
            found = [uri.uri.decode() for uri in info.endpoints[0].locations]
            assert (set(found[:-1]) == places) is much
            assert found[-1:] == (["arrow-flight-reuse-connection://?"] if much else [])
            # Who takes no notice of it fetches it here.
            assert client.fetch(info).num_rows in {1, 200_000}
            if much:
                with WireClient(found[0], client.authorization) as node:
                    assert node.fetch(info).num_rows == 200_000
        client.update("CREATE TEMP TABLE pin (a INT)")
        # Only its own node can go on with this session.
        assert len(client.plan(_BIG).endpoints[0].locations) == 2


def test_our_own_client_works_through_it(front: Front) -> None:
    address = front.location.partition("://")[2]
    with library.connect(f"flightsql://{address}?transport=tcp", user="ada") as connection:
        assert connection.query("SELECT 42 AS v").read_all()["v"].to_pylist() == [42]
        with connection.transaction() as transaction:
            transaction.execute("CREATE TABLE ours (a INT)")
            assert transaction.execute("INSERT INTO ours VALUES (1), (2)") == 2
            transaction.rollback()


def test_logins_in_every_call_pass(front: Front) -> None:
    with front.stranger(basic("ada", "any")) as client:
        for number in range(5):
            assert client.value(f"SELECT {number}") == number


def test_an_ingest_does_not_leave_a_transaction_whose_node_is_gone(front: Front) -> None:
    options = sql.CommandStatementIngest.TableDefinitionOptions
    command = sql.CommandStatementIngest(
        table="strayed",
        table_definition_options=options(
            if_not_exist=options.TABLE_NOT_EXIST_OPTION_CREATE,
            if_exists=options.TABLE_EXISTS_OPTION_APPEND,
        ),
    )
    rows = pa.table({"a": [1, 2, 3]})
    with front.client() as client:
        client.query("SELECT 1")
        transaction = client.begin()
        memory = front.running._relay.memory
        (session,) = [key for key in memory._places if memory.place(key)][-1:]
        memory.note(session, "a life that is over")
        with pytest.raises(pa.ArrowException, match="the node that held the transaction is gone"):
            client.put(command, rows)
        assert client.received[headers.REASON] == "session-lost"
        client.end(transaction, commit=False)
        # It is over, and what comes now is not part of it.
        client.put(command, rows)
    for node in front.nodes.values():
        with node.client() as client:
            client.update("DROP TABLE IF EXISTS strayed")
