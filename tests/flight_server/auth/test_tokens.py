"""Login tokens: whose they are, how long, and that nobody else can make one."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flightkeeper.flight_server.auth import key_ring, keys
from flightkeeper.flight_server.auth import tokens as module
from flightkeeper.flight_server.auth.key_ring import KeySet
from flightkeeper.flight_server.auth.revocations import Revocation, Revocations
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flight_server.errors import Unauthenticated

_KEYS = keys.generate()
_SET = key_ring.decide(key_ring.first(_KEYS), 0.0)
_NOW_S = 1_000_000.0
_LIFETIME_S = 100.0


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(_SET, _LIFETIME_S)


def test_a_login_is_known_on_every_node(tokens: Tokens) -> None:
    token = tokens.login("ada", _NOW_S)
    for node in (tokens, Tokens(_SET, 5.0)):
        identity = node.verify(token, _NOW_S)
        assert (identity.principal, identity.pin) == ("ada", None)
        assert identity.expires_s == _NOW_S + _LIFETIME_S


def test_every_login_is_a_session_of_its_own(tokens: Tokens) -> None:
    sessions = {tokens.verify(tokens.login("ada", _NOW_S), _NOW_S).session_id for _ in range(10)}
    assert len(sessions) == 10


def test_renewing_keeps_the_session_and_its_pin(tokens: Tokens) -> None:
    first = tokens.verify(tokens.login("ada", _NOW_S), _NOW_S)
    pinned = tokens.verify(tokens.renew(first, _NOW_S + 60, "life"), _NOW_S + 60)
    assert (pinned.session_id, pinned.pin) == (first.session_id, "life")
    assert pinned.expires_s == _NOW_S + 60 + _LIFETIME_S
    other = Tokens(_SET, _LIFETIME_S)
    again = other.verify(other.renew(pinned, _NOW_S), _NOW_S)
    assert (again.session_id, again.pin) == (first.session_id, "life")


def test_a_token_is_due_in_the_second_half_of_its_life(tokens: Tokens) -> None:
    identity = tokens.verify(tokens.login("ada", _NOW_S), _NOW_S)
    assert not tokens.due(identity, _NOW_S + 50)
    assert tokens.due(identity, _NOW_S + 50.1)


def test_a_token_expires_with_some_slack_cached_or_not(tokens: Tokens) -> None:
    token = tokens.login("ada", _NOW_S)
    for node in (tokens, Tokens(_SET, _LIFETIME_S)):
        node.verify(token, _NOW_S + _LIFETIME_S + 30)
        with pytest.raises(Unauthenticated, match="expired; log in again"):
            node.verify(token, _NOW_S + _LIFETIME_S + 30.1)


def _signed(key: Any, algorithm: str | None = "EdDSA", **claims: Any) -> str:
    default = {"iss": "flightkeeper", "sub": "eve", "sid": "1", "exp": _NOW_S + 50}
    merged = {**default, **claims}
    return jwt.encode(
        {name: value for name, value in merged.items() if value is not None},
        key,
        algorithm,
        headers={"kid": _KEYS.kid},
    )


def _deep_header() -> str:
    header = b'{"alg":"EdDSA","x":' + b"[" * 5000 + b"]" * 5000 + b"}"
    return base64.urlsafe_b64encode(header).decode().rstrip("=") + ".e30.AAAA"


def _changed() -> str:
    head, body, tag = Tokens(_SET, _LIFETIME_S).login("ada", _NOW_S).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["sub"] = "eve"
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{head}.{body}.{tag}"


_FORGED = {
    "empty": "",
    "garbage": "garbage",
    "dots": "...",
    "wide characters": "ä.ö.ü",
    "changed claims": _changed(),
    "no algorithm": _signed(None, None),
    "symmetric": _signed("secret" * 10, "HS256"),
    "another key": _signed(Ed25519PrivateKey.generate()),
    "another issuer": _signed(_KEYS.token_key, iss="other"),
    "no subject": _signed(_KEYS.token_key, sub=None),
    "no session": _signed(_KEYS.token_key, sid=None),
    "no expiry": _signed(_KEYS.token_key, exp=None),
    "expiry is text": _signed(_KEYS.token_key, exp="soon"),
    "expiry is a list": _signed(_KEYS.token_key, exp=[1]),
    "deep header": _deep_header(),
}


@pytest.mark.parametrize("token", _FORGED.values(), ids=_FORGED.keys())
def test_what_is_not_ours_is_refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(Unauthenticated, match="not valid here"):
        tokens.verify(token, _NOW_S)


def test_the_cache_is_bounded(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CACHED_MAX", 3)
    made = [tokens.login("ada", _NOW_S) for _ in range(10)]
    assert len(tokens._cache) == 3
    for token in made:
        assert tokens.verify(token, _NOW_S).principal == "ada"
    assert len(tokens._cache) == 3


_OTHER = keys.generate()


def test_a_token_of_any_key_in_use_is_good_until_the_key_is_dropped(tokens: Tokens) -> None:
    old = tokens.login("ada", _NOW_S)
    tokens.hold(KeySet(_OTHER, (_OTHER, _KEYS)))
    new = tokens.login("ada", _NOW_S)
    later = Tokens(KeySet(_KEYS, (_KEYS, _OTHER)), _LIFETIME_S)
    for token in (old, new):
        assert tokens.verify(token, _NOW_S) == later.verify(token, _NOW_S)
    tokens.hold(KeySet(_OTHER, (_OTHER,)))
    assert tokens.verify(new, _NOW_S).principal == "ada"
    with pytest.raises(Unauthenticated, match="its key is unknown or no longer in use; log in"):
        tokens.verify(old, _NOW_S)


def test_other_keys_are_asked_for_before_a_token_is_refused(tokens: Tokens) -> None:
    token = Tokens(KeySet(_OTHER, (_OTHER,)), _LIFETIME_S).login("ada", _NOW_S)

    def look_again() -> None:
        tokens.hold(KeySet(_KEYS, (_KEYS, _OTHER)))

    tokens.look_again = look_again
    assert tokens.verify(token, _NOW_S).principal == "ada"


def test_a_revoked_login_is_out_cached_and_renewed(tokens: Tokens) -> None:
    first = tokens.login("ada", _NOW_S)
    renewed = tokens.renew(tokens.verify(first, _NOW_S), _NOW_S + 50)
    entry = Revocation(_NOW_S + 20, _NOW_S + 1000)
    tokens.revoked = Revocations().with_user("ada", entry, _NOW_S)
    for token in (first, renewed):
        with pytest.raises(Unauthenticated, match="revoked; log in again"):
            tokens.verify(token, _NOW_S)
    again = tokens.verify(tokens.login("ada", _NOW_S + 20), _NOW_S + 20)
    tokens.revoked = Revocations().with_login(again.session_id, entry, _NOW_S)
    assert tokens.is_revoked(again)
    assert not tokens.stands(again)
    assert tokens.verify(first, _NOW_S).principal == "ada"


def test_tokens_of_earlier_versions_have_the_time_they_were_made(tokens: Tokens) -> None:
    token = _signed(_KEYS.token_key, iat=_NOW_S - 5)
    assert tokens.verify(token, _NOW_S).logged_in_s == _NOW_S - 5


def test_a_token_keeps_the_stamp_of_the_account_that_logged_in(tokens: Tokens) -> None:
    assert tokens.verify(tokens.login("ada", _NOW_S), _NOW_S).stamp == ""
    tokens.stamp_of = lambda name: f"stamp of {name}"
    first = tokens.verify(tokens.login("ada", _NOW_S), _NOW_S)
    other = Tokens(_SET, _LIFETIME_S)
    again = other.verify(tokens.renew(first, _NOW_S, "life"), _NOW_S)
    assert (again.stamp, again.pin) == ("stamp of ada", "life")
