"""A node's keys follow the registry; what cannot be followed leaves what held before."""

import threading
from collections.abc import Iterator

import pytest

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.auth import key_ring, keys, revocations
from flightkeeper.flight_server.auth.key_following import REVOKED, RING, FollowedKeys
from flightkeeper.flight_server.auth.key_ring import Ring
from flightkeeper.flight_server.auth.revocations import Revocation, Revocations
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.errors import Unauthenticated
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement
from tests.flight_server.wire_client import Clock, eventually

_FIRST = key_ring.first(keys.generate())
_NEXT = key_ring.publish(_FIRST, keys.generate(marked=True), 1.0)
_ROTATED = key_ring.promote(_NEXT, 1_000_000.0, 50.0)
_STRANGE = key_ring.first(keys.generate())


class Following:
    """A node's keys, beside a registry and a clock of their own."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.clock = Clock()
        held = key_ring.decide(_FIRST, self.clock())
        self.tokens = Tokens(held, 1000.0)
        self.signer = Signer(*(key.ticket_key for key in held.verifying))
        self.told: list[tuple[str, int]] = []
        clocks = Clocks(monotonic_s=self.clock, wall_s=self.clock)
        self.keys = FollowedKeys(self.registry, _FIRST, self.tokens, self.signer, clocks)

    def write(self, ring: Ring | bytes, name: str = RING) -> None:
        """Write the ring's document, or other bytes."""
        found = self.registry.read_document(name)
        data = ring if isinstance(ring, bytes) else key_ring.encode(ring)
        self.registry.write_document(name, data, None if found is None else found.version)

    def hears(self, problem: str, revision: int) -> None:
        """Wait until this was told last."""
        eventually(
            lambda: bool(self.told) and problem in self.told[-1][0] and self.told[-1][1] == revision
        )

    def start(self) -> None:
        """Follow."""
        assert self.keys.start(lambda *told: self.told.append(told), 5.0)


@pytest.fixture
def node() -> Iterator[Following]:
    made = Following()
    yield made
    made.keys.close()
    made.registry.close()


def test_a_rotation_is_followed_step_by_step(node: Following) -> None:
    node.start()
    assert node.told == [("", 0)]
    old = node.tokens.login("ada", node.clock())
    node.write(_NEXT)
    node.hears("", 1)
    assert node.tokens.verify(node.tokens.login("ada", 0), 0).kid == _FIRST.current.keys.kid
    node.write(_ROTATED)
    node.hears("", 2)
    assert node.tokens.verify(node.tokens.login("ada", 0), 0).kid == _ROTATED.current.keys.kid
    assert node.tokens.verify(old, node.clock()).principal == "ada"
    node.write(key_ring.prune(_ROTATED, node.clock(), _FIRST.current.keys.kid))
    node.hears("", 3)
    with pytest.raises(Unauthenticated, match="no longer in use"):
        node.tokens.verify(old, node.clock())


def test_what_was_retired_is_dropped_when_its_time_is_over() -> None:
    node = Following()
    old = node.tokens.login("ada", node.clock())
    node.clock.now_s = 1_000_049.99
    node.write(_ROTATED)
    node.start()
    node.hears("", 2)
    assert node.tokens.verify(old, 0).principal == "ada"
    node.clock.now_s += 1
    eventually(lambda: _FIRST.current.keys.kid not in node.tokens._public_keys)
    node.keys.close()
    node.registry.close()


@pytest.mark.parametrize("data", [b"nonsense", b"", key_ring.encode(_FIRST)])
def test_what_is_no_newer_ring_leaves_the_last_one(node: Following, data: bytes) -> None:
    node.write(_ROTATED)
    node.start()
    node.write(data)
    eventually(lambda: bool(node.told[-1][0]))
    assert "stay" in node.told[-1][0]
    assert node.told[-1][1] == 2
    assert node.tokens.verify(node.tokens.login("ada", 0), 0).kid == _ROTATED.current.keys.kid
    node.write(key_ring.promote(key_ring.publish(_ROTATED, keys.generate(marked=True), 0), 0, 9))
    node.hears("", 4)


def test_a_key_ahead_of_the_news_is_looked_up_at_a_bounded_rate(node: Following) -> None:
    node.start()
    handle = Signer(_ROTATED.current.keys.ticket_key).sign(Kind.PREPARED, Statement(query="q"))
    token = Tokens(key_ring.decide(_ROTATED, 0.0), 1000.0).login("ada", node.clock())
    unknown = Tokens(key_ring.decide(_STRANGE, 0.0), 1000.0).login("ada", node.clock())
    node.keys.look_again()
    node.write(_ROTATED)
    node.hears("", 2)
    node.tokens.hold(key_ring.decide(_FIRST, 0.0))
    node.signer.hold(_FIRST.current.keys.ticket_key)
    with pytest.raises(Unauthenticated):
        node.tokens.verify(token, node.clock())
    node.clock.now_s += 1.0
    assert node.tokens.verify(token, node.clock()).principal == "ada"
    assert node.signer.open(Kind.PREPARED, handle, Statement).query == "q"
    node.registry.go_unreachable()
    node.clock.now_s += 1.0
    with pytest.raises(Unauthenticated):
        node.tokens.verify(unknown, node.clock())


def test_whoever_comes_while_a_key_is_looked_up_waits_for_the_answer(
    node: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = Tokens(key_ring.decide(_ROTATED, 0.0), 1000.0).login("ada", node.clock())
    node.write(_ROTATED)
    reading, asked = threading.Event(), threading.Event()
    read = node.registry.read_document

    def slowly(name: str, timeout_s: float = 10.0) -> Document | None:
        reading.set()
        assert asked.wait(10)
        return read(name, timeout_s)

    def second() -> None:
        asked.set()
        node.keys.look_again()

    monkeypatch.setattr(node.registry, "read_document", slowly)
    looking = threading.Thread(target=node.keys.look_again)
    looking.start()
    assert reading.wait(10)
    node.tokens.look_again = second
    assert node.tokens.verify(token, node.clock()).principal == "ada"
    looking.join(10)
    assert not looking.is_alive()


def test_revoked_logins_are_followed_and_a_damaged_list_is_not(node: Following) -> None:
    node.start()
    token = node.tokens.login("ada", node.clock())
    revoked = Revocations().with_user("ada", Revocation(node.clock() + 1, 2e6), node.clock())
    node.write(revocations.encode(revoked), REVOKED)
    eventually(lambda: node.tokens.revoked == revoked)
    with pytest.raises(Unauthenticated, match="revoked"):
        node.tokens.verify(token, node.clock())
    node.write(b"nonsense", REVOKED)
    node.hears("the list of revoked logins is damaged: the one before stays", 0)
    assert node.tokens.revoked == revoked


def test_a_list_of_revoked_logins_that_is_taken_away_lets_nobody_in(node: Following) -> None:
    revoked = Revocations().with_login("id", Revocation(0, node.clock() + 9), node.clock())
    node.write(revocations.encode(revoked), REVOKED)
    node.start()
    node.hears("", 0)
    node.write(b"", REVOKED)
    node.hears("the list of revoked logins is gone: the one before stays", 0)
    assert node.tokens.revoked == revoked
    node.write(revocations.encode(Revocations()), REVOKED)
    eventually(lambda: node.tokens.revoked == Revocations())
