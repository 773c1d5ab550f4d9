"""Where clients are told to fetch a result: straight from the nodes, or here. Pure.

Spec: an endpoint's locations are equal to each other; without any, and where the reuse URI stands,
it is fetched from where it was planned. ADBC tries them in order and the reuse URI last, JDBC in
order, ODBC only the first; so the node that has the answer comes first and the gateway last.
"""

from collections.abc import Sequence

from flightkeeper.client.parts import REUSE_CONNECTION
from flightkeeper.flightsql.messages import MalformedMessage, unpack
from flightkeeper.flightsql.wire.flight_pb2 import FlightInfo
from flightkeeper.flightsql.wire.flight_sql_pb2 import TicketStatementQuery

REPLICAS_MAX = 2
"""Beside the owner: a driver waits for each that does not answer, and keeps twenty at most."""
SMALL_ROWS = 1000
"""Fetching so little through the gateway is quicker than opening a connection to a node."""


def directed(info: bytes, owner: str, replicas: Sequence[str]) -> bytes:
    """A serialized FlightInfo whose results are fetched from the nodes.

    Args:
        owner: location of the node that has the answer.
        replicas: of others that can give the same answer.
    """
    message = FlightInfo.FromString(info)
    if 0 <= message.total_records <= SMALL_ROWS:
        return info
    for endpoint in message.endpoint:
        if not endpoint.location and _is_statement(endpoint.ticket.ticket):
            for uri in (owner, *replicas[:REPLICAS_MAX], REUSE_CONNECTION):
                endpoint.location.add(uri=uri)
    return message.SerializeToString()


def _is_statement(ticket: bytes) -> bool:
    """Whether a ticket is one of a statement; others are for little tables about tables."""
    try:
        return isinstance(unpack(ticket), TicketStatementQuery)
    except MalformedMessage:
        return False
