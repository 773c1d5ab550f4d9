"""The watcher of a document against scripted znodes."""

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.zookeeper.document_watcher import DocumentWatcher
from flightkeeper.discovery.zookeeper.znodes import AnswerLost
from tests.discovery.zookeeper.fake_znodes import FakeZnodes

PATH = "/settings/cluster"


class Fixture:
    """A watcher, what it told, and how often it asked to be run."""

    def __init__(self) -> None:
        self.znodes = FakeZnodes()
        self.told: list[Document | None] = []
        self.woken = 0
        self.watcher = DocumentWatcher(PATH, self.told.append, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def run(self) -> None:
        assert self.watcher.run(self.znodes) == 30


def test_it_tells_what_is_new_and_wakes_for_it() -> None:
    fixture = Fixture()
    fixture.run()
    fixture.run()
    assert fixture.told == [None]
    fixture.znodes.put(PATH, b"a")
    assert fixture.woken == 1
    fixture.run()
    fixture.run()
    assert fixture.told == [None, Document(b"a", 0)]
    fixture.znodes.write(PATH, b"b", 0)
    assert fixture.woken == 2
    fixture.run()
    fixture.znodes.remove(PATH)
    fixture.run()
    assert fixture.told[2:] == [Document(b"b", 1), None]


def test_what_is_made_between_two_looks_is_not_missed() -> None:
    fixture = Fixture()
    fixture.znodes.before["exists"] = [lambda: fixture.znodes.put(PATH, b"a")]
    fixture.run()
    assert fixture.told == [Document(b"a", 0)]


def test_what_was_told_last_stays_while_the_registry_is_away() -> None:
    fixture = Fixture()
    fixture.znodes.put(PATH, b"a")
    fixture.run()
    fixture.watcher.failed(AnswerLost("lost"))
    fixture.watcher.suspended()
    fixture.watcher.lost()
    fixture.znodes.expire()
    fixture.run()
    assert fixture.told == [Document(b"a", 0)]
    fixture.znodes.write(PATH, b"b", 0)
    assert fixture.woken == 1, "the watch was set again"


def test_one_that_was_made_anew_is_another_one() -> None:
    fixture = Fixture()
    fixture.znodes.put(PATH, b"a")
    fixture.run()
    fixture.znodes.remove(PATH)
    fixture.znodes.put(PATH, b"a")
    fixture.run()
    assert fixture.told == [Document(b"a", 0)] * 2
