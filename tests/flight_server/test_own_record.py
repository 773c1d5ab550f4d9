"""What a node says of itself."""

from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.discovery.testing_store import MemoryStore
from flightkeeper.discovery.topology import Event, Listed
from flightkeeper.flight_server.own_record import OwnRecord

INSTANCE = Instance("analytics", "n1", "grpc://127.0.0.1:1", "i1")


class Watching:
    """Who sees the registry."""

    def __init__(self, store: MemoryStore) -> None:
        self.listed: list[tuple[Instance, ...]] = []
        MemoryRegistry(store).watch("analytics", self._hear)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Listed):
            self.listed.append(event.instances)

    def last(self) -> Instance:
        """The one record that there is."""
        (instance,) = self.listed[-1]
        return instance


def test_what_is_said_before_and_after_registering_is_in_the_registry() -> None:
    store = MemoryStore()
    watching = Watching(store)
    record = OwnRecord(INSTANCE)
    record.change(weight=7)
    assert watching.listed == [()]
    assert record.register(MemoryRegistry(store), 1.0)
    assert watching.last() == record.instance
    record.change(weight=9)
    assert watching.last().weight == 9
    told = len(watching.listed)
    record.change(weight=9)
    assert len(watching.listed) == told
    states = watching.listed
    record.withdraw()
    record.change(weight=1)
    assert states[-2][0].state is NodeState.DRAINING
    assert states[-1] == ()


def test_the_problems_of_all_parts_are_told() -> None:
    record = OwnRecord(INSTANCE)
    record.tell("settings", "bad settings", settings=(3, 0))
    record.tell("tables", "bad table " + "x" * 1000)
    assert record.instance.problem.startswith("bad settings; bad table xxx")
    assert len(record.instance.problem) < 330
    assert record.instance.settings == (3, 0)
    record.tell("settings", "")
    assert record.instance.problem.startswith("bad table")
    record.tell("tables", "")
    assert record.instance.problem == ""


def test_a_node_that_was_never_in_leaves_quietly() -> None:
    record = OwnRecord(INSTANCE)
    record.withdraw()
    assert record.instance.state is INSTANCE.state
