"""Networks of their own for processes that are to be cut off from each other.

For root: namespaces behind one bridge, so that who is cut off hears nothing at all, not even that
nobody is there. Owns what it makes in the kernel, and takes it away at the end.
"""

import os
import random
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Self


def available() -> bool:
    """Whether this process may make networks."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


@dataclass(frozen=True, slots=True)
class Place:
    """One namespace.

    Attributes:
        address: its own in the network.
        inside: what to put before a command so that it runs there.
    """

    address: str
    inside: tuple[str, ...]
    _link: str

    def cut(self) -> None:
        """Let nothing in or out."""
        _ip("link", "set", self._link, "down")

    def heal(self) -> None:
        """Let everything in and out."""
        _ip("link", "set", self._link, "up")


class Network:
    """Namespaces that reach each other and this process."""

    def __init__(self, size: int) -> None:
        self._name = f"fk{random.randrange(16**5):05x}"
        prefix = f"10.93.{random.randrange(256)}"
        self._own = f"{prefix}.254/24"
        numbers = range(1, size + 1)
        self.places = tuple(
            Place(
                f"{prefix}.{number}",
                ("ip", "netns", "exec", f"{self._name}n{number}"),
                f"{self._name}v{number}",
            )
            for number in numbers
        )

    def __enter__(self) -> Self:
        try:
            _ip("link", "add", self._name, "type", "bridge")
            _ip("addr", "add", self._own, "dev", self._name)
            _ip("link", "set", self._name, "up")
            for place in self.places:
                self._add(place)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._remove()

    def _add(self, place: Place) -> None:
        namespace = place.inside[-1]
        _ip("netns", "add", namespace)
        _ip("link", "add", place._link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("link", "set", place._link, "master", self._name, "up")
        _ip("-n", namespace, "addr", "add", f"{place.address}/24", "dev", "eth0")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        _ip("-n", namespace, "link", "set", "lo", "up")

    def _remove(self) -> None:
        for place in self.places:
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", place.inside[-1])
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", self._name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
