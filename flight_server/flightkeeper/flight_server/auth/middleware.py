"""The middleware: finds out who is calling before a handler runs.

Owns the `authorization` header in both directions. Basic is checked against the users file and
answered with a Bearer token; Bearer is verified. Runs for every call, Handshake included, so it
must cost microseconds for a token it has seen.
"""

import base64
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from pyarrow import flight

from flightkeeper.flight_server.auth.passwords import Users
from flightkeeper.flight_server.auth.tokens import Identity, Tokens
from flightkeeper.flight_server.errors import (
    DEFECT,
    Internal,
    NodeError,
    Unauthenticated,
    to_wire,
)
from flightkeeper.flight_server.options import Options
from flightkeeper.flightsql import headers as names

MIDDLEWARE = "flightkeeper"
"""The key under which handlers find the `CallMiddleware` of their call."""

_log = structlog.get_logger(__name__)

_ANONYMOUS = Identity("anonymous", "", float("inf"))
_BASIC_LOGINS_MAX = 256
_STATEMENT_ID_MAX = 64

Headers = Mapping[str, Sequence[Any]]


class CallMiddleware(flight.ServerMiddleware):
    """One call: who makes it, what its headers ask for, and what is to be done when it ends.

    Attributes:
        cancelled: another call asked for its end.
        account: the id of the caller's account; empty where names are all there is.
        options: what its statements run under, once that is known.
        changes: how many changes of the lake it has begun.
        commit_told: whether any node can tell of the COMMIT of the transaction that it leaves open;
            None = it has changed nothing in one.
    """

    def __init__(
        self, identity: Identity, new_token: str | None, headers: Headers, account: str = ""
    ) -> None:
        self.identity = identity
        self.account = account
        self.at_end: list[Callable[[], None]] = []
        self.headers = headers
        self.cancelled = False
        self.options: Options | None = None
        self.changes = 0
        self.commit_told: bool | None = None
        self._new_token = new_token

    @property
    def read_only(self) -> bool:
        """The caller wants statements refused that are not pure reads."""
        return names.READ_ONLY in self.headers

    @property
    def stateless(self) -> bool:
        """The caller wants statements refused that leave state in the session."""
        return names.STATELESS in self.headers

    @property
    def statement_id(self) -> str:
        """What the caller calls its statement; empty if it does not say."""
        return known_as(str(self.headers.get(names.STATEMENT_ID, ("",))[0]))

    @property
    def sent_before(self) -> bool | None:
        """Whether another node may have run this before; None if the caller does not say."""
        told = self.headers.get(names.SENT_BEFORE)
        return None if told is None else str(told[0]) == "1"

    def sending_headers(self) -> dict[str, list[str] | list[bytes]]:
        """Hands out the token of a login, or a renewed one."""
        return {} if self._new_token is None else {"authorization": [f"Bearer {self._new_token}"]}

    def call_completed(self, exception: Exception | None) -> None:
        """Runs what handlers left for the end of the call; gRPC's own thread calls this."""
        del exception
        # Emptied, because the actions refer to the call: a cycle would wait for the collector.
        while self.at_end:
            self.at_end.pop()()


class Authentication(flight.ServerMiddlewareFactory):
    """Authenticates each call. Thread-safe."""

    def __init__(
        self, users: Users | None, tokens: Tokens, wall_clock_s: Callable[[], float]
    ) -> None:
        """Without users everybody is let in, under the name they give."""
        self._users = users
        if users is not None:
            tokens.stamp_of = users.stamp
        self._tokens = tokens
        self._now_s = wall_clock_s
        # Guards `_basic_logins`.
        self._lock = threading.Lock()
        self._basic_logins: OrderedDict[bytes, tuple[Identity, str]] = OrderedDict()

    def start_call(self, info: flight.CallInfo, headers: Headers) -> CallMiddleware:
        """Let the call in, or refuse it with UNAUTHENTICATED."""
        try:
            handshake = info.method == flight.FlightMethod.HANDSHAKE
            identity, new_token = self._identify(headers, handshake=handshake)
            account = self.account(identity.principal)
        except NodeError as error:
            raise to_wire(error) from None
        except Exception as exc:  # noqa: BLE001 - a border: nothing may pass unconverted
            _log.error("defect", exc_info=exc)
            raise to_wire(Internal(DEFECT)) from None
        return CallMiddleware(identity, new_token, headers, account)

    def account(self, principal: str) -> str:
        """The id of the account that has a name now; empty where names are all there is."""
        return "" if self._users is None else self._users.account(principal)

    def forget(self, session_id: str) -> None:
        """Let the password that began a session on ordinary calls begin another one."""
        with self._lock:
            known = self._basic_logins.items()
            for digest in [key for key, (who, _) in known if who.session_id == session_id]:
                del self._basic_logins[digest]

    def _identify(self, headers: Headers, *, handshake: bool) -> tuple[Identity, str | None]:
        scheme, _, credentials = str(headers.get("authorization", ("",))[0]).partition(" ")
        match scheme.lower():
            case "bearer":
                return self._bearer(credentials)
            case "basic" if handshake:
                return self._login(*_basic_credentials(credentials))
            case "basic":
                return self._basic(credentials)
            case "" if self._users is None:
                return _ANONYMOUS, None
            case "":
                raise Unauthenticated("this service needs a login: send a user and a password")
            case _:
                raise Unauthenticated("use Basic or Bearer in the authorization header")

    def _bearer(self, token: str) -> tuple[Identity, str | None]:
        now_s = self._now_s()
        identity = self._tokens.verify(token, now_s)
        self._check_account(identity)
        renewed = self._tokens.renew(identity, now_s) if self._tokens.due(identity, now_s) else None
        return identity, renewed

    def _login(self, name: str, password: str) -> tuple[Identity, str]:
        # From before the check: who shows an old password gets no token of the new one.
        stamp = self._tokens.stamp_of(name)
        self._check_password(name, password)
        now_s = self._now_s()
        token = self._tokens.login(name, now_s, stamp)
        return self._tokens.verify(token, now_s), token

    def _basic(self, credentials: str) -> tuple[Identity, str]:
        """Basic on an ordinary call: the password is checked rarely, and its session goes on."""
        digest = hashlib.sha256(credentials.encode()).digest()
        with self._lock:
            known = self._basic_logins.get(digest)
        if known is not None and not self._tokens.stands(known[0]):
            known = None
        now_s = self._now_s()
        if known is not None and not self._current(known[0]):
            known = None
        if known is not None and not self._tokens.due(known[0], now_s):
            return known
        name, password = _basic_credentials(credentials)
        if known is None:
            login = self._login(name, password)
        else:
            self._check_password(name, password)
            token = self._tokens.renew(known[0], now_s)
            login = self._tokens.verify(token, now_s), token
        with self._lock:
            self._basic_logins[digest] = login
            while len(self._basic_logins) > _BASIC_LOGINS_MAX:
                self._basic_logins.popitem(last=False)
        return login

    def _check_account(self, identity: Identity) -> None:
        if not self._current(identity):
            raise Unauthenticated(
                "this login has ended, because the account was dropped or has another password; "
                "log in again"
            )

    def _current(self, identity: Identity) -> bool:
        """Whether the account is the one that logged in."""
        return self._users is None or self._users.stamp(identity.principal) == identity.stamp

    def _check_password(self, name: str, password: str) -> None:
        if self._users is not None and not self._users.verify(name, password):
            raise Unauthenticated("unknown user or wrong password")


class Handshake(flight.ServerAuthHandler):
    """Makes pyarrow answer Handshake; the middleware has done the work by then.

    Spec: clients read the token from the answer's headers; the Rust client accepts at most one
    message and older ones demanded exactly one.
    """

    def authenticate(self, outgoing: Any, incoming: Any) -> None:
        """Answer with one empty message."""
        del incoming
        outgoing.write(b"")

    def is_valid(self, token: Any) -> Any:
        """Accept: calls are judged in the middleware. What is returned becomes `peer_identity`."""
        del token
        return b""


def known_as(statement_id: str) -> str:
    """What a client's id of a statement is called here: itself, or its hash if it is long.

    Ids are kept and shown, so that they must be short; but no two of them may become one.
    """
    if len(statement_id) <= _STATEMENT_ID_MAX:
        return statement_id
    return hashlib.sha256(statement_id.encode(errors="surrogatepass")).hexdigest()


def _basic_credentials(credentials: str) -> tuple[str, str]:
    """User and password; Go clients leave out the padding, passwords may hold colons."""
    try:
        padded = credentials + "=" * (-len(credentials) % 4)
        name, colon, password = base64.b64decode(padded, validate=True).decode().partition(":")
    except ValueError as exc:
        raise Unauthenticated("the Basic credentials are not base64 of user:password") from exc
    if not colon or not name:
        raise Unauthenticated("the Basic credentials are not base64 of user:password")
    return name, password
