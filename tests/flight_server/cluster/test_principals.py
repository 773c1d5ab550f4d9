"""A node follows the accounts, and stops going by them when the registry is silent."""

from collections.abc import Iterator

import pytest

from flightkeeper.discovery.principals.accounts import Accounts
from flightkeeper.discovery.principals.documents import FOLDER
from flightkeeper.discovery.principals.model import SUPERUSER, Kind
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.cluster import principals
from flightkeeper.flight_server.cluster.principals import LivePrincipals
from flightkeeper.flight_server.errors import Unauthenticated, Unavailable
from tests.flight_server.wire_client import Clock, eventually


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def accounts(registry: MemoryRegistry) -> Accounts:
    return Accounts(MemoryRegistry(registry.store), "test")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(registry: MemoryRegistry, clock: Clock) -> Iterator[LivePrincipals]:
    # It listens a few times within a test.
    made = LivePrincipals(registry, 0.1, clock)
    yield made
    made.close()


def test_changes_hold_when_they_are_heard_of(live: LivePrincipals, accounts: Accounts) -> None:
    assert live.start(1)
    accounts.create_user("amy", "hash", SUPERUSER)
    assert live.get("amy") == "hash"
    assert live.access("amy").superuser
    accounts.create_user("bob", "other")
    assert not live.access("bob").superuser
    accounts.drop("bob", Kind.USER)
    assert live.get("bob") is None
    with pytest.raises(Unauthenticated, match="does not exist any more"):
        live.access("bob")


def test_nobody_is_known_before_the_registry_answers(
    live: LivePrincipals, registry: MemoryRegistry
) -> None:
    registry.go_unreachable()
    assert not live.start(0.01)
    with pytest.raises(Unavailable, match="not answered yet"):
        live.get("amy")
    registry.come_back()
    assert live.get("amy") is None


def test_silence_ends_what_was_known_and_an_answer_brings_it_back(
    live: LivePrincipals, registry: MemoryRegistry, accounts: Accounts, clock: Clock
) -> None:
    accounts.create_user("amy", "hash")
    assert live.start(1)
    registry.go_unreachable()
    clock.now_s += 0.09
    assert live.get("amy") == "hash", "for the stated time"
    clock.now_s += 0.02
    for ask in (live.get, live.access):
        with pytest.raises(Unavailable, match="accounts_stale_after_s"):
            ask("amy")
    registry.reachable = True  # and nothing has changed, so that it tells nothing
    eventually(lambda: _answers(live))
    assert live.get("amy") == "hash"


def _answers(live: LivePrincipals) -> bool:
    try:
        live.now()
    except Unavailable:
        return False
    return True


def test_whoever_waits_hears_of_a_change(live: LivePrincipals, accounts: Accounts) -> None:
    assert live.start(1)
    assert not live.wait(lambda known: known.user("amy") is not None, 0.01)
    accounts.create_user("amy", "hash")
    assert live.wait(lambda known: known.user("amy") is not None, 0.01)


def test_a_damaged_account_may_do_nothing(live: LivePrincipals, registry: MemoryRegistry) -> None:
    assert live.start(1)
    registry.write_document("keys/principals/amy", b"{", None)
    assert live.get("amy") is None


def test_closing_is_idempotent(live: LivePrincipals) -> None:
    live.start(1)
    live.close()
    live.close()


def test_a_reading_that_meets_a_defect_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = MemoryRegistry()
    live = LivePrincipals(registry, 60, lambda: 1000.0)
    assert live.start(10)
    assert live.now().by_name == {}

    def broken(_documents: object) -> None:
        raise OverflowError

    monkeypatch.setattr(principals, "read_all", broken)
    registry.write_document(f"{FOLDER}/amy", b"{}", None)
    with pytest.raises(Unavailable, match="nobody's grants are known for sure"):
        live.now()
    monkeypatch.undo()
    registry.write_document(f"{FOLDER}/amy", b"", 0)
    assert live.now().by_name == {}
    live.close()
