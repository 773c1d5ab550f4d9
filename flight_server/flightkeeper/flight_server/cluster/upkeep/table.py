"""The duties of a cluster by their names, which are agreed in it, and what each of them does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flightkeeper.discovery.catalog.definition import Definition
from flightkeeper.discovery.leading import Work
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.duties import every, paced
from flightkeeper.flight_server.cluster.upkeep.catalog_repair import CatalogRepair
from flightkeeper.flight_server.cluster.upkeep.key_age import KeyAge
from flightkeeper.flight_server.cluster.upkeep.partition_discovery import PartitionDiscovery
from flightkeeper.flight_server.cluster.upkeep.reports import Note, logged
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects

_SWEEPING_S = 60.0
_KEYS_S = 5.0


@dataclass(frozen=True, slots=True)
class Around:
    """What the duties look at and change.

    Attributes:
        settings: those that hold now.
        definitions: of the catalog as they are now.
        note: takes down what happened.
    """

    registry: Registry
    objects: ClusterObjects
    clocks: Clocks
    settings: Callable[[], NodeSettings]
    definitions: Callable[[], Iterable[Definition]]
    note: Note


def duties(around: Around) -> Mapping[str, Work]:
    """What one node does for all."""
    registry, clocks, settings = around.registry, around.clocks, around.settings
    note = logged(around.note)
    discovery = PartitionDiscovery(
        registry, around.objects, around.definitions, clocks.wall_s, note
    )
    repair = CatalogRepair(registry, note)
    table = {
        "sweeping": every(_SWEEPING_S, lambda _: registry.sweep()),
        "discovery": paced(
            lambda: settings().catalog_discovery_s, discovery.step, clocks.monotonic_s
        ),
        "repair": paced(lambda: settings().catalog_repair_s, repair.step, clocks.monotonic_s),
    }
    started = settings()
    if started.key_file is None:
        age = KeyAge(
            registry, started.service, lambda: settings().key_rotation_s, clocks.wall_s, note
        )
        table["keys"] = every(_KEYS_S, age.step)
    return table
