"""Keys that are replaced at an age, and dropped when they are over."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import Hold, LastingHold, LockLost
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.auth import key_changes, key_ring, keys
from flightkeeper.flight_server.auth.key_following import RING
from flightkeeper.flight_server.auth.key_ring import KeyState, Ring
from flightkeeper.flight_server.cluster.upkeep.key_age import KeyAge, Step, due
from flightkeeper.flight_server.system.events import What
from tests.discovery.backends import instance

DAY_S = 86_400.0
KEPT_S = 30 * DAY_S + 60


def ring(created_s: float) -> Ring:
    made = key_ring.publish(key_ring.first(keys.generate()), keys.generate(marked=True), created_s)
    return key_ring.promote(made, created_s, KEPT_S)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flightkeeper.flight_server.cluster.upkeep.key_age._SEEN_WITHIN_S", 0.0)


class Rotating:
    """A registry with one node, and the duty at a time of the test's own."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.node = self.registry.register(instance("i1", "n1"))
        self.now_s = 1000 * DAY_S
        self.every_s = 3 * DAY_S
        self.said: list[tuple[What, str]] = []
        self.hold: Hold = LastingHold("keys", 1, lambda: None)
        self.age = KeyAge(
            self.registry,
            "analytics",
            lambda: self.every_s,
            lambda: self.now_s,
            lambda what, _, detail: self.said.append((what, detail)),
        )

    def step(self) -> Ring:
        self.age.step(self.hold)
        return key_changes.read_ring(self.registry)

    def see(self, revision: int) -> None:
        self.node.update(replace(instance("i1", "n1"), keys=revision))


@pytest.fixture
def rotating() -> Rotating:
    return Rotating()


def test_what_is_next_for_a_ring() -> None:
    young = ring(created_s=100.0)
    assert due(young, 100 + DAY_S - 1, DAY_S) is Step.NOTHING
    assert due(young, 100 + DAY_S, DAY_S) is Step.PUBLISH
    assert due(young, 100 + DAY_S, 0) is Step.NOTHING
    published = key_ring.publish(young, keys.generate(marked=True), 200.0)
    assert due(published, 300.0, DAY_S) is Step.PROMOTE
    assert due(published, 300.0, 0) is Step.NOTHING, "somebody else's rotation is theirs"
    assert due(young, 100 + KEPT_S, 0) is Step.PRUNE


def test_keys_are_replaced_at_their_age_and_not_before(rotating: Rotating) -> None:
    first = key_changes.read_ring(rotating.registry)
    published = rotating.step()
    assert published.current == first.current
    assert published.next is not None
    # Not signed with before every node knows it; that is said once.
    rotating.see(published.revision)
    promoted = rotating.step()
    assert promoted.current.keys == published.next.keys
    assert [what for what, _ in rotating.said] == [What.DUTY_HINDERED, What.KEYS_ROTATED]
    assert rotating.step() == promoted
    rotating.now_s += 3 * DAY_S - 1
    assert rotating.step() == promoted
    rotating.now_s += 1
    assert rotating.step().next is not None


def test_the_keys_before_verify_as_long_as_any_login_lives(rotating: Rotating) -> None:
    rotating.see(rotating.step().revision)
    rotating.step()
    rotating.every_s = 0
    rotating.now_s += KEPT_S - 1
    assert len(rotating.step().generations) == 2
    rotating.now_s += 1
    (left,) = rotating.step().generations
    assert left.state is KeyState.CURRENT


def test_years_of_rotations_never_fill_the_ring(rotating: Rotating) -> None:
    rotating.see(1000)
    for _ in range(40):
        rotating.now_s += 3 * DAY_S
        for _ in range(2):
            rotating.step()
    found = key_changes.read_ring(rotating.registry)
    assert len(found.generations) <= key_ring.GENERATIONS_MAX
    assert [what for what, _ in rotating.said] == [What.KEYS_ROTATED] * 40


def test_a_node_that_does_not_know_the_key_yet_is_waited_for(
    rotating: Rotating,
) -> None:
    published = rotating.step()
    for _ in range(3):
        assert rotating.step() == published
    assert rotating.said == [(What.DUTY_HINDERED, "the next key is not known yet to n1")]


def test_a_ring_that_is_damaged_is_said_and_left(rotating: Rotating) -> None:
    rotating.registry.write_document(RING, b"nonsense", None)
    for _ in range(2):
        rotating.age.step(rotating.hold)
    ((what, detail),) = rotating.said
    assert what is What.DUTY_HINDERED
    assert "damaged" in detail


def test_who_leads_no_more_changes_nothing(rotating: Rotating) -> None:
    before = key_changes.read_ring(rotating.registry)
    rotating.hold.stop()
    with pytest.raises(LockLost):
        rotating.age.step(rotating.hold)
    assert key_changes.read_ring(rotating.registry) == before


def test_a_rotation_by_hand_meanwhile_is_not_doubled(rotating: Rotating) -> None:
    """Somebody rotates between the look and the write."""
    stalled = Interrupted(rotating.hold, lambda: rotate(rotating))
    rotating.age.step(stalled)
    found = key_changes.read_ring(rotating.registry)
    assert found.next is None
    assert len(found.generations) == 2


def rotate(rotating: Rotating) -> None:
    published = key_changes.publish(rotating.registry, rotating.now_s)
    assert published.next is not None
    key_changes.promote(rotating.registry, published.next.keys.kid, rotating.now_s, KEPT_S)


class Interrupted(LastingHold):
    """A hold whose holder stops for a while after it has asked."""

    def __init__(self, hold: Hold, meanwhile: Callable[[], None]) -> None:
        super().__init__(hold.name, hold.token, lambda: None)
        self._meanwhile = meanwhile

    def check(self) -> None:
        super().check()
        self._meanwhile()


def test_a_registry_that_is_away_is_told(rotating: Rotating) -> None:
    rotating.registry.go_unreachable()
    with pytest.raises(RegistryUnavailable):
        rotating.age.step(rotating.hold)
