"""The instance record and Curator's JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.errors import MalformedRecord
from flightkeeper.discovery.records import Instance, NodeState, decode, encode
from tests.discovery.backends import instance

INSTANCES = st.builds(
    Instance,
    service=st.text(),
    node_id=st.text(),
    location=st.builds(
        lambda scheme, host, port: f"{scheme}://{host}:{port}",
        st.sampled_from(["grpc", "grpc+tcp", "grpc+tls"]),
        st.sampled_from(["127.0.0.1", "node-1.example", "[::1]"]),
        st.integers(1, 65535),
    ),
    incarnation=st.text(),
    state=st.sampled_from(NodeState),
    version=st.text(),
    zone=st.text(),
    weight=st.integers(0, 1000),
    roles=st.lists(st.text(), max_size=3).map(tuple),
    databases=st.lists(st.text(), max_size=3).map(tuple),
    registered_at_ms=st.integers(0, 2**53),
    keys=st.integers(-1, 2**31),
)


@given(INSTANCES)
def test_round_trip(made: Instance) -> None:
    assert decode(encode(made)) == made


@given(st.binary())
def test_any_bytes_are_an_instance_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedRecord):
        decode(data)


def test_the_form_is_curators() -> None:
    plain = Instance("analytics", "n1", "grpc+tcp://10.0.0.1:31337", "i1", registered_at_ms=17)
    document = json.loads(encode(plain))
    assert list(document) == [
        "name", "id", "address", "port", "sslPort", "payload", "registrationTimeUTC",
        "serviceType", "uriSpec",
    ]  # fmt: skip
    assert (document["address"], document["port"], document["sslPort"]) == ("10.0.0.1", 31337, None)
    assert document["serviceType"] == "DYNAMIC"
    parts = document["uriSpec"]["parts"]
    assert [part["value"] for part in parts] == ["grpc+tcp://", "address", ":", "port"]
    assert [part["variable"] for part in parts] == [False, True, False, True]


def test_tls_is_on_the_ssl_port() -> None:
    document = json.loads(encode(instance("i1", location="grpc+tls://h:443")))
    assert (document["port"], document["sslPort"]) == (None, 443)
    assert document["uriSpec"]["parts"][-1]["value"] == "sslPort"


def test_curators_own_record_is_read() -> None:
    data = b"""{"name":"analytics","id":"n1","address":"h","port":1,"sslPort":null,
      "payload":{"state":"UP","location":"grpc://h:1","incarnation":"i1"},
      "registrationTimeUTC":5,"serviceType":"DYNAMIC","uriSpec":null,"enabled":true}"""
    read = decode(data)
    assert read == Instance("analytics", "n1", "grpc://h:1", "i1", registered_at_ms=5)


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "'name'"),
    ({"id": 7}, "'id'"),
    ({"payload": None}, "'payload'"),
    ({"payload": []}, "'payload'"),
    ({"registrationTimeUTC": "x"}, "'registrationTimeUTC'"),
    ({"registrationTimeUTC": True}, "'registrationTimeUTC'"),
    ({"payload.state": "GONE"}, "'state'"),
    ({"payload.state": None}, "'state'"),
    ({"payload.location": "h:1"}, "'location'"),
    ({"payload.location": "http://h:1"}, "'location'"),
    ({"payload.location": "grpc+quic://h:1"}, "'location'"),
    ({"payload.location": "grpc://h"}, "'location'"),
    ({"payload.location": "grpc://:1"}, "'location'"),
    ({"payload.location": "grpc://h:99999"}, "'location'"),
    ({"payload.location": "grpc://[::1"}, "'location'"),
    ({"payload.location": "grpc+tls://{{ env_var(SECRET) }}.h:1"}, "'location'"),
    ({"payload.location": "grpc://ada@h:1"}, "'location'"),
    ({"payload.location": "grpc://h:1/?x={y}"}, "'location'"),
    ({"payload.location": "grpc://h\\n:1"}, "'location'"),
    ({"payload.incarnation": 1}, "'incarnation'"),
    ({"payload.weight": "heavy"}, "'weight'"),
    ({"payload.weight": True}, "'weight'"),
    ({"payload.roles": "x"}, "'roles'"),
    ({"payload.roles": [1]}, "'roles'"),
    ({"payload.databases": {}}, "'databases'"),
]


@pytest.mark.parametrize(("change", "named"), MALFORMED)
def test_the_wrong_field_is_named(change: dict[str, Any], named: str) -> None:
    document = json.loads(encode(instance("i1")))
    for key, value in change.items():
        where = document["payload"] if key.startswith("payload.") else document
        where[key.removeprefix("payload.")] = value
    with pytest.raises(MalformedRecord, match=named):
        decode(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b'"x"', b"[" * 100_000])
def test_what_is_no_json_object(data: bytes) -> None:
    with pytest.raises(MalformedRecord):
        decode(data)


def test_an_update_is_of_the_same_incarnation() -> None:
    old = instance("i1")
    new = instance("i1", location="grpc://other:2")
    assert new.succeeding(old) is new
    with pytest.raises(ValueError, match="update"):
        instance("i2").succeeding(old)
