"""ADBC connection profiles and hosts files, made from the nodes of a service. Pure.

A profile is what the ADBC driver manager of any language reads: a driver and its options. It holds
no secret: a password is named by the variable that has it. A hosts file gives one name to all
nodes; the Flight SQL driver connects to the first address that answers, and again when that one is
lost.

Spec: ADBC, "Driver Manager and Connection Profiles", `profile_version = 1`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from urllib.parse import urlsplit

from flightkeeper.client.trust import TCP, TLS, may_show_login
from flightkeeper.discovery.records import Instance, NodeState

PASSWORD_VARIABLE = "FLIGHTKEEPER_PASSWORD"  # noqa: S105  the name of a variable


class NoUsableNode(ValueError):
    """No node can stand in a profile; says why. What was written before should stay."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a profile is to say.

    Attributes:
        driver: name or path of the driver, as the driver manager wants it.
        user: who to log in as, or "".
        host: one name for all nodes, that a hosts file or a zone resolves; "" = the address of one.
        transport: which addresses may stand in it; see `trust`.
        seed: different clients with different seeds begin with different nodes.
        options: further options of the driver.
    """

    driver: str = "flightsql"
    user: str = ""
    host: str = ""
    transport: str | None = None
    seed: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def usable(instances: Iterable[Instance], wish: Wish) -> tuple[Instance, ...]:
    """The nodes that clients should connect to, the one to begin with first.

    Raises:
        NoUsableNode: there are none.
    """
    working = [i for i in instances if i.state is NodeState.UP and i.weight > 0]
    allowed = [i for i in working if _allowed(i.location, wish.transport)]
    if not working:
        raise NoUsableNode("no node is registered that takes statements")
    if not allowed:
        raise NoUsableNode(
            "every node is registered with a plain text address, where no login is shown: let them "
            "use TLS, or allow it with --transport tcp"
        )
    return tuple(sorted(allowed, key=lambda i: _rank(wish.seed, i.node_id)))


def profile(nodes: Sequence[Instance], wish: Wish) -> str:
    """The text of a profile.

    Raises:
        NoUsableNode: the nodes have different ports or transports, so that one name is not enough.
    """
    uri = nodes[0].location
    if wish.host:
        shapes = {(urlsplit(n.location).scheme, urlsplit(n.location).port) for n in nodes}
        if len(shapes) > 1:
            raise NoUsableNode(
                "under one name all nodes need the same port, and all of them TLS or none"
            )
        ((scheme, port),) = shapes
        uri = f"{scheme}://{wish.host}:{port}"
    options = {"uri": uri}
    if wish.user:
        options |= {
            "username": wish.user,
            "password": f"{{{{ env_var({PASSWORD_VARIABLE}) }}}}",
        }
    options |= wish.options
    # A JSON string of ASCII is a TOML string.
    lines = [f"{_key(name)} = {json.dumps(value)}" for name, value in options.items()]
    head = ["profile_version = 1", f"driver = {json.dumps(wish.driver)}", "", "[Options]"]
    return "\n".join([*head, *lines]) + "\n"


def hosts(addresses: Sequence[str], name: str) -> str:
    """The text of a hosts file: one name for all addresses, in their order."""
    return "".join(f"{address}\t{name}\n" for address in addresses)


def _allowed(location: str, transport: str | None) -> bool:
    if transport == TCP:
        return True
    return may_show_login(location, TLS if transport == TLS else None)


def _rank(seed: str, node_id: str) -> bytes:
    """Rendezvous hashing: a node that comes or goes moves only those who begin with it."""
    return blake2b(f"{seed}\0{node_id}".encode(), digest_size=8).digest()


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else json.dumps(name)
