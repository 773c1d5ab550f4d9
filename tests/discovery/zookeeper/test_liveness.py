"""Probing a location."""

import socket
from contextlib import ExitStack

from flightkeeper.discovery.zookeeper.liveness import accepts_connections
from tests.discovery.backends import listening


def test_a_listener_is_alive() -> None:
    with ExitStack() as stack:
        location = listening(stack)
        assert accepts_connections(location)
    assert not accepts_connections(location)


def test_a_host_that_does_not_resolve_is_not() -> None:
    assert not accepts_connections("grpc://no-such-host.invalid:1")


def test_ipv6() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert accepts_connections(f"grpc+tls://[::1]:{server.getsockname()[1]}")
