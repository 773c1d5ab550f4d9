"""Reads of a lake by nodes that are processes: what one wrote, the others see at once."""

import itertools
from contextlib import ExitStack
from pathlib import Path

import pytest

from flightkeeper import client
from tests.support.processes import running

pytestmark = [pytest.mark.cluster, pytest.mark.lake, pytest.mark.timeout(240)]


def test_what_one_node_wrote_the_others_read_at_once(tmp_path: Path) -> None:
    registry, lake = f"dir://{tmp_path}/registry", f"ducklake:sqlite:{tmp_path}/lake.sqlite"
    with ExitStack() as stack:
        flags = ("serve", "--insecure", "--registry", registry, "--lake", lake)
        nodes = [stack.enter_context(running(*flags, "--node-id", f"n{n}")) for n in range(3)]
        addresses = [node.line()["location"].removeprefix("grpc://") for node in nodes]
        urls = [f"flightsql://{address}?transport=tcp" for address in addresses]
        alone = [stack.enter_context(client.connect(url)) for url in urls]
        router = stack.enter_context(client.connect(f"flightsql+{registry}", cache_dir=tmp_path))
        router.execute("CREATE TABLE entry (n INTEGER)")
        ways = itertools.cycle([*itertools.product(alone, alone), (router, router)])
        for number in range(1, 121):
            writer, reader = next(ways)
            writer.execute("INSERT INTO entry VALUES (?)", [number])
            assert reader.query("SELECT max(n) FROM entry").fetchall() == [(number,)]
