"""The key ring of a cluster: generations of keys, from the one to come to those that retire.

Owns its document (JSON), its rules, and what a node signs with and verifies against at a time.
Theory. A generation is published as `next`: every node verifies with it, none signs with it. When
all have seen it, it becomes the current one, which all sign with; the one before verifies on until
its time is over. So a node at revision N understands what nodes at N - 1 and N + 1 sign.
Pure: time is an argument (Unix seconds).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from flightkeeper.flight_server.auth import keys as key_documents
from flightkeeper.flight_server.auth.keys import ClusterKeys
from flightkeeper.flight_server.errors import StartFailed

GENERATIONS_MAX = 16
_FORMAT = 1


class MalformedRing(ValueError):
    """The bytes are no key ring. Nothing of them is repeated."""


class RingRefused(ValueError):
    """The ring cannot be changed like this. Nothing was changed."""


class KeyState(StrEnum):
    """What a generation is there for."""

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Generation:
    """Keys and what they are there for.

    Attributes:
        created_s: Unix time in seconds; 0 = before there was a ring.
        until_s: when a retired one is over, Unix time in seconds; 0 for the others.
    """

    keys: ClusterKeys
    state: KeyState
    created_s: float
    until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Ring:
    """The generations of a cluster: one current, at most one next, newest first.

    Attributes:
        revision: counts changes; 0 = what nodes agreed on before there was a ring.
    """

    revision: int
    generations: tuple[Generation, ...]

    @property
    def current(self) -> Generation:
        """What nodes sign with."""
        return next(g for g in self.generations if g.state is KeyState.CURRENT)

    @property
    def next(self) -> Generation | None:
        """What nodes will sign with, if that is known yet."""
        return next((g for g in self.generations if g.state is KeyState.NEXT), None)


@dataclass(frozen=True, slots=True)
class KeySet:
    """What a node signs with and verifies against.

    Attributes:
        signing: the keys it signs with.
        verifying: all it verifies against, the ones above first.
        revision: of the ring.
        until_s: when this is over, unless the ring changes before; None = never.
    """

    signing: ClusterKeys
    verifying: tuple[ClusterKeys, ...]
    revision: int = 0
    until_s: float | None = None


def first(keys: ClusterKeys) -> Ring:
    """The ring of a cluster that never had another key than this one."""
    return Ring(0, (Generation(keys, KeyState.CURRENT, 0.0),))


def decide(ring: Ring, now_s: float) -> KeySet:
    """What a node that knows this ring signs with and verifies against."""
    live = [g for g in ring.generations if g.state is not KeyState.RETIRED or g.until_s > now_s]
    others = tuple(g.keys for g in live if g.state is not KeyState.CURRENT)
    ends = [g.until_s for g in live if g.state is KeyState.RETIRED]
    signing = ring.current.keys
    return KeySet(signing, (signing, *others), ring.revision, min(ends, default=None))


def publish(ring: Ring, keys: ClusterKeys, now_s: float) -> Ring:
    """The ring with keys to come.

    Raises:
        RingRefused: there are some already, the name is taken, or there are too many.
    """
    if ring.next is not None:
        raise RingRefused(f"key {ring.next.keys.kid} is published already; nothing was changed")
    published = Generation(keys, KeyState.NEXT, now_s)
    return _checked(Ring(ring.revision + 1, (published, *prune(ring, now_s).generations)))


def promote(ring: Ring, now_s: float, keep_s: float) -> Ring:
    """The ring whose next keys are the current ones.

    Args:
        keep_s: how long the ones before verify on, in seconds.

    Raises:
        RingRefused: there are no keys to come.
    """
    if ring.next is None:
        raise RingRefused("no key was published to become the current one; nothing was changed")
    retired = replace(ring.current, state=KeyState.RETIRED, until_s=now_s + keep_s)
    after = {ring.next: replace(ring.next, state=KeyState.CURRENT), ring.current: retired}
    return Ring(ring.revision + 1, tuple(after.get(g, g) for g in ring.generations))


def prune(ring: Ring, now_s: float, kid: str = "") -> Ring:
    """The ring without what is over, and without one generation before its time, if it is named.

    Returns: the same ring if that changes nothing.

    Raises:
        RingRefused: the named one is not there, or is the current one.
    """
    if kid and kid not in {g.keys.kid for g in ring.generations}:
        raise RingRefused(f"there is no key {kid}; nothing was changed")
    if kid == ring.current.keys.kid:
        raise RingRefused(f"key {kid} is the current one: rotate first; nothing was changed")
    kept = tuple(
        g
        for g in ring.generations
        if g.keys.kid != kid and not (g.state is KeyState.RETIRED and g.until_s <= now_s)
    )
    return ring if kept == ring.generations else Ring(ring.revision + 1, kept)


def encode(ring: Ring) -> bytes:
    """The document that carries the ring: JSON, the keys as in a key file."""
    generations = [
        {
            **json.loads(key_documents.encode(g.keys)),
            "state": g.state.value,
            "created_s": g.created_s,
            "until_s": g.until_s,
        }
        for g in ring.generations
    ]
    document = {"v": _FORMAT, "revision": ring.revision, "generations": generations}
    return json.dumps(document, indent=1).encode()


def decode(data: bytes) -> Ring:
    """Read a document back.

    Raises:
        MalformedRing: it is none; says in what way, and shows none of it.
    """
    try:
        found = json.loads(data)
        _check_format(found["v"])
        ring = Ring(int(found["revision"]), tuple(_generation(g) for g in found["generations"]))
        return _checked(ring)
    except (MalformedRing, RingRefused) as exc:
        raise MalformedRing(str(exc)) from exc
    except StartFailed as exc:
        raise MalformedRing("a key in the key ring is damaged") from exc
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as exc:
        raise MalformedRing("the key ring document is damaged") from exc


def _check_format(found: object) -> None:
    if found != _FORMAT:
        raise MalformedRing(f"the key ring is of another format than {_FORMAT}")


def _generation(found: Mapping[str, Any]) -> Generation:
    keys = key_documents.decode(json.dumps(found).encode())
    state = KeyState(found["state"])
    created_s, until_s = float(found["created_s"]), float(found["until_s"])
    if not (abs(created_s) < float("inf") and abs(until_s) < float("inf")):
        raise MalformedRing("a time in the key ring is no time")
    return Generation(keys, state, created_s, until_s)


def _checked(ring: Ring) -> Ring:
    states = [g.state for g in ring.generations]
    if states.count(KeyState.CURRENT) != 1 or states.count(KeyState.NEXT) > 1:
        raise RingRefused("a key ring has one current key and at most one next")
    if len({g.keys.kid for g in ring.generations}) < len(states):
        raise RingRefused("two keys of the key ring have the same name")
    if len({g.keys.handle_mark for g in ring.generations}) < len(states):
        raise RingRefused("two keys of the key ring have the same mark")
    if len(states) > GENERATIONS_MAX:
        raise RingRefused(
            f"a key ring has at most {GENERATIONS_MAX} keys: prune it, or wait until one is over"
        )
    return ring
