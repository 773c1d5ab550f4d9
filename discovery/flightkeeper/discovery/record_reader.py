"""Reads the records of a service, skipping garbage and saying so once.

Shared by the backends. Knows nothing of where the bytes are kept.
"""

import logging
from collections.abc import Hashable, Iterable

from flightkeeper.discovery.errors import MalformedRecord
from flightkeeper.discovery.records import Instance, decode

_log = logging.getLogger(__name__)


class RecordReader:
    """Decodes records and remembers which garbage was reported. For one thread."""

    def __init__(self) -> None:
        self._reported: dict[str, Hashable] = {}

    def read(self, where: str, name: str, data: bytes, stamp: Hashable) -> Instance | None:
        """The instance in a record; None, with a warning the first time, when there is none.

        Args:
            where: the record's path, for the message.
            name: the record's own name, which must be the node's id.
            data: its bytes.
            stamp: tells one content of the record from another.
        """
        try:
            return _decode_named(data, name)
        except MalformedRecord as exc:
            if self._reported.get(where) != stamp:
                self._reported[where] = stamp
                _log.warning("skipping the record %s, which is not an instance: %s", where, exc)
            return None

    def forget_all_but(self, paths: Iterable[str]) -> None:
        """Forget what was reported of records that are gone."""
        present = set(paths)
        self._reported = {p: stamp for p, stamp in self._reported.items() if p in present}


def _decode_named(data: bytes, name: str) -> Instance:
    instance = decode(data)
    if instance.node_id != name:
        # Else one node could appear twice, under two names.
        raise MalformedRecord(f"its id is {instance.node_id!r}, its name {name!r}")
    return instance
