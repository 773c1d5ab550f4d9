"""A catalog that is looked after."""

import pytest

from flightkeeper.discovery.catalog import changing
from flightkeeper.discovery.catalog.partitions import page_document
from flightkeeper.discovery.locks import LastingHold, LockKind, LockLost, LockTimeout
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.cluster.upkeep.catalog_repair import CatalogRepair, aged
from flightkeeper.flight_server.system.events import What
from tests.discovery.catalog.test_changing import ADA, TABLE, T, day

ORPHAN = page_document(T, 1)


class Repairing:
    """A catalog with one table, and the duty."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.hold = LastingHold("repair", 1, lambda: None)
        self.said: list[tuple[What, str, str]] = []
        self.repair = CatalogRepair(self.registry, lambda *what: self.said.append(what))
        changing.define(self.registry, TABLE, ADA, partitions=[day(1)])
        self.registry.write_document(ORPHAN, b"[]", None)

    def step(self) -> bytes:
        """A look; what is left of the orphan."""
        self.repair.step(self.hold)
        found = self.registry.read_document(ORPHAN)
        assert found is not None
        return found.data


def test_only_what_was_there_before_is_old() -> None:
    assert aged({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "d": 1}) == {"a": 1}


def test_a_page_that_nothing_names_goes_at_the_second_look() -> None:
    repairing = Repairing()
    assert repairing.step() == b"[]"
    assert repairing.step() == b""
    assert repairing.said == [
        (What.CATALOG_MENDED, "s.t", "pages taken away that nothing names: 1")
    ]
    assert changing.read_table(repairing.registry, T)[2] == (day(1),)
    repairing.step()
    assert len(repairing.said) == 1


def test_what_it_cannot_mend_is_said_once() -> None:
    repairing = Repairing()
    found = repairing.registry.read_document(T.document)
    assert found is not None
    repairing.registry.write_document(T.document, b"{", found.version)
    for _ in range(3):
        assert repairing.step() == b"[]"
    ((what, subject, why),) = repairing.said
    assert (what, subject) == (What.DUTY_HINDERED, "s.t")
    assert "no definition" in why


def test_who_leads_no_more_takes_nothing_away() -> None:
    repairing = Repairing()
    repairing.step()
    repairing.hold.stop()
    with pytest.raises(LockLost):
        repairing.step()


def test_an_object_that_is_being_changed_is_left_for_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repairing = Repairing()
    repairing.step()
    take = repairing.registry.lock
    with repairing.registry.lock("catalog.s.t"), monkeypatch.context() as patched:
        patched.setattr(repairing.registry, "lock", lambda name, _, **_more: take(name, 0.0))
        with pytest.raises(LockTimeout):
            repairing.registry.lock("catalog.s.t", 1.0, kind=LockKind.LOCK)
        assert repairing.step() == b"[]"
    assert repairing.step() == b""
