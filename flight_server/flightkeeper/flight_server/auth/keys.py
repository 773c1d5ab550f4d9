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
from flightkeeper.flightsql.tickets import MARK_BYTES, SECRET_BYTES, Signer, TicketKey

_SEED_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class ClusterKeys:
    """The keys of one cluster.

    Attributes:
        kid: names this set of keys in token headers.
        token_seed: Ed25519 seed, 32 bytes.
        ticket_secret: BLAKE2b key, 32 bytes.
        handle_mark: what handles name it by, 4 bytes. Those of a cluster's first keys name none,
            which is what every handle was like before keys could be rotated.
    """

    kid: str
    token_seed: bytes
    ticket_secret: bytes
    handle_mark: bytes = b""

    @property
    def signer(self) -> Signer:
        """Signs tickets and handles."""
        return Signer(self.ticket_key)

    @property
    def ticket_key(self) -> TicketKey:
        """Signs and verifies tickets and handles."""
        return TicketKey(self.ticket_secret, self.handle_mark)

    @property
    def token_key(self) -> Ed25519PrivateKey:
        """Signs and verifies login tokens."""
        return Ed25519PrivateKey.from_private_bytes(self.token_seed)


def generate(*, marked: bool = False) -> ClusterKeys:
    """New random keys.

    Args:
        marked: for a cluster that has others already.
    """
    return ClusterKeys(
        kid=secrets.token_hex(8),
        token_seed=secrets.token_bytes(_SEED_BYTES),
        ticket_secret=secrets.token_bytes(SECRET_BYTES),
        handle_mark=secrets.token_bytes(MARK_BYTES) if marked else b"",
    )


def encode(keys: ClusterKeys) -> bytes:
    """The document that carries the keys: JSON, with the binary parts in base64."""
    fields = {
        "kid": keys.kid,
        "token_seed": base64.b64encode(keys.token_seed).decode(),
        "ticket_secret": base64.b64encode(keys.ticket_secret).decode(),
    }
    if keys.handle_mark:
        fields["handle_mark"] = keys.handle_mark.hex()
    return json.dumps(fields).encode()


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
            handle_mark=bytes.fromhex(fields.get("handle_mark", "")),
        )
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as exc:
        raise StartFailed("the cluster key document is damaged; replace it on all nodes") from exc
    if (len(keys.token_seed), len(keys.ticket_secret)) != (_SEED_BYTES, SECRET_BYTES):
        raise StartFailed("the cluster key document holds keys of the wrong length")
    if len(keys.handle_mark) not in {0, MARK_BYTES}:
        raise StartFailed("the cluster key document holds a mark of the wrong length")
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
