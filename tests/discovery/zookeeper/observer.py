"""A look at a server from outside, by kazoo alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kazoo.client import KazooClient


@contextmanager
def observing(hosts: str) -> Iterator[Any]:
    """A plain client of the given hosts."""
    client = KazooClient(hosts, timeout=4.0)
    client.start()
    try:
        yield client
    finally:
        client.stop()
        client.close()


def expire(hosts: str, client_id: tuple[int, bytes]) -> None:
    """End a session for real: another client takes it over and closes it."""
    thief = KazooClient(hosts, client_id=client_id)
    thief.start()
    thief.stop()
    thief.close()
