"""Ten thousand damaged messages: descriptors, tickets, actions and Arrow streams.

None may end or hang the node, be taken for a defect, or bring anything of its insides to light.
Seeded: a failure names the number of the message, and comes again.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.any_pb2 import Any as Envelope
from google.protobuf.message import Message

from flightkeeper.flightsql.messages import pack, unpack
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.conformance.test_authorization import ACTIONS, COMMANDS, CORE_ACTIONS, LEAK, bearer
from tests.flight_server.wire_client import WireClient
from tests.support import raw_flight
from tests.support.processes import Running, running
from tests.support.raw_flight import Answer, RawFlight

pytestmark = pytest.mark.timeout(600)

_THREADS = 4
_FINE = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "UNKNOWN", "CANCELLED"}
_TIMES = (1, 1, 1, 2, 4)
_END = sql.ActionEndTransactionRequest.END_TRANSACTION_COMMIT
_Definition = sql.CommandStatementIngest.TableDefinitionOptions
_CREATE = _Definition.TABLE_NOT_EXIST_OPTION_CREATE
_REPLACE = _Definition.TABLE_EXISTS_OPTION_REPLACE
_Make = Callable[[random.Random], tuple[str, list[bytes]]]


@pytest.fixture(scope="module")
def node(login_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A node that ends what a damaged text makes too long, and may write nowhere else."""
    users, key_file = map(str, login_files)
    limits = ("--statement-timeout-s", "2", "--memory-limit", "1GB")
    spill = str(tmp_path_factory.mktemp("spill"))
    flags = ("--users", users, "--key-file", key_file, "--temp-directory", spill)
    with running("serve", *flags, *limits) as started:
        yield started, started.line()["location"]


@pytest.fixture(scope="module")
def token(login_files: tuple[Path, Path]) -> str:
    return bearer(login_files[1])


@pytest.fixture(scope="module")
def seeds(node: tuple[Running, str], token: str) -> dict[str, bytes]:
    """Tickets and handles that the node made."""
    with WireClient(node[1], token) as client:
        client.update("CREATE TABLE IF NOT EXISTS t (a INT, b VARCHAR)")
        info = client.plan("SELECT 42 AS a, 'text' AS b")
        prepared = client.prepare("SELECT a + ?, b FROM t WHERE a = ?")
        return {
            "ticket": info.endpoints[0].ticket.ticket,
            "info": info.serialize(),
            "handle": prepared.prepared_statement_handle,
            "transaction": client.begin(),
        }


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Some bytes of it changed, taken out, doubled, or its end cut off."""
    changed = bytearray(data or b"\0")
    for _ in range(rng.choice(_TIMES)):
        place = rng.randrange(len(changed))
        match rng.randrange(6):
            case 0:
                changed[place] = rng.randrange(256)
            case 1:
                changed[place] ^= 1 << rng.randrange(8)
            case 2:
                changed.insert(place, rng.randrange(256))
            case 3 if len(changed) > 1:
                del changed[place]
            case 4:
                changed[place:place] = changed[place : place + rng.randint(1, 16)]
            case _ if rng.random() < 0.2:
                del changed[place + 1 :]
    return bytes(changed)


def packed_damaged(rng: random.Random, message: Message) -> bytes:
    """A message in its `Any`, damaged inside or anywhere."""
    if rng.random() < 0.3:
        return damaged(rng, pack(message))
    envelope = Envelope.FromString(pack(message))
    envelope.value = damaged(rng, envelope.value)
    return envelope.SerializeToString()


def filled(rng: random.Random, seeds: dict[str, bytes]) -> Message:
    """A command with something in all of its fields."""
    command = unpack(COMMANDS[rng.choice(sorted(COMMANDS))])
    values: dict[str, Any] = {
        "query": "SELECT count(*), 'x' FROM range(10) WHERE range < 7",
        "prepared_statement_handle": seeds["handle"],
        "transaction_id": seeds["transaction"] if rng.random() < 0.3 else b"",
        "table_types": None,
        "options": None,
    }
    for field in command.DESCRIPTOR.fields:
        value = values.get(field.name, "t")
        if value and (field.name in values or field.type == field.TYPE_STRING):
            setattr(command, field.name, value)
    return command


def table() -> pa.Table:
    """A little of every layout Arrow has."""
    words = ["one", None, "three"]
    struct = pa.array([{"a": 1, "b": ["x"]}, None, {"a": 3, "b": []}])
    return pa.table(
        {
            "int": pa.array([1, None, 3], pa.int32()),
            "text": words,
            "large": pa.array(words, pa.large_utf8()),
            "view": pa.array([*words[:2], "longer than twelve bytes"], pa.string_view()),
            "binary": pa.array([b"\0", None, b"abc"]),
            "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
            "bool": [True, None, False],
            "decimal": pa.array([Decimal("1.5"), None, Decimal("-2.5")], pa.decimal128(38, 2)),
            "list": pa.array([[1, 2], None, []]),
            "list_view": pa.array([[1, 2], None, []], pa.list_view(pa.int64())),
            "array": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)),
            "struct": struct,
            "map": pa.array([[("k", 1)], None, []], pa.map_(pa.utf8(), pa.int32())),
            "dictionary": pa.array(words).dictionary_encode(),
            "null": pa.nulls(3),
            "time": pa.array([1, None, 2], pa.timestamp("ns", "UTC")),
            "ree": pa.array(["x", "x", "y"], pa.run_end_encoded(pa.int32(), pa.utf8())),
            "union": pa.UnionArray.from_dense(
                pa.array([0, 1, 0], pa.int8()),
                pa.array([0, 0, 1], pa.int32()),
                [pa.array([1, 2]), pa.array(["x"])],
            ),
        }
    )


def descriptors(seeds: dict[str, bytes]) -> _Make:
    def make(rng: random.Random) -> tuple[str, list[bytes]]:
        rpc = rng.choice(["GetFlightInfo", "GetSchema"])
        command = filled(rng, seeds)
        if rng.random() < 0.05:
            return rpc, [damaged(rng, raw_flight.descriptor(pack(command)))]
        return rpc, [raw_flight.descriptor(packed_damaged(rng, command))]

    return make


def tickets(seeds: dict[str, bytes]) -> _Make:
    def make(rng: random.Random) -> tuple[str, list[bytes]]:
        message = rng.choice([unpack(seeds["ticket"]), filled(rng, seeds)])
        return "DoGet", [raw_flight.ticket(packed_damaged(rng, message))]

    return make


def actions(seeds: dict[str, bytes]) -> _Make:
    bodies = {
        **ACTIONS,
        "CreatePreparedStatement": pack(
            sql.ActionCreatePreparedStatementRequest(query="SELECT ?::INT")
        ),
        "ClosePreparedStatement": pack(
            sql.ActionClosePreparedStatementRequest(prepared_statement_handle=seeds["handle"])
        ),
        "EndTransaction": pack(
            sql.ActionEndTransactionRequest(transaction_id=seeds["transaction"], action=_END)
        ),
        "CancelFlightInfo": core.CancelFlightInfoRequest(
            info=core.FlightInfo.FromString(seeds["info"])
        ).SerializeToString(),
        "CancelQuery": pack(sql.ActionCancelQueryRequest(info=seeds["info"])),
        "RenewFlightEndpoint": core.RenewFlightEndpointRequest(
            endpoint=core.FlightInfo.FromString(seeds["info"]).endpoint[0]
        ).SerializeToString(),
        "SetSessionOptions": core.SetSessionOptionsRequest(
            session_options={"catalog": core.SessionOptionValue(string_value="memory")}
        ).SerializeToString(),
    }
    names = sorted(bodies)

    def make(rng: random.Random) -> tuple[str, list[bytes]]:
        name = rng.choice(names)
        if rng.random() < 0.05:
            return "DoAction", [damaged(rng, raw_flight.action(name, bodies[name]))]
        body = bodies[name]
        if name not in CORE_ACTIONS and rng.random() < 0.7:
            return "DoAction", [raw_flight.action(name, packed_damaged(rng, unpack(body)))]
        return "DoAction", [raw_flight.action(name, damaged(rng, body))]

    return make


def uploads(seeds: dict[str, bytes]) -> _Make:
    ingest = sql.CommandStatementIngest(
        table="loaded",
        table_definition_options=_Definition(if_not_exist=_CREATE, if_exists=_REPLACE),
    )
    two = pa.table({"0": [1], "1": [2]})
    whole = [
        ("DoPut", raw_flight.stream(pack(ingest), table())),
        ("DoPut", raw_flight.stream(pack(ingest), table())),
        ("DoExchange", raw_flight.stream(_select("SELECT * FROM input"), table())),
        ("DoPut", raw_flight.stream(_prepared(sql.CommandPreparedStatementQuery, seeds), two)),
        ("DoPut", raw_flight.stream(_prepared(sql.CommandPreparedStatementUpdate, seeds), two)),
    ]

    def make(rng: random.Random) -> tuple[str, list[bytes]]:
        rpc, messages = rng.choice(whole)
        changed = list(messages)
        place = rng.randrange(len(changed))
        changed[place] = damaged(rng, changed[place])
        return rpc, changed

    return make


def _select(text: str) -> bytes:
    return pack(sql.CommandStatementQuery(query=text))


def _prepared(kind: Any, seeds: dict[str, bytes]) -> bytes:
    return pack(kind(prepared_statement_handle=seeds["handle"]))


def wrong(answer: Answer) -> str | None:
    """What is wrong with an answer, if anything is."""
    if LEAK.search(answer.details.replace("(a file)", "")):
        return "shows its insides"
    if answer.code == "DEADLINE_EXCEEDED" and answer.said:
        return None  # the damaged text asked for too much, and was stopped
    if answer.code == "INTERNAL" and not answer.said and not answer.details:
        return None  # not even protobuf: gRPC has refused it
    if answer.code not in _FINE:
        return "is no answer to bad input"
    return None


@pytest.mark.parametrize(
    ("what", "count"),
    [(descriptors, 3000), (tickets, 2000), (actions, 2000), (uploads, 3000)],
    ids=["descriptors", "tickets", "actions", "uploads"],
)
def test_damaged_messages_are_refused_and_the_node_lives(
    node: tuple[Running, str],
    token: str,
    seeds: dict[str, bytes],
    what: Callable[[dict[str, bytes]], _Make],
    count: int,
) -> None:
    process, location = node
    make, client = what(seeds), RawFlight(location)
    codes: Counter[str] = Counter()

    def attempt(number: int) -> str | None:
        rpc, messages = make(random.Random(number))
        answer = client.call(rpc, messages, token)
        codes[answer.code] += 1
        problem = wrong(answer)
        return f"message {number} ({rpc}) {problem}: {answer}" if problem else None

    with ThreadPoolExecutor(_THREADS) as threads:
        problems = [problem for problem in threads.map(attempt, range(count)) if problem]
    client.close()
    print(dict(codes))  # noqa: T201 - shown with `pytest -rP`
    assert process.process.poll() is None, f"the node died: {process.stderr[-3000:]}"
    assert not problems, problems[:5]
    assert codes["OK"] < count
    with WireClient(location, token) as sane:
        assert sane.value("SELECT 1") == 1


@pytest.fixture(autouse=True, scope="module")
def it_tells_of_no_defect(node: tuple[Running, str]) -> Iterator[None]:
    """What the node called a defect of its own is in its log."""
    yield
    assert "defect" not in node[0].stderr
