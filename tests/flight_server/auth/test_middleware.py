"""Who may call: every kind of login, over the wire and at the middleware itself."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from pyarrow import flight

from flightkeeper.flight_server.auth import key_ring, keys
from flightkeeper.flight_server.auth import middleware as module
from flightkeeper.flight_server.auth.key_ring import KeySet
from flightkeeper.flight_server.auth.middleware import Authentication, CallMiddleware
from flightkeeper.flight_server.auth.passwords import Users, hash_password
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flightsql import headers
from tests.flight_server.wire_client import Clock, Served, basic, serving

_PASSWORD = "pass: wörd::"
_LIFETIME_S = 100.0
_GFI = flight.CallInfo(flight.FlightMethod.GET_FLIGHT_INFO)
_HANDSHAKE = flight.CallInfo(flight.FlightMethod.HANDSHAKE)
_USERS = Users({"ada": hash_password(_PASSWORD)})


def fresh() -> KeySet:
    """Keys of a cluster of the test's own."""
    return key_ring.decide(key_ring.first(keys.generate()), 0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authentication(clock: Clock) -> Authentication:
    return Authentication(_USERS, Tokens(fresh(), _LIFETIME_S), clock)


def start(
    authentication: Authentication, authorization: str, info: flight.CallInfo = _GFI
) -> CallMiddleware:
    return authentication.start_call(info, {"authorization": [authorization]})


def token_of(call: CallMiddleware) -> str:
    (value,) = call.sending_headers()["authorization"]
    return str(value)


@pytest.mark.parametrize("padded", [True, False])
def test_a_login_is_answered_with_a_token(authentication: Authentication, *, padded: bool) -> None:
    call = start(authentication, basic("ada", _PASSWORD, padded=padded), _HANDSHAKE)
    assert token_of(call).startswith("Bearer ")
    again = start(authentication, token_of(call))
    assert again.identity == call.identity
    assert again.sending_headers() == {}
    assert start(authentication, token_of(call), _HANDSHAKE).identity.principal == "ada"


def test_every_handshake_is_a_session_of_its_own(authentication: Authentication) -> None:
    logins = [start(authentication, basic("ada", _PASSWORD), _HANDSHAKE) for _ in range(3)]
    assert len({call.identity.session_id for call in logins}) == 3


@pytest.mark.parametrize(
    "authorization",
    [
        basic("ada", "wrong"),
        basic("ada", ""),
        basic("eve", _PASSWORD),
        basic("", _PASSWORD),
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"nocolon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic ä",
        "Bearer",
        "Bearer nonsense",
        "Negotiate x",
        "nonsense",
    ],
)
@pytest.mark.parametrize("info", [_GFI, _HANDSHAKE])
def test_everything_else_is_refused(
    authentication: Authentication, authorization: str, info: flight.CallInfo
) -> None:
    with pytest.raises(flight.FlightUnauthenticatedError):
        start(authentication, authorization, info)


def test_nothing_at_all_is_refused(authentication: Authentication) -> None:
    with pytest.raises(flight.FlightUnauthenticatedError, match="needs a login"):
        authentication.start_call(_GFI, {})


def test_a_defect_is_not_shown(
    authentication: Authentication, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> bool:
        raise RuntimeError("canary")

    monkeypatch.setattr(Users, "verify", broken)
    with pytest.raises(flight.FlightInternalError, match="has a defect") as caught:
        start(authentication, basic("ada", _PASSWORD))
    assert "canary" not in str(caught.value)


def test_a_token_is_renewed_in_the_second_half_of_its_life(
    authentication: Authentication, clock: Clock
) -> None:
    login = start(authentication, basic("ada", _PASSWORD), _HANDSHAKE)
    clock.now_s += 51
    renewed = start(authentication, token_of(login))
    assert token_of(renewed) != token_of(login)
    clock.now_s += 90
    assert start(authentication, token_of(renewed)).identity.session_id == (
        login.identity.session_id
    )
    with pytest.raises(flight.FlightUnauthenticatedError, match="expired"):
        start(authentication, token_of(login))


def test_basic_on_every_call_is_checked_rarely_and_stays_one_session(
    authentication: Authentication, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[str] = []

    def verify(self: Users, name: str, password: str) -> bool:
        del self
        checks.append(name)
        return password == _PASSWORD

    monkeypatch.setattr(Users, "verify", verify)
    sessions = set()
    for wait_s in (0, 1, 50, 1, 1000, 1):
        clock.now_s += wait_s
        call = start(authentication, basic("ada", _PASSWORD))
        assert token_of(call)
        sessions.add(call.identity.session_id)
    assert len(sessions) == 1
    assert len(checks) == 3


def test_a_password_that_changed_is_noticed(
    authentication: Authentication, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(authentication, basic("ada", _PASSWORD))
    monkeypatch.setattr(Users, "verify", lambda *_: False)
    start(authentication, basic("ada", _PASSWORD))
    clock.now_s += 51
    with pytest.raises(flight.FlightUnauthenticatedError):
        start(authentication, basic("ada", _PASSWORD))


def test_remembered_logins_are_bounded(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(module, "_BASIC_LOGINS_MAX", 2)
    everybody = Authentication(None, Tokens(fresh(), _LIFETIME_S), clock)
    for number in range(5):
        start(everybody, basic(f"user {number}"))
    assert len(everybody._basic_logins) == 2


def test_without_users_everybody_is_who_they_say(clock: Clock) -> None:
    everybody = Authentication(None, Tokens(fresh(), _LIFETIME_S), clock)
    assert start(everybody, basic("bob", "x")).identity.principal == "bob"
    anonymous = everybody.start_call(_GFI, {})
    assert (anonymous.identity.principal, anonymous.identity.session_id) == ("anonymous", "")
    with pytest.raises(flight.FlightUnauthenticatedError):
        start(everybody, "Bearer forged")


def test_what_a_call_asks_for_is_read(clock: Clock) -> None:
    everybody = Authentication(None, Tokens(fresh(), _LIFETIME_S), clock)
    plain = everybody.start_call(_GFI, {})
    assert (plain.read_only, plain.statement_id) == (False, "")
    asked = everybody.start_call(_GFI, {headers.READ_ONLY: ["1"], headers.STATEMENT_ID: ["s" * 64]})
    assert (asked.read_only, asked.statement_id) == (True, "s" * 64)


def test_long_ids_are_short_here_and_still_tell_statements_apart() -> None:
    long = ["s" * 65 + end for end in ("", "a", "b", "\ud800")]
    known = {module.known_as(each) for each in long}
    assert len(known) == len(long)
    assert {len(each) for each in known} == {64}


def test_what_is_left_for_the_end_runs_once(clock: Clock) -> None:
    call = Authentication(None, Tokens(fresh(), 100.0), clock).start_call(_GFI, {})
    ran: list[int] = []
    call.at_end.append(lambda: ran.append(1))
    call.call_completed(None)
    call.call_completed(RuntimeError())
    assert ran == [1]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("users") / "users"
    path.write_text(f"ada:{hash_password(_PASSWORD)}\n")
    with serving(users=path, insecure=False) as node:
        yield node


def test_logins_over_the_wire(guarded: Served) -> None:
    for padded in (True, False):
        with guarded.stranger(basic("ada", _PASSWORD, padded=padded)) as client:
            assert client.value("SELECT 1") == 1
            assert str(client.authorization).startswith("Bearer ")
            assert client.value("SELECT 2") == 2
    with guarded.stranger() as client:
        answer: Any = client.flight.authenticate_basic_token("ada", _PASSWORD)
        name, value = answer
        assert name == b"authorization"
        with guarded.stranger(value.decode()) as known:
            assert known.value("SELECT 3") == 3


def test_a_bearer_token_may_be_shown_in_a_handshake(guarded: Served) -> None:
    class NoMore(flight.ClientAuthHandler):
        def authenticate(self, outgoing: object, incoming: object) -> None:
            """Send nothing; read nothing."""

        def get_token(self) -> Any:
            return b""

    with guarded.stranger(basic("ada", _PASSWORD)) as client:
        client.value("SELECT 1")
        client.flight.authenticate(NoMore(), client.options())


@pytest.mark.parametrize(
    "authorization", [None, "Bearer x", "Basic !", basic("ada", "x"), basic("eve", "x")]
)
def test_strangers_learn_nothing(guarded: Served, authorization: str | None) -> None:
    with guarded.stranger(authorization) as client:
        for ask in (
            lambda: client.query("SELECT 1"),
            lambda: client.update("SELECT 1"),
            lambda: client.action("CloseSession", b""),
            lambda: list(client.flight.list_actions(client.options())),
            lambda: list(client.flight.list_flights(None, client.options())),
            lambda: client.get(b"x").read_all(),
        ):
            with pytest.raises(flight.FlightUnauthenticatedError) as caught:
                ask()
            assert "Traceback" not in str(caught.value) + str(client.received)
            assert ".py" not in str(caught.value) + str(client.received)


def test_a_login_ends_when_its_account_changes(clock: Clock) -> None:
    hashes = {"ada": hash_password(_PASSWORD)}
    live = Authentication(Users(hashes, lambda _: "1"), Tokens(fresh(), _LIFETIME_S), clock)
    token = token_of(start(live, basic("ada", _PASSWORD), _HANDSHAKE))
    plain = start(live, basic("ada", _PASSWORD))
    clock.now_s += _LIFETIME_S * 0.6
    renewed = token_of(start(live, token))
    assert start(live, renewed).identity.principal == "ada"
    hashes["ada"] = hash_password("another")
    for old in (token, renewed, token_of(plain), basic("ada", _PASSWORD)):
        with pytest.raises(flight.FlightUnauthenticatedError):
            start(live, old)
    assert start(live, basic("ada", "another")).identity.principal == "ada"
    hashes.clear()
    with pytest.raises(flight.FlightUnauthenticatedError):
        start(live, basic("ada", "another"))


def test_no_login_is_answered_with_a_token_whose_key_was_dropped(clock: Clock) -> None:
    tokens = Tokens(fresh(), _LIFETIME_S)
    authentication = Authentication(_USERS, tokens, clock)
    before = start(authentication, basic("ada", _PASSWORD))
    tokens.hold(fresh())
    after = start(authentication, basic("ada", _PASSWORD))
    assert after.identity.session_id != before.identity.session_id
    assert start(authentication, token_of(after)).identity == after.identity


def test_an_old_password_gets_no_token_of_the_new_one(
    authentication: Authentication, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps = ["old"]

    def changed_meanwhile(*_arguments: object) -> bool:
        stamps[0] = "new"
        return True

    monkeypatch.setattr(Users, "stamp", lambda *_: stamps[0])
    authentication._tokens.stamp_of = lambda _: stamps[0]
    monkeypatch.setattr(Users, "verify", changed_meanwhile)
    call = start(authentication, basic("ada", _PASSWORD), _HANDSHAKE)
    assert call.identity.stamp == "old"
    with pytest.raises(flight.FlightUnauthenticatedError):
        start(authentication, f"Bearer {call._new_token}")
