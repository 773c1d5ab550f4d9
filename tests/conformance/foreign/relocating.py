"""A server that plans nothing and delivers nothing itself: it says where the answers are.

Forwards everything but DoGet to a node and puts locations into each plan, as a server does whose
results are served elsewhere.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pyarrow import flight


class _Forwarded(flight.ServerMiddleware):
    """The login of one call, and the token that answers it."""

    def __init__(self, authorization: str, answer: str | None) -> None:
        self.authorization = authorization
        self._answer = answer

    def sending_headers(self) -> Any:
        return {"authorization": self._answer} if self._answer else {}


class _Login(flight.ServerMiddlewareFactory):
    def __init__(self, node: str) -> None:
        self._client: Any = flight.FlightClient(node)

    def start_call(self, info: Any, headers: Any) -> _Forwarded:
        sent = headers["authorization"][0]
        if info.method != flight.FlightMethod.HANDSHAKE:
            return _Forwarded(sent, None)
        _, token = self._client.authenticate_basic_token(*_credentials(sent))
        return _Forwarded(sent, token.decode())


class _AnyHandshake(flight.ServerAuthHandler):
    def authenticate(self, outgoing: Any, incoming: Any) -> None:
        incoming.read()
        outgoing.write(b"")

    def is_valid(self, token: Any) -> Any:
        del token
        return b""


class Relocating(flight.FlightServerBase):
    """Forwards plans and actions to a node; every endpoint lies at `locations`."""

    def __init__(self, node: str, locations: Sequence[str]) -> None:
        self._client: Any = flight.FlightClient(node)
        self._locations = locations
        super().__init__(
            "grpc://127.0.0.1:0",
            auth_handler=_AnyHandshake(),
            middleware={"login": _Login(node)},
        )

    @property
    def location(self) -> str:
        """Where to reach it."""
        return f"127.0.0.1:{self.port}"

    def get_flight_info(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        plan = self._client.get_flight_info(descriptor, _options(context))
        places: Any = [flight.Location(location) for location in self._locations]
        endpoints = [flight.FlightEndpoint(each.ticket, places) for each in plan.endpoints]
        return flight.FlightInfo(plan.schema, descriptor, endpoints, -1, -1)

    def do_action(self, context: flight.ServerCallContext, action: flight.Action) -> Any:
        return iter(list(self._client.do_action(action, _options(context))))


def _options(context: flight.ServerCallContext) -> flight.FlightCallOptions:
    login = context.get_middleware("login")
    assert isinstance(login, _Forwarded)
    pairs: Any = [(b"authorization", login.authorization.encode())]
    return flight.FlightCallOptions(headers=pairs)


def _credentials(basic: str) -> tuple[str, str]:
    encoded = basic.removeprefix("Basic ")
    text = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    user, _, password = text.partition(":")
    return user, password


@contextmanager
def relocating(node: str, locations: Sequence[str]) -> Iterator[Relocating]:
    """Such a server, ended at the end of the block."""
    server = Relocating(node, locations)
    try:
        yield server
    finally:
        server.shutdown()
