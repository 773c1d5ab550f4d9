"""Login tokens: EdDSA-signed JWTs that any node of the cluster verifies without asking another.

Owns minting, verification and the cache that makes verification a dictionary look-up. A token
names a principal and a session; once the session holds state on a node, the node hands out a
token with a `pin`, and no other incarnation accepts it: lost state is an error, never a fresh
session that silently lacks it.
Time is an argument (Unix seconds).
"""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

import jwt

from flightkeeper.flight_server.auth.keys import ClusterKeys
from flightkeeper.flight_server.errors import Unauthenticated

_ALGORITHM = "EdDSA"
_ISSUER = "flightkeeper"
_CACHED_MAX = 4096
_CLOCK_SKEW_S = 30.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling.

    Attributes:
        principal: the account's name.
        session_id: the session this token belongs to; unique in the cluster.
        expires_s: Unix time in seconds; infinity for callers that hold no token.
        pin: the incarnation that holds the session's state, or None while there is none.
    """

    principal: str
    session_id: str
    expires_s: float
    pin: str | None = None


class Tokens:
    """Mints and verifies login tokens. Thread-safe."""

    def __init__(self, keys: ClusterKeys, lifetime_s: float) -> None:
        self._kid = keys.kid
        self._private_key = keys.token_key
        self._public_key = self._private_key.public_key()
        self._lifetime_s = lifetime_s
        # Guards changes of the cache; looking one token up needs no lock.
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, Identity] = OrderedDict()

    def login(self, principal: str, now_s: float) -> str:
        """A token for a new session of a principal."""
        return self._mint(principal, secrets.token_hex(16), None, now_s)

    def renew(self, identity: Identity, now_s: float, pin: str | None = None) -> str:
        """A token for the same session that lives longer, and carries a pin if there is one."""
        return self._mint(identity.principal, identity.session_id, pin or identity.pin, now_s)

    def due(self, identity: Identity, now_s: float) -> bool:
        """Whether more than half of a token's life is over."""
        return identity.expires_s - now_s < self._lifetime_s / 2

    def verify(self, token: str, now_s: float) -> Identity:
        """Who the token speaks for.

        Raises:
            Unauthenticated: not ours, changed, or expired.
        """
        identity = self._cache.get(token)
        if identity is None:
            identity = self._decode(token)
            self._remember(token, identity)
        if now_s > identity.expires_s + _CLOCK_SKEW_S:
            raise Unauthenticated("the login token has expired; log in again")
        return identity

    def _mint(self, principal: str, session_id: str, pin: str | None, now_s: float) -> str:
        identity = Identity(principal, session_id, now_s + self._lifetime_s, pin)
        claims = {
            "iss": _ISSUER,
            "sub": principal,
            "sid": session_id,
            "iat": now_s,
            "exp": identity.expires_s,
        }
        if pin is not None:
            claims["pin"] = pin
        token = jwt.encode(
            claims, self._private_key, algorithm=_ALGORITHM, headers={"kid": self._kid}
        )
        self._remember(token, identity)
        return token

    def _decode(self, token: str) -> Identity:
        try:
            claims = jwt.decode(
                token,
                self._public_key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                # The caller's clock decides about expiry, in one place, also for cached tokens.
                options={
                    "require": ["sub", "sid", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            pin = claims.get("pin")
            expires_s = float(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as exc:
            raise Unauthenticated("the login token is not valid here; log in again") from exc
        return Identity(claims["sub"], str(claims["sid"]), expires_s, pin)

    def _remember(self, token: str, identity: Identity) -> None:
        with self._lock:
            self._cache[token] = identity
            while len(self._cache) > _CACHED_MAX:
                self._cache.popitem(last=False)
