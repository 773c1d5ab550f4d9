"""Where a node listens, and what it tells others about that."""

import pytest

from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.listening import advertised


@pytest.mark.parametrize(
    ("listen", "advertise", "told"),
    [
        ("grpc://127.0.0.1:0", None, "grpc://127.0.0.1:7070"),
        ("grpc://127.0.0.1:5005", None, "grpc://127.0.0.1:5005"),
        ("grpc://127.0.0.1:0", "grpc://db.example:0", "grpc://db.example:7070"),
        ("grpc://127.0.0.1:0", "grpc+tls://db.example:443", "grpc+tls://db.example:443"),
    ],
)
def test_port_0_stands_for_the_one_it_got(listen: str, advertise: str | None, told: str) -> None:
    settings = NodeSettings(listen=listen, advertise=advertise, insecure=True)
    assert advertised(settings, 7070) == told
