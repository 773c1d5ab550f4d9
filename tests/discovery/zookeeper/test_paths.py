"""Paths."""

import pytest

from flightkeeper.discovery.errors import InvalidName
from flightkeeper.discovery.zookeeper.paths import Paths, parent


@pytest.mark.parametrize("chroot", ["", "/a", "/a/b"])
def test_paths(chroot: str) -> None:
    paths = Paths(chroot)
    assert paths.service("s") == f"{chroot}/services/s"
    assert paths.node("s", "n") == f"{chroot}/services/s/n"
    assert paths.key("k") == f"{chroot}/keys/k"


def test_names_are_checked() -> None:
    for make in (Paths("").service, Paths("").key, lambda name: Paths("").node("s", name)):
        with pytest.raises(InvalidName):
            make("a/b")


def test_parent() -> None:
    assert [parent("/a/b"), parent("/a")] == ["/a", ""]
