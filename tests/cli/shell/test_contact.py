"""A connection and its conversation change together, or not at all."""

from types import SimpleNamespace
from typing import Any

import pytest

from flightkeeper.cli.connecting import Access
from flightkeeper.cli.shell import contact as module
from flightkeeper.cli.shell.contact import Contact
from flightkeeper.client import FlightkeeperError, NoNodeAvailable

HERE, THERE = "flightsql://h:1", "flightsql://eve@i:2"


class StubConnection:
    """Says what happens to it, and answers where names are looked up, unless nobody is there."""

    def __init__(self, url: str, said: list[tuple[str, str]], *, answers: bool) -> None:
        self._url = url
        self._said = said
        self._answers = answers
        said.append(("opened", url))

    def query(self, _sql: str, **_options: object) -> Any:
        if not self._answers:
            raise NoNodeAvailable("no node")
        return SimpleNamespace(fetchall=lambda: [("memory", "main")])

    def close(self) -> None:
        self._said.append(("closed", self._url))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What happened to connections, in order; at j is nobody."""
    said: list[tuple[str, str]] = []

    def opened(url: str, access: Access) -> StubConnection:
        named = f"{access.username}: {url}"
        return StubConnection(named, said, answers="j:3" not in url)

    monkeypatch.setattr(module, "opened", opened)
    return said


def test_the_old_one_is_let_go_of_when_the_new_one_is_there(said: list[tuple[str, str]]) -> None:
    with Contact(HERE, Access("ada")) as contact:
        assert contact.where() == "connected to flightsql://h:1 as ada, in memory.main"
        contact.move(THERE)
        assert contact.where() == "connected to flightsql://i:2 as eve, in memory.main"
    assert said == [
        ("opened", f"ada: {HERE}"),
        ("opened", f"None: {THERE}"),
        ("closed", f"ada: {HERE}"),
        ("closed", f"None: {THERE}"),
    ]


def test_one_that_does_not_answer_changes_nothing(said: list[tuple[str, str]]) -> None:
    contact = Contact(HERE, Access())
    before = (contact.connection, contact.conversation, contact.where())
    with pytest.raises(FlightkeeperError):
        contact.move("flightsql://j:3")
    assert (contact.connection, contact.conversation, contact.where()) == before
    assert said == [
        ("opened", f"None: {HERE}"),
        ("opened", "None: flightsql://j:3"),
        ("closed", "None: flightsql://j:3"),
    ]


def test_a_shell_begins_only_with_somebody_there(said: list[tuple[str, str]]) -> None:
    with pytest.raises(NoNodeAvailable):
        Contact("flightsql://j:3", Access())
    assert said[-1][0] == "closed"
