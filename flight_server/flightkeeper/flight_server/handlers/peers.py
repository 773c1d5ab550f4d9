"""What nodes ask each other: rows of system tables, and to end something.

Only who has the cluster's secret can ask; whoever is logged in besides is of no account.
"""

from collections.abc import Iterator

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flight_server.system.collecting import Collecting
from flightkeeper.flight_server.system.killing import Ends
from flightkeeper.flight_server.system.requests import Requests
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Signed


class PeerRequests:
    """Serves other nodes. Thread-safe."""

    def __init__(self, requests: Requests, collecting: Collecting, ends: Ends) -> None:
        self._requests = requests
        self._collecting = collecting
        self._ends = ends

    def routes(self) -> Routes:
        """What this family serves."""
        action = Action(
            Signed,
            self._serve,
            "Answers another node of the cluster; nobody else can ask.",
            packed=False,
            silent=True,
        )
        return Routes(actions={headers.PEER_ACTION: action})

    def _serve(self, call: Call, signed: Signed) -> Iterator[bytes]:
        del call
        request = self._requests.open(signed.handle)
        if request.statement_id or request.session_id:
            yield self._ends.asked(request).value.encode()
        else:
            yield from self._collecting.answer(request.tables)
