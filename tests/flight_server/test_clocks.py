"""The clocks: real by default, anything that tells seconds otherwise."""

import time

from flightkeeper.flight_server.clocks import Clocks


def test_the_default_clocks_are_real() -> None:
    clocks = Clocks()
    assert abs(clocks.wall_s() - time.time()) < 5
    assert clocks.monotonic_s() <= time.monotonic()


def test_a_test_brings_its_own() -> None:
    clocks = Clocks(lambda: 1.0, lambda: 2.0)
    assert (clocks.wall_s(), clocks.monotonic_s()) == (1.0, 2.0)
