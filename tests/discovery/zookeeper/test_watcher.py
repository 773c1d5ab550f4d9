"""One watcher against scripted znodes."""

import pytest

from flightkeeper.discovery.records import encode
from flightkeeper.discovery.topology import Event, Listed, Unreachable
from flightkeeper.discovery.zookeeper.watcher import ServiceWatcher
from flightkeeper.discovery.zookeeper.znodes import AnswerLost
from tests.discovery.backends import instance
from tests.discovery.zookeeper.fake_znodes import FakeZnodes

PATH = "/services/analytics"
LOST = AnswerLost("lost")


class Made:
    """A watcher, its znodes, what it told, and whether it asked to be run."""

    def __init__(self) -> None:
        self.znodes = FakeZnodes()
        self.told: list[Event] = []
        self.woken = False
        self.watcher = ServiceWatcher(
            PATH, self.told.append, wake=self._wake, note=lambda call: call(), clock=lambda: 7.0
        )

    def _wake(self) -> None:
        self.woken = True

    def put(self, node_id: str, incarnation: str) -> None:
        self.znodes.put(f"{PATH}/{node_id}", encode(instance(incarnation, node_id)), owner=9)

    def run(self) -> list[str]:
        """Run it; the incarnations it told."""
        self.woken = False
        assert self.watcher.run(self.znodes) == 30
        listed = self.told[-1]
        assert isinstance(listed, Listed)
        return [each.incarnation for each in listed.instances]


@pytest.fixture
def made() -> Made:
    made = Made()
    made.znodes.put(PATH, b"")
    return made


def test_an_empty_service(made: Made) -> None:
    assert made.run() == []
    assert made.told == [Listed((), 7.0)]


def test_the_order_is_that_of_the_ids(made: Made) -> None:
    for node_id in ("n3", "n1", "n2"):
        made.put(node_id, node_id)
    assert made.run() == ["n1", "n2", "n3"]


def test_only_new_and_changed_records_are_read_again(made: Made) -> None:
    made.put("n1", "i1")
    made.put("n2", "i2")
    made.run()
    made.put("n3", "i3")
    assert made.woken
    made.znodes.done.clear()
    assert made.run() == ["i1", "i2", "i3"]
    assert made.znodes.done == ["children", "read_all 1"]

    made.znodes.write(f"{PATH}/n2", encode(instance("i9", "n2")), 0)
    assert made.woken
    made.znodes.done.clear()
    assert made.run() == ["i1", "i9", "i3"]
    assert made.znodes.done == ["children", "read_all 1"]


def test_a_record_replaced_in_one_transaction_is_read_again(made: Made) -> None:
    made.put("n1", "i1")
    made.run()
    made.put("n1", "i2")
    assert made.woken
    assert made.run() == ["i2"]


def test_a_record_that_vanishes_between_the_reads(made: Made) -> None:
    made.put("n1", "i1")
    made.put("n2", "i2")
    made.znodes.before["read_all"] = [lambda: made.znodes.remove(f"{PATH}/n1")]
    assert made.run() == ["i2"]


def test_the_parent_comes_and_goes(made: Made) -> None:
    made.znodes.remove(PATH)
    assert made.run() == []
    made.znodes.put(PATH, b"")
    assert made.woken
    made.put("n1", "i1")
    assert made.run() == ["i1"]
    made.znodes.remove(PATH)
    assert made.woken
    assert made.run() == []
    made.znodes.put(PATH, b"")
    assert made.woken


def test_a_parent_that_comes_between_two_looks(made: Made) -> None:
    made.znodes.remove(PATH)
    made.znodes.before["exists"] = [lambda: made.znodes.put(PATH, b"")]
    assert made.run() == []
    made.put("n1", "i1")
    assert made.woken


@pytest.mark.parametrize("operation", ["children", "read_all"])
def test_a_list_that_was_not_read_completely_is_not_told(made: Made, operation: str) -> None:
    made.put("n1", "i1")
    made.run()
    made.put("n2", "i2")
    made.znodes.before[operation] = [LOST]
    with pytest.raises(AnswerLost):
        made.run()
    made.watcher.failed(LOST)
    assert len(made.told) == 1
    made.znodes.done.clear()
    assert made.run() == ["i1", "i2"]
    assert "read_all 1" in made.znodes.done


def test_after_a_lost_connection_only_what_changed_is_read_again(made: Made) -> None:
    for number in range(1, 4):
        made.put(f"n{number}", f"i{number}")
    made.run()
    made.watcher.suspended()
    made.znodes.disconnect()
    made.znodes.write(f"{PATH}/n2", encode(instance("i9", "n2")), 0)
    assert not made.woken, "nobody hears of it"
    made.znodes.done.clear()
    made.run()
    assert made.woken, "the watch that was set again has fired"
    assert made.run() == ["i1", "i9", "i3"]
    assert [done for done in made.znodes.done if done != "children"] == [
        "watch_all 3",
        "read_all 1",
    ]


def test_a_loss_is_told_once_and_everything_read_again(made: Made) -> None:
    made.put("n1", "i1")
    made.run()
    made.watcher.suspended()
    made.watcher.lost()
    assert made.told[1:] == [Unreachable(7.0)]
    made.znodes.expire()
    made.znodes.done.clear()
    assert made.run() == ["i1"]
    assert made.znodes.done == ["children", "read_all 1"]
    made.put("n2", "i2")
    assert made.woken


def test_garbage_is_skipped_and_said_once(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    made.put("n1", "i1")
    made.znodes.put(f"{PATH}/n2", b"garbage")
    for _ in range(3):
        assert made.run() == ["i1"]
    made.watcher.suspended()
    assert made.run() == ["i1"]
    assert len(caplog.records) == 1
    made.znodes.put(f"{PATH}/n2", b"other garbage")
    made.run()
    assert len(caplog.records) == 2
