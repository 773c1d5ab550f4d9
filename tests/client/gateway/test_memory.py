"""What a gateway remembers, and that it forgets."""

import pytest

from flightkeeper.client.gateway import memory
from flightkeeper.client.gateway.memory import Memory


def test_a_place_is_remembered_until_it_is_forgotten() -> None:
    remembered = Memory()
    remembered.note("session", "life")
    assert remembered.place("session") == "life"
    remembered.forget("session")
    assert remembered.place("session") == ""


def test_nobody_has_no_place() -> None:
    remembered = Memory()
    remembered.note("", "life")
    assert remembered.place("") == ""


def test_the_oldest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "REMEMBERED_MAX", 2)
    remembered = Memory()
    for key in ("a", "b", "a", "c"):
        remembered.note(key, f"life of {key}")
    assert [remembered.place(key) for key in "abc"] == ["life of a", "", "life of c"]
