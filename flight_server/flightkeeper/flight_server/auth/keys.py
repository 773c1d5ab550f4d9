"""The cluster's keys: one for login tokens, one for tickets and handles.

Owns their document (JSON) and where it comes from: a file, the registry, or chance. Every node of
a cluster holds the same ones, which is what lets any node redeem what another issued.
"""

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flightsql.tickets import SECRET_BYTES, Signer

_SEED_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class ClusterKeys:
    """The keys of one cluster.

    Attributes:
        kid: names this set of keys in token headers.
        token_seed: Ed25519 seed, 32 bytes.
        ticket_secret: BLAKE2b key, 32 bytes.
    """

    kid: str
    token_seed: bytes
    ticket_secret: bytes

    @property
    def signer(self) -> Signer:
        """Signs tickets and handles."""
        return Signer(self.ticket_secret)

    @property
    def token_key(self) -> Ed25519PrivateKey:
        """Signs and verifies login tokens."""
        return Ed25519PrivateKey.from_private_bytes(self.token_seed)


def generate() -> ClusterKeys:
    """New random keys."""
    return ClusterKeys(
        kid=secrets.token_hex(8),
        token_seed=secrets.token_bytes(_SEED_BYTES),
        ticket_secret=secrets.token_bytes(SECRET_BYTES),
    )


def encode(keys: ClusterKeys) -> bytes:
    """The document that carries the keys: JSON, with the binary parts in base64."""
    return json.dumps(
        {
            "kid": keys.kid,
            "token_seed": base64.b64encode(keys.token_seed).decode(),
            "ticket_secret": base64.b64encode(keys.ticket_secret).decode(),
        }
    ).encode()


def decode(document: bytes) -> ClusterKeys:
    """Read the document back.

    Raises:
        StartFailed: it is not such a document; its content is not repeated.
    """
    try:
        fields = json.loads(document)
        keys = ClusterKeys(
            kid=str(fields["kid"]),
            token_seed=base64.b64decode(fields["token_seed"], validate=True),
            ticket_secret=base64.b64decode(fields["ticket_secret"], validate=True),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise StartFailed("the cluster key document is damaged; replace it on all nodes") from exc
    if (len(keys.token_seed), len(keys.ticket_secret)) != (_SEED_BYTES, SECRET_BYTES):
        raise StartFailed("the cluster key document holds keys of the wrong length")
    return keys


def read_file(path: Path) -> ClusterKeys:
    """The keys in a file made by `encode`.

    Raises:
        StartFailed: the file cannot be read, or others than its owner can read it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise StartFailed(f"{path} can be read by others; run: chmod 600 {path}")
        return decode(path.read_bytes())
    except OSError as exc:
        raise StartFailed(f"the key file {path} cannot be read: {exc.strerror}") from exc
