"""Login tokens: whose they are, how long, and that nobody else can make one."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flightkeeper.flight_server.auth import keys
from flightkeeper.flight_server.auth import tokens as module
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flight_server.errors import Unauthenticated

_KEYS = keys.generate()
_NOW_S = 1_000_000.0
_LIFETIME_S = 100.0


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(_KEYS, _LIFETIME_S)


def test_a_login_is_known_on_every_node(tokens: Tokens) -> None:
    token = tokens.login("ada", _NOW_S)
    for node in (tokens, Tokens(_KEYS, 5.0)):
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
    other = Tokens(_KEYS, _LIFETIME_S)
    again = other.verify(other.renew(pinned, _NOW_S), _NOW_S)
    assert (again.session_id, again.pin) == (first.session_id, "life")


def test_a_token_is_due_in_the_second_half_of_its_life(tokens: Tokens) -> None:
    identity = tokens.verify(tokens.login("ada", _NOW_S), _NOW_S)
    assert not tokens.due(identity, _NOW_S + 50)
    assert tokens.due(identity, _NOW_S + 50.1)


def test_a_token_expires_with_some_slack_cached_or_not(tokens: Tokens) -> None:
    token = tokens.login("ada", _NOW_S)
    for node in (tokens, Tokens(_KEYS, _LIFETIME_S)):
        node.verify(token, _NOW_S + _LIFETIME_S + 30)
        with pytest.raises(Unauthenticated, match="expired; log in again"):
            node.verify(token, _NOW_S + _LIFETIME_S + 30.1)


def _signed(key: Any, algorithm: str | None = "EdDSA", **claims: Any) -> str:
    default = {"iss": "flightkeeper", "sub": "eve", "sid": "1", "exp": _NOW_S + 50}
    merged = {**default, **claims}
    return jwt.encode(
        {name: value for name, value in merged.items() if value is not None}, key, algorithm
    )


def _deep_header() -> str:
    header = b'{"alg":"EdDSA","x":' + b"[" * 5000 + b"]" * 5000 + b"}"
    return base64.urlsafe_b64encode(header).decode().rstrip("=") + ".e30.AAAA"


def _changed() -> str:
    head, body, tag = Tokens(_KEYS, _LIFETIME_S).login("ada", _NOW_S).split(".")
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
    with pytest.raises(Unauthenticated, match="not valid here; log in again"):
        tokens.verify(token, _NOW_S)


def test_the_cache_is_bounded(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CACHED_MAX", 3)
    made = [tokens.login("ada", _NOW_S) for _ in range(10)]
    assert len(tokens._cache) == 3
    for token in made:
        assert tokens.verify(token, _NOW_S).principal == "ada"
    assert len(tokens._cache) == 3
