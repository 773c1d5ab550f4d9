"""Login tokens: EdDSA-signed JWTs that any node of the cluster verifies without asking another.

Owns minting, verification under every key in use, revocation, and the cache that makes verification
a dictionary look-up. A token names a principal and a session; once the session holds state on a
node, the node hands out a token with a `pin`, and no other incarnation accepts it: lost state is an
error, never a fresh session that silently lacks it.
Time is an argument (Unix seconds).
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from flightkeeper.flight_server.auth.key_ring import KeySet
from flightkeeper.flight_server.auth.revocations import Revocations
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
        logged_in_s: when the password was checked, Unix time in seconds.
        kid: names the key that vouches for it.
        stamp: of the account when it logged in, from `Users.stamp`.
    """

    principal: str
    session_id: str
    expires_s: float
    pin: str | None = None
    logged_in_s: float = 0.0
    kid: str = ""
    stamp: str = ""


class Tokens:
    """Mints and verifies login tokens. Thread-safe.

    Attributes:
        look_again: called when a token names an unknown key, to get those there are now.
        revoked: the logins that are good no more; replaced as a whole.
    """

    def __init__(self, keys: KeySet, lifetime_s: float) -> None:
        self.look_again: Callable[[], None] = lambda: None
        self.revoked = Revocations()
        self._lifetime_s = lifetime_s
        self.hold(keys)
        # Guards changes of the cache; looking one token up needs no lock.
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, Identity] = OrderedDict()
        # Of the accounts that log in; set by who knows them.
        self.stamp_of: Callable[[str], str] = lambda _: ""

    def hold(self, keys: KeySet) -> None:
        """Mint with one key from now on, and verify under any of them, cached or not."""
        # Each is replaced as a whole, the keys to verify under first.
        self._public_keys: Mapping[str, Ed25519PublicKey] = {
            key.kid: key.token_key.public_key() for key in keys.verifying
        }
        self._signing = keys.signing.kid, keys.signing.token_key

    def login(self, principal: str, now_s: float, stamp: str | None = None) -> str:
        """A token for a new session of a principal.

        Args:
            stamp: of the account when it showed who it is; None = as it is now.
        """
        stamp = self.stamp_of(principal) if stamp is None else stamp
        begun = Identity(principal, secrets.token_hex(16), now_s, logged_in_s=now_s, stamp=stamp)
        return self.renew(begun, now_s)

    def renew(self, identity: Identity, now_s: float, pin: str | None = None) -> str:
        """A token for the same session that lives longer, and carries a pin if there is one."""
        kid, private_key = self._signing
        renewed = replace(
            identity, expires_s=now_s + self._lifetime_s, pin=pin or identity.pin, kid=kid
        )
        token = jwt.encode(
            _claims(renewed, now_s), private_key, algorithm=_ALGORITHM, headers={"kid": kid}
        )
        self._remember(token, renewed)
        return token

    def due(self, identity: Identity, now_s: float) -> bool:
        """Whether more than half of a token's life is over."""
        return identity.expires_s - now_s < self._lifetime_s / 2

    def verify(self, token: str, now_s: float) -> Identity:
        """Who the token speaks for.

        Raises:
            Unauthenticated: not ours, changed, expired or revoked.
        """
        identity = self._cache.get(token)
        # The key may have been dropped since the token was verified.
        if identity is None or identity.kid not in self._public_keys:
            identity = self._decode(token)
            self._remember(token, identity)
        if self.is_revoked(identity):
            raise Unauthenticated("this login was revoked; log in again")
        if now_s > identity.expires_s + _CLOCK_SKEW_S:
            raise Unauthenticated("the login token has expired; log in again")
        return identity

    def is_revoked(self, identity: Identity) -> bool:
        """Whether a login that was good is so no more."""
        return self.revoked.cover(identity.principal, identity.session_id, identity.logged_in_s)

    def stands(self, identity: Identity) -> bool:
        """Whether a login that was good is still: not revoked, and its key is in use."""
        return identity.kid in self._public_keys and not self.is_revoked(identity)

    def _key(self, token: str) -> tuple[str, Ed25519PublicKey]:
        """The key that a token names.

        Raises:
            Unauthenticated: no such key is in use.
        """
        kid = str(jwt.get_unverified_header(token).get("kid", ""))
        known = self._public_keys.get(kid)
        if known is None:
            self.look_again()
            known = self._public_keys.get(kid)
        if known is None:
            raise Unauthenticated(
                "the login token is not valid here: its key is unknown or no longer in use; log in "
                "again"
            )
        return kid, known

    def _decode(self, token: str) -> Identity:
        try:
            kid, public_key = self._key(token)
            claims = jwt.decode(
                token,
                public_key,
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
            stamp = str(claims.get("acc", ""))
            expires_s = float(claims["exp"])
            # Tokens of earlier versions say only when they were made.
            logged_in_s = float(claims.get("auth_time", claims.get("iat", 0)))
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as exc:
            raise Unauthenticated("the login token is not valid here; log in again") from exc
        return Identity(claims["sub"], str(claims["sid"]), expires_s, pin, logged_in_s, kid, stamp)

    def _remember(self, token: str, identity: Identity) -> None:
        with self._lock:
            self._cache[token] = identity
            while len(self._cache) > _CACHED_MAX:
                self._cache.popitem(last=False)


def _claims(identity: Identity, now_s: float) -> dict[str, Any]:
    claims = {
        "iss": _ISSUER,
        "sub": identity.principal,
        "sid": identity.session_id,
        "iat": now_s,
        "auth_time": identity.logged_in_s,
        "exp": identity.expires_s,
    }
    optional = {"pin": identity.pin, "acc": identity.stamp}
    return claims | {name: value for name, value in optional.items() if value}
