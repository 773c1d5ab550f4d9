"""Every RPC with every command, for callers who are known and for all kinds who are not.

The table is made from the wire's own messages, so that a new command cannot be forgotten.
"""

import base64
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from google.protobuf.message import Message

from flightkeeper.flight_server.auth import keys
from flightkeeper.flight_server.auth.key_ring import KeySet
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.conformance.conftest import PASSWORD, USER
from tests.support import raw_flight
from tests.support.processes import Running, running
from tests.support.raw_flight import RawFlight

LEAK = re.compile(
    r"Traceback|\.py\b|\.cpp\b|site-packages|/usr/|/tmp/|/home/|line \d+, in|OnWire|NodeError"
    r"|flight_server|pyarrow|_duckdb|adbc|__\w+__"
)
CORE_ACTIONS = (
    "CancelFlightInfo",
    "RenewFlightEndpoint",
    "SetSessionOptions",
    "GetSessionOptions",
    "CloseSession",
    headers.CANCEL_ACTION,
    headers.PROBE_ACTION,
)
"""Actions whose bodies travel without `Any`."""
_REQUEST = re.compile("Action(.+)Request")


def messages(name: str) -> dict[str, Message]:
    """An empty message of every kind whose name matches."""
    found = {}
    for key, kind in vars(sql).items():
        if (matched := re.fullmatch(name, key)) and isinstance(kind, type):
            found[matched[1]] = kind()
    return found


COMMANDS = {name: pack(command) for name, command in messages("(Command.+)").items()}
ACTIONS = {name: pack(request) for name, request in messages(_REQUEST.pattern).items()}
ACTIONS |= dict.fromkeys(CORE_ACTIONS, b"")


@cache
def asked() -> dict[str, tuple[str, list[bytes]]]:
    """Every RPC with every command it may carry: what it is called, and its messages."""
    table: dict[str, tuple[str, list[bytes]]] = {
        "ListFlights": ("ListFlights", [b""]),
        "ListActions": ("ListActions", [b""]),
        "Handshake": ("Handshake", [b""]),
    }
    path = core.FlightDescriptor(type=core.FlightDescriptor.PATH, path=["t"]).SerializeToString()
    for rpc in ("GetFlightInfo", "GetSchema"):
        table[f"{rpc} path"] = (rpc, [path])
    for name, command in COMMANDS.items():
        for rpc in ("GetFlightInfo", "GetSchema"):
            table[f"{rpc} {name}"] = (rpc, [raw_flight.descriptor(command)])
        table[f"DoGet {name}"] = ("DoGet", [raw_flight.ticket(command)])
        for rpc in ("DoPut", "DoExchange"):
            table[f"{rpc} {name}"] = (rpc, raw_flight.stream(command))
    table["DoGet TicketStatementQuery"] = (
        "DoGet",
        [raw_flight.ticket(pack(sql.TicketStatementQuery(statement_handle=b"x")))],
    )
    for name, body in ACTIONS.items():
        table[f"DoAction {name}"] = ("DoAction", [raw_flight.action(name, body)])
    return table


@pytest.fixture(scope="module")
def node(login_files: tuple[Path, Path]) -> Iterator[Running]:
    """A node that knows one user."""
    users, key_file = map(str, login_files)
    with running("serve", "--users", users, "--key-file", key_file) as started:
        yield started


@pytest.fixture(scope="module")
def client(node: Running) -> Iterator[RawFlight]:
    """A channel to that node."""
    made = RawFlight(node.line()["location"])
    yield made
    made.close()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def bearer(key_file: Path, *, age_s: float = 0.0, ours: bool = True) -> str:
    cluster = keys.read_file(key_file) if ours else keys.generate()
    return "Bearer " + Tokens(KeySet(cluster, (cluster,)), lifetime_s=60).login(
        USER, time.time() - age_s
    )


def unsigned() -> str:
    """A token that says it needs no signature."""
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": USER, "sid": "x", "exp": 2**40})
    encoded = [base64.urlsafe_b64encode(str(p).replace("'", '"').encode()) for p in parts]
    return "Bearer " + b".".join([*(part.rstrip(b"=") for part in encoded), b""]).decode()


REFUSED = ("nothing", "empty", "garbage", "scheme", "password", "user", "expired", "forged", "none")


def credentials(kind: str, key_file: Path) -> str | None:
    made: dict[str, Callable[[], str | None]] = {
        "nothing": lambda: None,
        "empty": lambda: "",
        "garbage": lambda: "Bearer " + "x" * 100,
        "scheme": lambda: "Negotiate abc",
        "password": lambda: basic(USER, "wrong"),
        "user": lambda: basic("nobody", PASSWORD),
        "expired": lambda: bearer(key_file, age_s=3600),
        "forged": lambda: bearer(key_file, ours=False),
        "none": unsigned,
        "token": lambda: bearer(key_file),
        "login": lambda: basic(USER, PASSWORD),
    }
    return made[kind]()


def test_the_table_has_every_command() -> None:
    assert len(COMMANDS) >= 16
    assert len(ACTIONS) >= 14
    assert len(asked()) >= 100


@pytest.mark.parametrize("kind", REFUSED)
def test_who_is_not_known_learns_nothing(
    client: RawFlight, login_files: tuple[Path, Path], kind: str
) -> None:
    sent = credentials(kind, login_files[1])
    for name, (rpc, message) in asked().items():
        answer = client.call(rpc, message, sent)
        assert answer.code == "UNAUTHENTICATED", (name, answer)
        assert not LEAK.search(answer.details + answer.trailers), (name, answer)


@pytest.mark.parametrize("kind", ["token", "login"])
def test_who_is_known_gets_an_answer(
    client: RawFlight, login_files: tuple[Path, Path], kind: str
) -> None:
    expected = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED"}
    ok = set()
    for name, (rpc, message) in asked().items():
        answer = client.call(rpc, message, credentials(kind, login_files[1]))
        assert answer.code in expected, (name, answer)
        assert not LEAK.search(answer.details + answer.trailers), (name, answer)
        if answer.code == "OK":
            ok.add(name)
    assert {"Handshake", "ListFlights", "ListActions", "DoAction GetSessionOptions"} <= ok
    metadata = ("Catalogs", "DbSchemas", "Tables", "TableTypes", "SqlInfo", "XdbcTypeInfo")
    for rpc in ("GetFlightInfo", "GetSchema", "DoGet"):
        assert {f"{rpc} CommandGet{name}" for name in metadata} <= ok


def test_polling_is_not_served_and_says_so(
    client: RawFlight, login_files: tuple[Path, Path]
) -> None:
    message = [raw_flight.descriptor(COMMANDS["CommandStatementQuery"])]
    answer = client.call("PollFlightInfo", message, credentials("token", login_files[1]))
    assert answer.code == "UNIMPLEMENTED"
    assert not LEAK.search(answer.details + answer.trailers)
