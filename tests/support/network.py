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


_RANGES = "10.93"
_IS_THERE = "File exists"


class Network:
    """Namespaces that reach each other and this process.

    The kernel has one bridge of a name, so whoever makes the one that is named after a range of
    addresses has that range: tests that run side by side do not hear each other.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._name = ""
        self.places: tuple[Place, ...] = ()

    def __enter__(self) -> Self:
        number = self._taken()
        self._name = _bridge(number)
        prefix = f"{_RANGES}.{number}"
        self.places = tuple(
            Place(
                f"{prefix}.{place}",
                ("ip", "netns", "exec", f"{self._name}n{place}"),
                f"{self._name}v{place}",
            )
            for place in range(1, self._size + 1)
        )
        try:
            _ip("addr", "add", f"{prefix}.254/24", "dev", self._name)
            _ip("link", "set", self._name, "up")
            for place in self.places:
                self._add(place)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._remove()

    def _taken(self) -> int:
        """The number of a range that was nobody's."""
        refused = ""
        for number in random.sample(range(256), 256):
            try:
                _ip("link", "add", _bridge(number), "type", "bridge")
            except subprocess.CalledProcessError as exc:
                refused = exc.stderr.decode()
                if _IS_THERE not in refused:
                    break
            else:
                return number
        raise RuntimeError(f"no bridge can be made: {refused}")

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
            # Both: of a namespace that is gone the kernel takes the link away later.
            with suppress(subprocess.CalledProcessError):
                _ip("link", "del", place._link)
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", place.inside[-1])
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", self._name)


def _bridge(number: int) -> str:
    return f"fk{number}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
