"""Looks whether the catalog's documents are whole, mends what is safe to mend, and says the rest.

Pages that nothing names are taken away when they are found twice, a pause apart: whoever has read
the definition before still finds them until then.
"""

from collections.abc import Mapping

from flightkeeper.discovery.catalog import mending
from flightkeeper.discovery.catalog.definition import FOLDER, MalformedDefinition
from flightkeeper.discovery.locks import Hold, LockTimeout
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.cluster.upkeep.reports import Note, Reports
from flightkeeper.flight_server.system.events import What


def aged(before: Mapping[str, int], now: Mapping[str, int]) -> Mapping[str, int]:
    """Those of the pages that were there before, too, in the same version. Pure."""
    return {name: version for name, version in now.items() if before.get(name) == version}


class CatalogRepair:
    """The duty's step. One thread's."""

    def __init__(self, registry: Registry, note: Note) -> None:
        """Nothing was found yet."""
        self._registry = registry
        self._note = note
        self._reports = Reports(What.DUTY_HINDERED, note)
        self._orphans: Mapping[str, int] = {}

    def step(self, hold: Hold) -> None:
        """Look, and mend.

        Raises:
            RegistryError: it was not finished.
        """
        found = mending.look(self._registry)
        gone = aged(self._orphans, found.orphans)
        self._orphans = found.orphans
        self._reports.found({_named(name): why for name, why in found.problems.items()})
        for document, pages in mending.by_object(gone.items()).items():
            hold.check()
            try:
                removed = mending.remove(self._registry, pages)
            except (LockTimeout, MalformedDefinition):
                continue  # it is being changed: the next look knows more
            if removed:
                detail = f"pages taken away that nothing names: {removed}"
                self._note(What.CATALOG_MENDED, _named(document), detail)


def _named(document: str) -> str:
    """An object as people call it."""
    return document.removeprefix(f"{FOLDER}/").replace("/", ".")
