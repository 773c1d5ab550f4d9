"""The outer skin of the gateway: what a call brought along, logins, and what is due at its end.

A login is answered here by asking a node; the gateway itself knows no password and no key. Every
other call is only taken down: the node that gets it judges it.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyarrow import flight

from flightkeeper.client.gateway.passing import AUTHORIZATION, Pair, onward

MIDDLEWARE = "flightkeeper-gateway"
"""The key under which the service finds the `Passing` of a call."""

Received = Mapping[str, Sequence[Any]]
LogIn = Callable[[str, str], str]
"""From user and password to the value of an authorization header."""
Show = Callable[[Sequence[Pair]], str]
"""Has a node look at a token; the newer one that it answers, or "". """


class Passing(flight.ServerMiddleware):
    """One call: its headers, and what is to be done when it is over."""

    def __init__(self, received: Received, token: str = "") -> None:
        self.sent = list(onward(received))
        self.at_end: list[Callable[[], None]] = []
        self._token = token

    def sending_headers(self) -> dict[str, list[str] | list[bytes]]:
        """Hands out the token of a login."""
        return {AUTHORIZATION: [self._token]} if self._token else {}

    def call_completed(self, exception: Exception | None) -> None:
        """Runs what the service left for the end of the call; gRPC's own thread calls this."""
        del exception
        while self.at_end:
            self.at_end.pop()()


class Entrance(flight.ServerMiddlewareFactory):
    """Takes calls down, and answers logins. Thread-safe."""

    def __init__(self, log_in: LogIn, show: Show) -> None:
        """Both raise what is to be answered."""
        self._log_in = log_in
        self._show = show

    def start_call(self, info: flight.CallInfo, headers: Received) -> Passing:
        """Let the call in; a login that a node refuses is refused here."""
        if info.method != flight.FlightMethod.HANDSHAKE:
            return Passing(headers)
        scheme, _, credentials = str(headers.get(AUTHORIZATION, ("",))[0]).partition(" ")
        match scheme.lower():
            case "basic":
                return Passing(headers, self._log_in(*_user_and_password(credentials)))
            case "bearer":
                return Passing(headers, self._show(list(onward(headers))))
            case _:
                return Passing(headers)


def _user_and_password(credentials: str) -> tuple[str, str]:
    """Go clients leave out the padding, passwords may hold colons."""
    try:
        padded = credentials + "=" * (-len(credentials) % 4)
        name, _, password = base64.b64decode(padded, validate=True).decode().partition(":")
    except ValueError:
        raise flight.FlightUnauthenticatedError(
            "the Basic credentials are not base64 of user:password"
        ) from None
    return name, password


class Handshake(flight.ServerAuthHandler):
    """Makes pyarrow answer Handshake; the middleware has done the work by then.

    Spec: the Rust client accepts at most one message and older ones demanded exactly one.
    """

    def authenticate(self, outgoing: Any, incoming: Any) -> None:
        """Answer with one empty message."""
        del incoming
        outgoing.write(b"")

    def is_valid(self, token: Any) -> Any:
        """Accept: nodes judge. What is returned becomes `peer_identity`."""
        del token
        return b""
