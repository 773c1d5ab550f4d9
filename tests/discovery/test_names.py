"""Names."""

import pytest

from flightkeeper.discovery.errors import InvalidName
from flightkeeper.discovery.names import NAME_BYTES_MAX, check_name


@pytest.mark.parametrize("name", ["n1", "node-7.eu", "Knoten ä", "x" * NAME_BYTES_MAX])
def test_good(name: str) -> None:
    assert check_name("node id", name) == name


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "\0", "a\tb", "ä" * NAME_BYTES_MAX])
def test_bad(name: str) -> None:
    with pytest.raises(InvalidName, match="node id"):
        check_name("node id", name)
