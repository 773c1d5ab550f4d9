"""Where calls go, by the signed names that they carry."""

import base64
import json

import pytest
from google.protobuf.message import Message

from flightkeeper.client.failover import StatementKind
from flightkeeper.client.gateway.destinations import (
    Destination,
    Login,
    login,
    of_action,
    of_command,
)
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.tickets import Kind, Signer, TicketKey
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement, Transaction

HERE, GONE = "life-here", "life-gone"
NOBODY = Login()
SIGNERS = [Signer(TicketKey(b"s" * 32)), Signer(TicketKey(b"s" * 32, b"mark"))]
READ, BEGIN, WRITE = StatementKind.READ, StatementKind.BEGIN, StatementKind.WRITE


def known(incarnation: str) -> bool:
    return incarnation == HERE


def transaction(signer: Signer, incarnation: str) -> bytes:
    return signer.sign(Kind.TRANSACTION, Transaction(node_id="n", incarnation=incarnation))


def token(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"Bearer head.{body}.tag"


def where(message: Message, who: Login = NOBODY, kind: StatementKind = READ) -> Destination:
    return of_command(pack(message), kind, who, known)


@pytest.mark.parametrize("text", ["", "Basic YTpi", "Bearer x", "Bearer a.!!.c", "Bearer a.W10.c"])
def test_a_login_that_cannot_be_read_says_nothing(text: str) -> None:
    assert login(text) == NOBODY


def test_a_token_names_its_session_and_its_pin() -> None:
    assert login(token(sid="s1", pin=HERE)) == Login("s1", HERE)
    assert login(token(sid="s1")) == Login("s1")
    assert login(token(sid="s1", exp=1.5)) == Login("s1", expires_s=1.5)
    for nonsense in ("soon", [1], 10**400):
        assert login(token(exp=nonsense)) == Login()


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_transaction_ties_its_statements_to_its_node(signer: Signer) -> None:
    for incarnation, pinned in ((HERE, HERE), (GONE, "")):
        command = sql.CommandStatementQuery(
            query="SELECT 1", transaction_id=transaction(signer, incarnation)
        )
        found = where(command)
        assert found.pinned == pinned
        assert found.kind is (StatementKind.TRANSACTION if pinned else READ)


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_prepared_statement_follows_its_transaction(signer: Signer) -> None:
    body = Statement(query="SELECT 1", transaction_id=transaction(signer, HERE))
    handle = signer.sign(Kind.PREPARED, body)
    found = where(sql.CommandPreparedStatementQuery(prepared_statement_handle=handle))
    assert found.pinned == HERE
    assert found.handle


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_ticket_goes_to_the_node_that_has_its_answer_first(signer: Signer) -> None:
    handle = signer.sign(Kind.STATEMENT, Statement(query="SELECT 1", incarnation=HERE))
    found = where(sql.TicketStatementQuery(statement_handle=handle), kind=BEGIN)
    assert (found.kind, found.pinned, found.preferred) == (BEGIN, "", HERE)


def test_a_pinned_session_stays_where_it_is() -> None:
    found = where(sql.CommandGetTables(), Login("s1", HERE))
    assert (found.kind, found.pinned, found.session) == (StatementKind.TRANSACTION, HERE, "s1")


def test_a_session_whose_node_is_gone_is_told_so_by_any_other() -> None:
    assert where(sql.CommandGetTables(), Login("s1", GONE)) == Destination(session="s1")


def test_what_is_no_command_goes_anywhere() -> None:
    assert of_command(b"\xff\xff", READ, NOBODY, known) == Destination()


@pytest.mark.parametrize(
    ("action", "kind"),
    [("BeginTransaction", BEGIN), ("CloseSession", BEGIN), ("somebody.Else", WRITE)],
)
def test_actions_are_repeated_where_that_is_harmless(action: str, kind: StatementKind) -> None:
    assert of_action(action, b"", NOBODY, known).kind is kind


@pytest.mark.parametrize("commit", [True, False])
def test_a_commit_is_known_as_one(*, commit: bool) -> None:
    ends = sql.ActionEndTransactionRequest
    request = ends(
        transaction_id=transaction(SIGNERS[0], HERE),
        action=ends.END_TRANSACTION_COMMIT if commit else ends.END_TRANSACTION_ROLLBACK,
    )
    found = of_action("EndTransaction", pack(request), NOBODY, known)
    assert found.pinned == HERE
    assert found.kind is (StatementKind.COMMIT if commit else StatementKind.TRANSACTION)


@pytest.mark.parametrize(
    "text",
    ["COMMIT", "commit;", "/* a * b */ End\tWork -- done", "-- so\nCOMMIT/**/TRANSACTION;\n"],
)
def test_a_commit_as_text_is_known_as_one(text: str) -> None:
    body = Statement(query=text)
    handle = SIGNERS[0].sign(Kind.PREPARED, body)
    session = Login("s1", HERE)
    for command in (
        sql.CommandStatementUpdate(query=text),
        sql.CommandPreparedStatementUpdate(prepared_statement_handle=handle),
    ):
        assert where(command, session).kind is StatementKind.COMMIT
        assert where(command).kind is READ, "without a session there is nothing to end"
    prepares = sql.ActionCreatePreparedStatementRequest(query=text)
    found = of_action("CreatePreparedStatement", pack(prepares), session, known)
    assert found.kind is StatementKind.TRANSACTION


@pytest.mark.parametrize(
    "text", ["COMMITS", "END LOOP", "COMMIT AND", "SELECT 'COMMIT'", "/* COMMIT", "/**/ " * 5000]
)
def test_no_other_text_is_a_commit(text: str) -> None:
    command = sql.CommandStatementUpdate(query=text)
    assert where(command, Login("s1", HERE)).kind is StatementKind.TRANSACTION


def test_a_transaction_has_a_name_that_its_statements_and_its_end_share() -> None:
    name = transaction(SIGNERS[0], HERE)
    statement = where(sql.CommandStatementUpdate(query="DELETE FROM t", transaction_id=name))
    end = sql.ActionEndTransactionRequest(transaction_id=name)
    assert statement.transaction
    assert (
        of_action("EndTransaction", pack(end), NOBODY, known).transaction == statement.transaction
    )
    assert where(sql.CommandStatementUpdate(query="DELETE FROM t")).transaction == ""


@pytest.mark.parametrize("action", ["CancelFlightInfo", "CancelQuery", "RenewFlightEndpoint"])
def test_what_is_about_tickets_goes_to_their_node(action: str) -> None:
    handle = SIGNERS[0].sign(Kind.STATEMENT, Statement(query="SELECT 1", incarnation=HERE))
    ticket = core.Ticket(ticket=pack(sql.TicketStatementQuery(statement_handle=handle)))
    endpoint = core.FlightEndpoint(ticket=ticket)
    info = core.FlightInfo(endpoint=[endpoint])
    bodies = {
        "CancelFlightInfo": core.CancelFlightInfoRequest(info=info).SerializeToString(),
        "CancelQuery": pack(sql.ActionCancelQueryRequest(info=info.SerializeToString())),
        "RenewFlightEndpoint": core.RenewFlightEndpointRequest(
            endpoint=endpoint
        ).SerializeToString(),
    }
    assert of_action(action, bodies[action], NOBODY, known).preferred == HERE
    assert of_action(action, b"\xff\xff", NOBODY, known).preferred == ""
