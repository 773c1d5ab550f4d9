"""Where a call has to go, read from what it carries; and whether it may go there more than once.

A call carries signed names: a login's token, a transaction's id, a handle, a ticket. What they are
about can be read without the cluster's secrets, and that is enough to choose whom to ask: the node
that is asked verifies them. Pure; knows nothing of which nodes there are.
"""

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b

from google.protobuf.message import Message

from flightkeeper.client.failover import StatementKind
from flightkeeper.flightsql.messages import MalformedMessage, parse, unpack
from flightkeeper.flightsql.tickets import unverified
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement, Transaction

_BEARER = "bearer "
_KEY_BYTES = 16

Known = Callable[[str], bool]
"""Whether an incarnation is that of a node which is there."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call goes.

    Attributes:
        kind: what may be done about its failure.
        pinned: the only incarnation that can serve it; "" = any.
        preferred: the incarnation to ask first; "" = whichever.
        session: names the caller's session in a gateway's memory; "" = it has none.
        handle: names the prepared statement in a gateway's memory; "" = there is none.
        transaction: names the transaction in a gateway's memory; "" = the call names none.
    """

    kind: StatementKind = StatementKind.READ
    pinned: str = ""
    preferred: str = ""
    session: str = ""
    handle: str = ""
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """What a bearer token says.

    Attributes:
        session: whose session it is.
        pin: the incarnation that holds its state; "" = it has none.
        expires_s: until when it is good, Unix time in seconds; 0 = not said.
    """

    session: str = ""
    pin: str = ""
    expires_s: float = 0.0


def login(authorization: str) -> Login:
    """What the value of an authorization header says, as far as it can be read."""
    if not authorization.lower().startswith(_BEARER):
        return Login()
    claims: object = None
    with suppress(IndexError, ValueError, binascii.Error):
        payload = authorization[len(_BEARER) :].split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if not isinstance(claims, Mapping):
        return Login()
    expires_s = 0.0
    with suppress(TypeError, ValueError, OverflowError):
        expires_s = float(claims.get("exp") or 0)
    return Login(str(claims.get("sid") or ""), str(claims.get("pin") or ""), expires_s)


def of_command(data: bytes, kind: StatementKind, who: Login, known: Known) -> Destination:
    """Where a packed command or ticket goes.

    Args:
        kind: what it is when neither a session nor a transaction ties it to a node.
    """
    try:
        message = unpack(data)
    except MalformedMessage:
        # Whoever is asked says what is wrong with it.
        return _to(kind, who.pin, who, known)
    handle = getattr(message, "prepared_statement_handle", b"")
    transaction_id = _transaction_id(message)
    home = _home(transaction_id, known) or who.pin
    to = _to(kind, home, who, known, _owner(message, known), _key(handle))
    if to.pinned and _commits(message):
        to = replace(to, kind=StatementKind.COMMIT)
    return replace(to, transaction=_key(transaction_id))


def of_action(name: str, body: bytes, who: Login, known: Known) -> Destination:
    """Where an action goes."""
    kind = _ACTIONS.get(name, StatementKind.WRITE)
    if name in _ABOUT_TICKETS:
        tickets = _tickets(name, body)
        owner = next(filter(None, (_owner(ticket, known) for ticket in tickets)), "")
        return _to(kind, who.pin, who, known, owner)
    return of_command(body, kind, who, known)


def _to(
    kind: StatementKind, home: str, who: Login, known: Known, owner: str = "", handle: str = ""
) -> Destination:
    # A home that is gone is told of by whoever is asked, in the words of nodes.
    if home and known(home):
        return Destination(StatementKind.TRANSACTION, home, home, who.session, handle)
    return Destination(kind, "", owner, who.session, handle)


_ACTIONS: Mapping[str, StatementKind] = {
    # What these leave behind on a node that is lost is lost as well, and nobody knows its name.
    "BeginTransaction": StatementKind.BEGIN,
    "CreatePreparedStatement": StatementKind.BEGIN,
    "CreatePreparedSubstraitPlan": StatementKind.BEGIN,
    "SetSessionOptions": StatementKind.BEGIN,
    # Once more does no harm.
    "ClosePreparedStatement": StatementKind.BEGIN,
    "GetSessionOptions": StatementKind.BEGIN,
    "CloseSession": StatementKind.BEGIN,
    "CancelFlightInfo": StatementKind.BEGIN,
    "CancelQuery": StatementKind.BEGIN,
    "RenewFlightEndpoint": StatementKind.BEGIN,
    "flightkeeper.Probe": StatementKind.BEGIN,
    "flightkeeper.CancelStatement": StatementKind.BEGIN,
}
_RUNNING = (
    sql.CommandStatementQuery,
    sql.CommandStatementUpdate,
    sql.CommandPreparedStatementQuery,
    sql.CommandPreparedStatementUpdate,
)
# Each text is read in one way only, so that no long one takes long.
_SPACE = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/)"
_COMMIT = re.compile(
    rf"{_SPACE}*(?:COMMIT|END)(?:{_SPACE}+(?:TRANSACTION|TRAN|WORK))?(?:{_SPACE}|;)*", re.IGNORECASE
)
_ABOUT_TICKETS = frozenset({"CancelFlightInfo", "CancelQuery", "RenewFlightEndpoint"})


def _commits(message: Message) -> bool:
    """Whether it ends a transaction, by an action or as SQL."""
    if isinstance(message, sql.ActionEndTransactionRequest):
        return message.action == sql.ActionEndTransactionRequest.END_TRANSACTION_COMMIT
    if not isinstance(message, _RUNNING):
        return False
    texts = [getattr(message, "query", ""), *(body.query for body in _statements(message))]
    return any(_COMMIT.fullmatch(text) for text in texts)


def _tickets(name: str, body: bytes) -> list[Message]:
    found: list[Message] = []
    with suppress(MalformedMessage):
        match name:
            case "RenewFlightEndpoint":
                endpoints = [parse(core.RenewFlightEndpointRequest, body).endpoint]
            case "CancelFlightInfo":
                endpoints = list(parse(core.CancelFlightInfoRequest, body).info.endpoint)
            case _:
                info = getattr(unpack(body), "info", b"")
                endpoints = list(parse(core.FlightInfo, info).endpoint)
        found = [unpack(endpoint.ticket.ticket) for endpoint in endpoints]
    return found


def _transaction_id(message: Message) -> bytes:
    """The id of the transaction that a command is part of; empty if it names none."""
    named: bytes = getattr(message, "transaction_id", b"")
    return named or next((b.transaction_id for b in _statements(message) if b.transaction_id), b"")


def _home(transaction_id: bytes, known: Known) -> str:
    """The incarnation that holds a transaction, or ""."""
    if not transaction_id:
        return ""
    readings = unverified(transaction_id, Transaction)
    return next((body.incarnation for body in readings if known(body.incarnation)), "")


def _owner(message: Message, known: Known) -> str:
    """The incarnation that has the answer of a ticket, or ""."""
    return next((b.incarnation for b in _statements(message) if known(b.incarnation)), "")


def _statements(message: Message) -> list[Statement]:
    """The readings of a ticket or handle."""
    for name in ("statement_handle", "prepared_statement_handle"):
        if handle := getattr(message, name, b""):
            return list(unverified(handle, Statement))
    return []


def _key(handle: bytes) -> str:
    return blake2b(handle, digest_size=_KEY_BYTES).hexdigest() if handle else ""
