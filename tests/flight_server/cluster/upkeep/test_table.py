"""The duties of a cluster."""

from pathlib import Path

import pytest

from flightkeeper.discovery.locks import LastingHold
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.auth import keys
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.upkeep.table import Around, duties
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions


def around(settings: NodeSettings) -> Around:
    database = Database(DatabaseOptions())
    objects = ClusterObjects(database, "memory")
    return Around(
        MemoryRegistry(), objects, Clocks(), lambda: settings, lambda: (), lambda *_: None
    )


def test_the_names_that_nodes_agree_on() -> None:
    assert sorted(duties(around(NodeSettings()))) == ["discovery", "keys", "repair", "sweeping"]


def test_keys_of_a_file_are_nobodys_duty(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(keys.encode(keys.generate()))
    assert "keys" not in duties(around(NodeSettings(key_file=file)))


@pytest.mark.parametrize("duty", ["discovery", "keys", "repair", "sweeping"])
def test_each_ends_when_its_leader_is_told(duty: str) -> None:
    hold = LastingHold(duty, 1, lambda: None)
    hold.stop()
    duties(around(NodeSettings()))[duty](hold)
