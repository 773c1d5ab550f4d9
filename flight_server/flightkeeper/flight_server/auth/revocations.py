"""The logins that a cluster has revoked: of one user before a time, or one login by its id.

Owns their document (JSON), its bound, and the question whether a caller is on it. An entry is
forgotten when no token it is about can be good any more.
Pure: time is an argument (Unix seconds).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

REVOKED_MAX = 1000
_NAME_CHARACTERS_MAX = 200
_FORMAT = 1


class MalformedRevocations(ValueError):
    """The bytes are no list of revoked logins."""


class TooManyRevocations(ValueError):
    """The list is full. Nothing was revoked."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is revoked.

    Attributes:
        before_s: logins before it are; Unix time in seconds.
        until_s: when it can be forgotten; Unix time in seconds.
    """

    before_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Revocations:
    """All that is revoked.

    Attributes:
        users: by name.
        logins: by the id of the session that a login began; every token it was renewed to has it.
    """

    users: Mapping[str, Revocation] = field(default_factory=dict)
    logins: Mapping[str, Revocation] = field(default_factory=dict)

    def cover(self, principal: str, login_id: str, logged_in_s: float) -> bool:
        """Whether a login is revoked."""
        if login_id in self.logins:
            return True
        found = self.users.get(principal)
        return found is not None and logged_in_s < found.before_s

    def with_user(self, name: str, revocation: Revocation, now_s: float) -> "Revocations":
        """The list with all logins of a user before a time. Raises TooManyRevocations."""
        now = self.current(now_s)
        before = now.users.get(name, revocation)
        merged = Revocation(
            max(before.before_s, revocation.before_s), max(before.until_s, revocation.until_s)
        )
        return _bounded(replace(now, users={**now.users, name: merged}))

    def with_login(self, login_id: str, revocation: Revocation, now_s: float) -> "Revocations":
        """The list with one login. Raises TooManyRevocations."""
        now = self.current(now_s)
        return _bounded(replace(now, logins={**now.logins, login_id: revocation}))

    def current(self, now_s: float) -> "Revocations":
        """The list without what can be forgotten."""
        return Revocations(_current(self.users, now_s), _current(self.logins, now_s))


def encode(revocations: Revocations) -> bytes:
    """The list as JSON, UTF-8."""
    return json.dumps(
        {
            "v": _FORMAT,
            "users": _fields(revocations.users),
            "logins": _fields(revocations.logins),
        }
    ).encode()


def decode(data: bytes) -> Revocations:
    """Read a list back.

    Raises:
        MalformedRevocations: it is none.
    """
    try:
        found = json.loads(data)
        _check_format(found["v"])
        return _bounded(Revocations(_entries(found["users"]), _entries(found["logins"])))
    except (MalformedRevocations, TooManyRevocations) as exc:
        raise MalformedRevocations(f"the list of revoked logins cannot be read: {exc}") from exc
    except (
        ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError,
    ) as exc:  # fmt: skip
        raise MalformedRevocations("the list of revoked logins is damaged") from exc


def _current(entries: Mapping[str, Revocation], now_s: float) -> Mapping[str, Revocation]:
    return {name: entry for name, entry in entries.items() if entry.until_s > now_s}


def _fields(entries: Mapping[str, Revocation]) -> Mapping[str, list[float]]:
    return {name: [entry.before_s, entry.until_s] for name, entry in entries.items()}


def _check_format(found: object) -> None:
    if found != _FORMAT:
        raise MalformedRevocations(f"it is of another format than {_FORMAT}")


def _entries(found: Mapping[str, Any]) -> Mapping[str, Revocation]:
    return {name: _entry(*times) for name, times in found.items()}


def _entry(before_s: object, until_s: object) -> Revocation:
    times = before_s, until_s
    if not all(isinstance(t, int | float) and abs(t) < float("inf") for t in times):
        raise MalformedRevocations("a time is no time")
    return Revocation(float(str(before_s)), float(str(until_s)))


def _bounded(revocations: Revocations) -> Revocations:
    names = [*revocations.users, *revocations.logins]
    if len(names) > REVOKED_MAX:
        raise TooManyRevocations(
            f"at most {REVOKED_MAX} users and logins can be revoked at a time; wait until some "
            "are over, or rotate the keys and drop the old ones, which ends every login"
        )
    if any(not 0 < len(name) <= _NAME_CHARACTERS_MAX for name in names):
        raise TooManyRevocations(
            f"the name of a user and the id of a login have 1 to {_NAME_CHARACTERS_MAX} characters"
        )
    return revocations
