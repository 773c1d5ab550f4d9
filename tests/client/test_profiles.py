"""Profiles and hosts files, as text."""

import tomllib

import pytest

from flightkeeper.client.profiles import NoUsableNode, Wish, hosts, profile, usable
from flightkeeper.discovery.records import Instance, NodeState


def node(
    name: str, location: str = "", state: NodeState = NodeState.UP, weight: int = 100
) -> Instance:
    location = location or f"grpc+tls://{name}.example:31337"
    return Instance("s", name, location, f"life of {name}", state, weight=weight)


def test_a_profile_is_what_driver_managers_read() -> None:
    wish = Wish(user='a"da', options={"adbc.flight.sql.rpc.timeout_seconds.connect": "2"})
    read = tomllib.loads(profile([node("a"), node("b")], wish))
    assert (read["profile_version"], read["driver"]) == (1, "flightsql")
    assert read["Options"] == {
        "uri": "grpc+tls://a.example:31337",
        "username": 'a"da',
        "password": "{{ env_var(FLIGHTKEEPER_PASSWORD) }}",
        "adbc.flight.sql.rpc.timeout_seconds.connect": "2",
    }


def test_without_a_user_there_is_no_password() -> None:
    assert list(tomllib.loads(profile([node("a")], Wish()))["Options"]) == ["uri"]


def test_one_name_stands_for_all_nodes() -> None:
    text = profile([node("a"), node("b")], Wish(host="sql.example"))
    assert tomllib.loads(text)["Options"]["uri"] == "grpc+tls://sql.example:31337"
    assert hosts(["10.0.0.1", "10.0.0.2"], "sql.example") == (
        "10.0.0.1\tsql.example\n10.0.0.2\tsql.example\n"
    )


@pytest.mark.parametrize("other", ["grpc+tls://b:1", "grpc://b.example:31337"])
def test_one_name_needs_one_port_and_one_transport(other: str) -> None:
    with pytest.raises(NoUsableNode, match="the same port"):
        profile([node("a"), node("b", other)], Wish(host="sql.example"))


def test_nodes_that_take_no_statements_are_left_out() -> None:
    found = usable([node("a", state=NodeState.DRAINING), node("b", weight=0), node("c")], Wish())
    assert [each.node_id for each in found] == ["c"]
    with pytest.raises(NoUsableNode, match="no node is registered"):
        usable([node("a", state=NodeState.STARTING)], Wish())


@pytest.mark.parametrize(
    ("location", "transport", "stands"),
    [
        ("grpc://10.0.0.1:1", None, False),
        ("grpc://10.0.0.1:1", "tcp", True),
        ("grpc://127.0.0.1:1", None, True),
        ("grpc://127.0.0.1:1", "tls", False),
        ("grpc+tls://10.0.0.1:1", "tls", True),
    ],
)
def test_no_login_is_led_to_a_plain_address(
    location: str, transport: str | None, *, stands: bool
) -> None:
    wish = Wish(transport=transport)
    if stands:
        assert usable([node("a", location)], wish)
    else:
        with pytest.raises(NoUsableNode, match="plain text"):
            usable([node("a", location)], wish)


def test_clients_begin_with_different_nodes_and_keep_to_them() -> None:
    nodes = [node(name) for name in "abcd"]
    first = {seed: usable(nodes, Wish(seed=seed))[0].node_id for seed in map(str, range(40))}
    assert set(first.values()) == set("abcd")
    without = {seed: usable(nodes[1:], Wish(seed=seed))[0].node_id for seed in first}
    assert {s: n for s, n in first.items() if n != "a"}.items() <= without.items()
