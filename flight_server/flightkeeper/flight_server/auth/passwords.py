"""Passwords: hashing with argon2id, and the users file.

Owns how a password is checked and how much of that may run at once. A users file holds one
`name:hash` per line; empty lines and lines that begin with `#` are skipped.
"""

import threading
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from flightkeeper.flight_server.errors import StartFailed

_CHECKS_AT_ONCE_MAX = 2
"""Each check takes memory and a core on purpose; more at once would let logins starve queries."""

_STAMP_BYTES = 8

# The argon2id profile with the least memory among those OWASP recommends.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """The argon2id hash of a password, as a users file holds it."""
    return _HASHER.hash(password)


class Hashes(Protocol):
    """The argon2 hashes of passwords by user."""

    def get(self, name: str, /) -> str | None:
        """The hash of a user's password; None if there is no such user."""


class Users:
    """The accounts of a node. Thread-safe."""

    def __init__(self, hashes: Hashes, account_of: Callable[[str], str] | None = None) -> None:
        """Check nothing yet.

        Args:
            account_of: the id of the account that has a name now, empty for none; given where
                accounts may change at any time, and logins with them.
        """
        self._hashes = hashes
        self._account_of = account_of
        # An unknown name costs as much as a wrong password, so that names cannot be probed.
        self._nobody = hash_password("")
        self._checks = threading.BoundedSemaphore(_CHECKS_AT_ONCE_MAX)

    def verify(self, name: str, password: str) -> bool:
        """Whether this is the password of this account. Takes tens of milliseconds."""
        known = self._hashes.get(name)
        with self._checks:
            try:
                _HASHER.verify(known or self._nobody, password)
            except VerificationError:
                return False
        return known is not None

    def stamp(self, name: str) -> str:
        """A name for a user's account with its password as they are.

        It differs after either has changed, also when there is another user of that name. Of
        accounts that never change it is empty.
        """
        if self._account_of is None:
            return ""
        known = f"{self._account_of(name)}/{self._hashes.get(name) or ''}"
        return blake2b(known.encode(), digest_size=_STAMP_BYTES).hexdigest()

    def account(self, name: str) -> str:
        """The id of the account that has a name now; empty for none, and for those in a file."""
        return "" if self._account_of is None else self._account_of(name)


def read_users(path: Path) -> Users:
    """The accounts in a users file.

    Raises:
        StartFailed: the file cannot be read or a line is not `name:hash`; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise StartFailed(f"the users file {path} cannot be read: {exc}") from exc
    hashes = {}
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith("#"):
            name, _, password_hash = line.strip().partition(":")
            _check_line(path, number, name, password_hash)
            hashes[name] = password_hash
    if not hashes:
        raise StartFailed(f"the users file {path} holds no user: nobody could log in")
    return Users(hashes)


def _check_line(path: Path, number: int, name: str, password_hash: str) -> None:
    try:
        extract_parameters(password_hash)
    except InvalidHashError as exc:
        raise StartFailed(
            f"line {number} of the users file {path} is not name:argon2-hash; "
            "write it with `flightkeeper users hash NAME`"
        ) from exc
    if not name:
        raise StartFailed(f"line {number} of the users file {path} has no user name")
