"""A node's part in its lake: what it stands for, does alone, and tells."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from flightkeeper.discovery.locks import LastingHold, LockLost
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import EngineFailed
from flightkeeper.flight_server.lake.location import Location
from flightkeeper.flight_server.lake.part import LakePart
from flightkeeper.flight_server.lake.rounds import Rounds
from flightkeeper.flight_server.lake.upkeep import Run, Step
from flightkeeper.flight_server.system.events import What
from flightkeeper.flight_server.system.tables import LAKE
from tests.support.stub_process import eventually

pytestmark = pytest.mark.lake


@dataclass
class Scene:
    """A part, and what it noted."""

    part: LakePart
    settings: NodeSettings
    noted: list[tuple[What, str, str]] = field(default_factory=list)

    def note(self, what: What, subject: str, detail: str) -> None:
        self.noted.append((what, subject, detail))


def scene(database: Database, settings: NodeSettings) -> Scene:
    part = LakePart(database, Clocks(), lambda: settings, lambda: "n1")
    return Scene(part, settings)


@pytest.fixture
def scene_here(here: Database, location: Location) -> Iterator[Scene]:
    opened = scene(here, NodeSettings(lake=str(location), insecure=True))
    yield opened
    opened.part.close()


def test_the_duty_is_the_lakes_own(scene_here: Scene, here: Database) -> None:
    (name,) = scene_here.part.duties(scene_here.note)
    assert name == f"lake-{here.lake[:12]}"
    assert len(scene_here.part.owners()) == 2


def test_without_a_lake_there_is_nothing_to_do() -> None:
    with closing(Database(DatabaseOptions())) as database:
        opened = scene(database, NodeSettings())
        assert not opened.part.owners()
        assert not opened.part.duties(opened.note)
        assert opened.part.providers()["lake"]() == []
        opened.part.serve_alone(opened.note)
        opened.part.close()


def test_who_only_reads_puts_nothing_in_order(here: Database, location: Location) -> None:
    opened = scene(here, NodeSettings(lake=str(location), read_only=True))
    assert not opened.part.duties(opened.note)


def test_a_node_without_a_registry_does_it_alone(scene_here: Scene) -> None:
    scene_here.part.serve_alone(scene_here.note)
    eventually(lambda: bool(scene_here.noted), 20)
    assert scene_here.noted[0] == (What.LAKE_KEPT, "orphans", "0 files")
    scene_here.part.close()
    assert scene_here.part._thread is not None
    assert not scene_here.part._thread.is_alive()


def test_the_rows_say_what_is_to_do_and_what_was_done(scene_here: Scene) -> None:
    rows = scene_here.part.providers()["lake"]()
    assert [row[0] for row in rows] == list(Step)
    assert {len(row) for row in rows} == {len(LAKE.columns)}
    scene_here.part.serve_alone(scene_here.note)
    eventually(lambda: bool(scene_here.noted), 20)
    done = {row[0]: row[2:] for row in scene_here.part.providers()["lake"]()}
    assert done["orphans"][0] == "n1"
    assert done["orphans"][3:] == ("done", "0 files")
    assert done["merge"] == (None,) * 5


def test_what_hinders_it_is_noted(scene_here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = LastingHold("lake", 0, lambda: None)
    scene_here.part.duties(scene_here.note)

    def away(*_: object) -> None:
        raise EngineFailed("the catalog is away\nmore")

    monkeypatch.setattr(Rounds, "round", away)
    scene_here.part._step(hold)
    failed = Run(Step.MERGE, "n1", 0, 1, "failed", "disk full")
    monkeypatch.setattr(Rounds, "round", lambda *_: [failed])
    scene_here.part._step(hold)
    assert scene_here.noted == [
        (What.DUTY_HINDERED, "lake", "the catalog is away"),
        (What.DUTY_HINDERED, "merge", "disk full"),
    ]
    monkeypatch.setattr(Rounds, "round", away)
    scene_here.part.close()
    with pytest.raises(LockLost, match="the node leaves"):
        scene_here.part._step(hold)
    hold.stop()
    with pytest.raises(LockLost, match="let go"):
        scene_here.part._step(hold)
