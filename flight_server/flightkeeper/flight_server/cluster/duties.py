"""What one node of a cluster does for all: a table of duties, each with one leader at a time.

Each node stands for each duty while it serves. Who leads says so in a document, which is written
only while it does; so anybody can see who leads since when, and nobody is named who does not.
"""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from flightkeeper.discovery.documents import DocumentChanged
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.leading import Leading, Work
from flightkeeper.discovery.locks import Hold
from flightkeeper.discovery.registry import Registry

FOLDER: Final = "duties"
"""Documents `duties/<duty>`: who leads, as JSON."""

_ANNOUNCEMENTS_MAX = 5
_LOOK_S = 1.0
"""How soon a duty follows a change of its pace."""

_log = logging.getLogger(__name__)


def every(pause_s: float, step: Callable[[Hold], object]) -> Work:
    """The work of doing something again and again.

    Args:
        pause_s: between the end of a step and the next one.
        step: asks the hold itself if it takes long. The registry may be away in it: the next one
            comes all the same.
    """

    def work(hold: Hold) -> None:
        while not hold.lost:
            try:
                step(hold)
            except RegistryError as exc:
                _log.info("a step of the duty %s was not finished: %s", hold.name, exc)
            hold.wait_lost(pause_s)

    return work


def paced(
    every_s: Callable[[], float], step: Callable[[Hold], object], now_s: Callable[[], float]
) -> Work:
    """The work of doing something at times that may change while it is led.

    Args:
        every_s: seconds from one step to the next, asked anew all the time; 0 = never.
        now_s: of a clock that never goes back.
    """
    done_s = float("-inf")

    def due(hold: Hold) -> None:
        nonlocal done_s
        pause_s, began_s = every_s(), now_s()
        if pause_s and began_s - done_s >= pause_s:
            step(hold)
            done_s = began_s

    return every(_LOOK_S, due)


class Duties:
    """The duties a node stands for. `stand` once, then `close`."""

    def __init__(
        self, registry: Registry, table: Mapping[str, Work], wall_s: Callable[[], float]
    ) -> None:
        """Stand for nothing yet.

        Args:
            table: the duties by their names.
            wall_s: seconds since 1970.
        """
        self._registry = registry
        self._table = table
        self._wall_s = wall_s
        self._leading: list[Leading] = []

    def stand(self, node_id: str) -> None:
        """Stand for each of them from now on, as this node."""
        self._leading = [
            Leading(self._registry, duty, self._announced(duty, node_id, work))
            for duty, work in self._table.items()
        ]

    def close(self) -> None:
        """Stand no more, and wait for what still runs. Idempotent, bounded."""
        for leading in self._leading:
            leading.stop()
        for leading in self._leading:
            leading.close()

    def _announced(self, duty: str, node_id: str, work: Work) -> Work:
        def announced(hold: Hold) -> None:
            self._announce(duty, node_id, hold)
            work(hold)

        return announced

    def _announce(self, duty: str, node_id: str, hold: Hold) -> None:
        name = f"{FOLDER}/{duty}"
        leader = {"node": node_id, "token": hold.token, "since_ms": int(self._wall_s() * 1000)}
        data = json.dumps(leader).encode()
        for _ in range(_ANNOUNCEMENTS_MAX):
            found = self._registry.read_document(name)
            version = None if found is None else found.version
            # By nobody but an earlier leader, whose word does not count any more.
            with suppress(DocumentChanged):
                self._registry.write_document(name, data, version, guard=hold, own=True)
                _log.info("this node leads the duty %s", duty)
                return
        _log.info("the duty %s is led without saying so: others write its document", duty)
