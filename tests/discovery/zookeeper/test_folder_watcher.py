"""The watcher of a folder of documents against scripted znodes."""

from collections.abc import Mapping

import pytest

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.zookeeper import folder_watcher
from flightkeeper.discovery.zookeeper.folder_watcher import FolderWatcher
from flightkeeper.discovery.zookeeper.znodes import AnswerLost
from tests.discovery.zookeeper.fake_znodes import FakeZnodes

ROOT = "/chroot/tables"


class Fixture:
    """A watcher, what it told, and how often it asked to be run."""

    def __init__(self) -> None:
        self.znodes = FakeZnodes()
        self.told: list[Mapping[str, Document]] = []
        self.woken = 0
        self.watcher = FolderWatcher(
            ROOT, "tables", self.told.append, wake=self._wake, note=lambda call: call()
        )

    def _wake(self) -> None:
        self.woken += 1

    def put(self, name: str, data: bytes) -> None:
        """Another session writes a document."""
        path = f"/chroot/{name}"
        self.znodes.create_path(path.rpartition("/")[0])
        self.znodes.put(path, data)

    def run(self) -> None:
        while (rest_s := self.watcher.run(self.znodes)) == 0:
            self.woken += 1
        assert rest_s == 30


@pytest.fixture
def fixture(monkeypatch: pytest.MonkeyPatch) -> Fixture:
    # A folder of the fake holds its access, which would make it a document.
    def folder(znodes: FakeZnodes, path: str) -> None:
        while path and znodes.at(path) is None:
            znodes.put(path, b"")
            path = path.rpartition("/")[0]

    monkeypatch.setattr(FakeZnodes, "create_path", folder)
    return Fixture()


def test_it_tells_the_whole_and_wakes_for_what_is_new(fixture: Fixture) -> None:
    fixture.run()
    fixture.run()
    assert fixture.told == [{}]
    fixture.put("tables/geo/countries", b"a")
    assert fixture.woken, "the folder was made"
    fixture.run()
    assert fixture.told[-1] == {"tables/geo/countries": Document(b"a", 0)}
    before = fixture.woken
    fixture.put("tables/geo/cities", b"b")
    fixture.put("tables/main/t", b"c")
    assert fixture.woken > before
    fixture.run()
    assert {name: d.data for name, d in fixture.told[-1].items()} == {
        "tables/geo/cities": b"b",
        "tables/geo/countries": b"a",
        "tables/main/t": b"c",
    }
    fixture.run()
    assert len(fixture.told) == 3


def test_only_what_changed_is_read_again(fixture: Fixture) -> None:
    for number in range(20):
        fixture.put(f"tables/main/t{number}", b"x")
    fixture.run()
    fixture.znodes.done.clear()
    fixture.znodes.write("/chroot/tables/main/t7", b"y", 0)
    fixture.run()
    assert fixture.znodes.done == ["write", "read_all 1"]
    assert fixture.told[-1]["tables/main/t7"] == Document(b"y", 1)


def test_after_a_lost_connection_only_what_changed_is_read_again(fixture: Fixture) -> None:
    for number in range(20):
        fixture.put(f"tables/main/t{number}", b"x")
    fixture.run()
    fixture.watcher.suspended()
    fixture.znodes.disconnect()
    fixture.put("tables/main/t7", b"y")
    fixture.znodes.remove("/chroot/tables/main/t8")
    fixture.znodes.done.clear()
    fixture.run()
    fixture.run()
    read = [done for done in fixture.znodes.done if done.startswith(("read", "watch"))]
    assert read == ["watch_all 21", "read_all 1"]
    assert fixture.told[-1]["tables/main/t7"].data == b"y"
    assert len(fixture.told[-1]) == 19


def test_what_is_empty_is_absent_and_may_come_again(fixture: Fixture) -> None:
    fixture.put("tables/main/t", b"x")
    fixture.run()
    fixture.znodes.write("/chroot/tables/main/t", b"", 0)
    fixture.run()
    fixture.znodes.write("/chroot/tables/main/t", b"z", 1)
    fixture.run()
    name = "tables/main/t"
    assert fixture.told == [{name: Document(b"x", 0)}, {}, {name: Document(b"z", 2)}]
    fixture.znodes.remove("/chroot/tables/main")
    fixture.run()
    assert fixture.told[-1] == {}


def test_what_is_not_complete_is_not_told(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watcher, "_READ_MAX", 8)
    for number in range(30):
        fixture.put(f"tables/main/t{number}", b"x")
    assert fixture.watcher.run(fixture.znodes) == 0
    assert not fixture.told
    fixture.run()
    (told,) = fixture.told
    assert len(told) == 30


def test_what_was_told_last_stays_while_the_registry_is_away(fixture: Fixture) -> None:
    fixture.put("tables/main/t", b"x")
    fixture.run()
    fixture.watcher.failed(AnswerLost("lost"))
    fixture.watcher.suspended()
    fixture.watcher.lost()
    fixture.znodes.expire()
    fixture.run()
    assert len(fixture.told) == 1
    before = fixture.woken
    fixture.znodes.write("/chroot/tables/main/t", b"y", 0)
    assert fixture.woken > before, "the watch was set again"


def test_a_folder_that_is_made_between_two_looks_is_not_missed(fixture: Fixture) -> None:
    fixture.znodes.before["exists"] = [lambda: fixture.put("tables/main/t", b"x")]
    assert fixture.watcher.run(fixture.znodes) is not None
    assert fixture.woken
    fixture.run()
    assert fixture.told[-1] == {"tables/main/t": Document(b"x", 0)}
