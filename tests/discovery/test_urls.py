"""Registry URLs, good and bad."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.errors import InvalidRegistryUrl
from flightkeeper.discovery.urls import (
    RegistryUrl,
    parse_registry_url,
    registry_url_from_connect_string,
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("zk://h1", RegistryUrl("zk", (("h1", 2181),), "")),
        ("zk://h1/", RegistryUrl("zk", (("h1", 2181),), "")),
        ("zk://h1:2182/", RegistryUrl("zk", (("h1", 2182),), "")),
        ("zk://10.0.0.1:1", RegistryUrl("zk", (("10.0.0.1", 1),), "")),
        ("zk://h1:2181,h2/a/b/", RegistryUrl("zk", (("h1", 2181), ("h2", 2181)), "/a/b")),
        ("zk://h1, h2/a", RegistryUrl("zk", (("h1", 2181), ("h2", 2181)), "/a")),
        ("zk://[::1]:2182,[fe80::1]", RegistryUrl("zk", (("::1", 2182), ("fe80::1", 2181)), "")),
        ("dir:///var/lib/x", RegistryUrl("dir", (), "/var/lib/x")),
        ("dir:///var/lib/x/", RegistryUrl("dir", (), "/var/lib/x")),
        ("dir:///a%20b", RegistryUrl("dir", (), "/a b")),
    ],
)
def test_good(url: str, expected: RegistryUrl) -> None:
    assert parse_registry_url(url) == expected
    assert parse_registry_url(str(expected)) == expected


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("", "scheme"),
        ("h1:2181", "scheme"),
        ("http://h1", "scheme"),
        ("ZK://h1", "scheme"),
        ("zk://", "host"),
        ("zk:///a", "host"),
        ("zk://h1,,h2", "host"),
        ("zk://h1,", "host"),
        ("zk://user:pw@h1", "host"),
        ("zk://h 1", "host"),
        ("zk://::1", "host"),
        ("zk://fe80::1", "host"),
        ("zk://[::1", "host"),
        ("zk://[::1]2181", "host"),
        ("zk://[::z]:2181", "host"),
        ("zk://h1:", "port"),
        ("zk://h1:x", "port"),
        ("zk://h1:0", "port"),
        ("zk://h1:65536", "port"),
        ("zk://h1:-1", "port"),
        ("zk://[::1]:", "port"),
        ("zk://h1//a", "path"),
        ("zk://h1/a//b", "path"),
        ("zk://h1/a/../b", "path"),
        ("zk://h1/.", "path"),
        ("zk://h1/a\nb", "path"),
        ("zk://h1?a=b", "query"),
        ("zk://h1/a?", "query"),
        ("zk://h1/a#b", "query"),
        ("dir:///a?b", "query"),
        ("dir://a/b", "host"),
        ("dir://", "host"),
        ("dir:///", "path"),
        ("dir:///a%00", "path"),
    ],
)
def test_bad(url: str, part: str) -> None:
    with pytest.raises(InvalidRegistryUrl, match=f"the {part} is wrong") as caught:
        parse_registry_url(url)
    assert (caught.value.url, caught.value.part) == (url, part)


def test_a_connect_string() -> None:
    text = " h1:2182,h2/a "
    assert registry_url_from_connect_string(text) == "zk://h1:2182,h2:2181/a"


def test_a_url_is_not_a_connect_string() -> None:
    with pytest.raises(InvalidRegistryUrl, match="scheme"):
        registry_url_from_connect_string("zk://h1")


@given(st.sampled_from(["", "zk://", "dir://"]), st.text())
def test_any_text_parses_or_says_which_part_is_wrong(scheme: str, text: str) -> None:
    try:
        parsed = parse_registry_url(scheme + text)
    except InvalidRegistryUrl as caught:
        part = caught.part
    else:
        part = ""
        assert parse_registry_url(str(parsed)) == parsed
    assert part in {"", "scheme", "host", "port", "path", "query"}
