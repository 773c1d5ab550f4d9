"""Which addresses may be told a password: by default, with transport=tls, with transport=tcp."""

import pytest

from flightkeeper.client.trust import may_show_login


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("grpc+tls://db.example.org:31337", (True, True, True)),
        ("grpc+tls://10.0.0.7:31337", (True, True, True)),
        ("grpc://127.0.0.1:31337", (True, False, True)),
        ("grpc+tcp://127.8.9.1:31337", (True, False, True)),
        ("grpc://[::1]:31337", (True, False, True)),
        ("grpc://localhost:31337", (True, False, True)),
        ("grpc+unix:///run/node.sock", (True, False, True)),
        ("grpc://10.0.0.7:31337", (False, False, True)),
        ("grpc://db.example.org:31337", (False, False, True)),
        ("grpc://localhost.example.org:31337", (False, False, True)),
        ("grpc://127.0.0.1.example.org:31337", (False, False, True)),
        ("grpc://0.0.0.0:31337", (False, False, True)),
        ("nonsense", (False, False, True)),
    ],
)
def test_where_a_login_may_be_shown(location: str, expected: tuple[bool, ...]) -> None:
    judged = tuple(may_show_login(location, transport) for transport in (None, "tls", "tcp"))
    assert judged == expected
