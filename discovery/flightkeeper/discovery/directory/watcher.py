"""A service's record files, looked at again and again."""

from collections.abc import Callable
from pathlib import Path

from flightkeeper.discovery.directory.record_files import Content, places, read_living
from flightkeeper.discovery.record_reader import RecordReader
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Event, Listed, Unreachable

_RETELL_S = 5.0
"""An unchanged list is told again this often, so that its age says that we still look."""


class DirectoryWatcher:
    """One service, for one listener. For one thread."""

    def __init__(
        self, folder: Path, deliver: Callable[[Event], None], clock: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._deliver = deliver
        self._clock = clock
        self._reader = RecordReader()
        self._told: Listed | None = None

    def look(self) -> None:
        """Read all records; tell them when they changed or were not told for a while.

        Raises:
            OSError: the directory cannot be read.
            RegistryUnavailable: a record could not be read.
        """
        at_s = self._clock()
        # A record lives as long as its writer, so that an unchanged file must be asked again.
        found = {place: c for place in places(self._folder) if (c := read_living(place))}
        self._reader.forget_all_but(str(place) for place in found)
        decoded = [self._decode(place, content) for place, content in found.items()]
        instances = tuple(instance for instance in decoded if instance is not None)
        told = self._told
        if told and told.instances == instances and at_s - told.at_s < _RETELL_S:
            return
        self._told = Listed(instances, at_s)
        self._deliver(self._told)

    def lose(self) -> None:
        """The directory cannot be read; the listener's view grows old."""
        if self._told is not None:
            self._told = None
            self._deliver(Unreachable(self._clock()))

    def _decode(self, place: Path, content: Content) -> Instance | None:
        return self._reader.read(str(place), place.stem, content.data, content.stamp)
