"""Client URLs: what they say, and which part of a wrong one is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.client.errors import InvalidUrl
from flightkeeper.client.options import Options, parse_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "flightsql+zk://h1:2181,h2:2182/chroot?service=analytics",
            Options(
                "flightsql+zk://h1:2181,h2:2182/chroot?service=analytics",
                "zk://h1:2181,h2:2182/chroot",
                (),
                "analytics",
                None,
            ),
        ),
        (
            "flightsql+zk://ada@h1/",
            Options("flightsql+zk://h1/", "zk://h1:2181", (), "flightsql", "ada"),
        ),
        (
            "flightsql+zk://h1/?service=x&transport=tls",
            Options(
                "flightsql+zk://h1/?service=x&transport=tls",
                "zk://h1:2181",
                (),
                "x",
                None,
                "tls",
            ),
        ),
        (
            "flightsql+dir:///srv?zone=east&role=reader",
            Options(
                "flightsql+dir:///srv?zone=east&role=reader",
                "dir:///srv",
                (),
                "flightsql",
                None,
                zone="east",
                role="reader",
            ),
        ),
        (
            "flightsql://h1:1?zone=east&role=reader",
            Options(
                "flightsql://h1:1?zone=east&role=reader",
                "",
                ("grpc+tls://h1:1",),
                "flightsql",
                None,
                "tls",
                zone="east",
                role="reader",
            ),
        ),
        (
            "flightsql+dir:///srv/registry",
            Options("flightsql+dir:///srv/registry", "dir:///srv/registry", (), "flightsql", None),
        ),
        (
            "flightsql://a%40b@h1:1,[::1]:2?transport=tcp",
            Options(
                "flightsql://h1:1,[::1]:2?transport=tcp",
                "",
                ("grpc://h1:1", "grpc://[::1]:2"),
                "flightsql",
                "a@b",
                "tcp",
            ),
        ),
        (
            "flightsql://h1:1/?service=x",
            Options("flightsql://h1:1/?service=x", "", ("grpc+tls://h1:1",), "x", None, "tls"),
        ),
    ],
)
def test_urls(url: str, expected: Options) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    ("url", "part", "reason"),
    [
        ("", "scheme", "expected flightsql"),
        ("grpc://h:1", "scheme", "expected flightsql"),
        ("flightsql:h:1", "scheme", "expected flightsql"),
        ("zk://h:1/x", "scheme", "expected flightsql"),
        ("flightsql://ada:secret@h:1", "user", "FLIGHTKEEPER_PASSWORD"),
        ("flightsql+zk://ada:secret@h:1", "user", "password="),
        ("flightsql://@h:1", "user", "empty"),
        ("flightsql://h", "port", "not host:port"),
        ("flightsql://h:", "port", "not a number"),
        ("flightsql://h:0", "port", "1 to 65535"),
        ("flightsql://h:65536", "port", "1 to 65535"),
        ("flightsql://h:12x", "port", "1 to 65535"),
        ("flightsql://[::1]", "port", "not host:port"),
        ("flightsql://:1", "host", "not host:port"),
        ("flightsql://::1:1", "host", "for IPv6"),
        ("flightsql://h:1,h:1", "host", "named twice"),
        ("flightsql://h h:1", "host", "'h h' is neither"),
        ("flightsql:// h:1", "host", "' h' is neither"),
        ("flightsql://h:1, h2:1", "host", "' h2' is neither"),
        ("flightsql://h\t:1", "host", "neither a host's name"),
        ("flightsql://h\0:1", "host", "neither a host's name"),
        ("flightsql://-h:1", "host", "'-h' is neither"),
        ("flightsql://.h:1", "host", "'.h' is neither"),
        ("flightsql://h-:1", "host", "'h-' is neither"),
        ("flightsql://h#1:1", "host", "'h#1' is neither"),
        ("flightsql://h%20h:1", "host", "'h%20h' is neither"),
        ("flightsql://h\\h:1", "host", "neither a host's name"),
        ("flightsql://[h]:1", "host", "'[h]' is neither"),
        ("flightsql://[]:1", "host", "'[]' is neither"),
        ("flightsql://[1.2.3.4]:1", "host", "'[1.2.3.4]' is neither"),
        ("flightsql://h:1/path", "path", "takes none"),
        ("flightsql://h:1?transport=quic", "query", "not tls or tcp"),
        ("flightsql://h:1?colour=red", "query", "unknown key 'colour'"),
        ("flightsql+dir:///x?transport=udp", "query", "transport is 'udp', not tls or tcp"),
        ("flightsql://h:1?service=a&service=b", "query", "given twice"),
        ("flightsql://h:1?service=", "query", "service '' cannot be used"),
        ("flightsql+zk://h/x?service=a/b", "query", "service 'a/b' cannot be used"),
        ("flightsql://h:1?password=secret", "query", "unknown key 'password'"),
        ("flightsql+zk://h:99999/x", "port", "99999"),
        ("flightsql+dir://host/x", "host", "names no host"),
    ],
)
def test_the_wrong_part_is_named(url: str, part: str, reason: str) -> None:
    with pytest.raises(InvalidUrl, match=f"the {part} is wrong") as caught:
        parse_url(url)
    assert caught.value.part == part
    assert reason in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_url_or_an_error(text: str) -> None:
    parts = {"scheme", "user", "host", "port", "path", "query"}
    for beginning in ("", "flightsql://", "flightsql+zk://", "flightsql+dir:///"):
        wrong = None
        try:
            parse_url(beginning + text)
        except InvalidUrl as exc:
            wrong = exc.part
        assert wrong is None or wrong in parts
