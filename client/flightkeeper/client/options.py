"""Client URLs, taken apart: where to look for nodes, for which service, as which user.

    flightsql+zk://[user@]h1:2181,h2:2181/chroot?service=NAME    nodes from ZooKeeper
    flightsql+dir:///absolute/path?service=NAME                  nodes of this machine
    flightsql://[user@]h1:31337,h2:31337?transport=tcp           these nodes; TLS unless tcp

With a registry the nodes' records say how they are reached, and `transport=tls` or `transport=tcp`
where a login may be shown; see `trust`. With `zone=NAME` nodes of that zone are preferred, with
`role=NAME` only those of that role are used.

Pure text in, value out: nothing is resolved, opened or read here. Passwords never stand in a URL.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import parse_qsl, unquote

from flightkeeper.client.errors import InvalidUrl
from flightkeeper.client.trust import TCP, TLS
from flightkeeper.discovery.errors import InvalidName, InvalidRegistryUrl
from flightkeeper.discovery.names import check_name
from flightkeeper.discovery.urls import parse_registry_url

DEFAULT_SERVICE = "flightsql"

_REGISTRY_PREFIX = "flightsql+"
_STATIC_SCHEME = "flightsql"
_TRANSPORTS = {TLS: "grpc+tls", TCP: "grpc"}
_KEYS = frozenset({"service", "transport", "zone", "role"})
_PORT_MAX = 65535
_HOST = re.compile(r"\w(?:[\w.-]*[\w.])?")
"""Letters of any language: what a name means is the resolver's business."""


@dataclass(frozen=True, slots=True)
class Options:
    """A client URL taken apart.

    Attributes:
        url: the URL without its user part; names the service in messages and in the cache.
        registry_url: where nodes register, or "" for a static list.
        locations: Flight URIs of a static list; empty with a registry.
        service: the set of interchangeable nodes to use.
        user: who to log in as, or None.
        zone: where this client is; "" = anywhere.
        role: only nodes that have it, or that name no roles; "" = any.
        transport: "tls" or "tcp", as asked for; None = as the nodes' records say.
    """

    url: str
    registry_url: str
    locations: tuple[str, ...]
    service: str
    user: str | None
    transport: str | None = None
    zone: str = ""
    role: str = ""


def parse_url(url: str) -> Options:
    """Take a client URL apart.

    Raises:
        InvalidUrl: names the part that is wrong.
    """
    scheme, separator, rest = url.partition("://")
    body, _, query = rest.partition("?")
    user, body = _user(url, body)
    shown = f"{scheme}://{body}" + (f"?{query}" if query else "")
    if separator and scheme == _STATIC_SCHEME:
        return _static(shown, body, query, user)
    if separator and scheme in {"flightsql+zk", "flightsql+zks", "flightsql+dir"}:
        return _with_registry(shown, scheme.removeprefix(_REGISTRY_PREFIX), body, query, user)
    expected = "flightsql+zk://, flightsql+zks://, flightsql+dir:// or flightsql://"
    raise InvalidUrl(shown, "scheme", f"expected {expected}")


def _user(url: str, body: str) -> tuple[str | None, str]:
    authority, slash, path = body.partition("/")
    user, at, hosts = authority.rpartition("@")
    if not at:
        return None, body
    if ":" in user:
        without = url.replace(f"{user}@", f"{user.partition(':')[0]}@", 1)
        raise InvalidUrl(
            without, "user", "a password stood in it: use password= or FLIGHTKEEPER_PASSWORD"
        )
    if not user:
        raise InvalidUrl(url, "user", "it is empty: leave out the '@' or name a user")
    return unquote(user), f"{hosts}{slash}{path}"


def _with_registry(shown: str, scheme: str, body: str, query: str, user: str | None) -> Options:
    known = _query(shown, query)
    try:
        registry_url = str(parse_registry_url(f"{scheme}://{body}"))
    except InvalidRegistryUrl as exc:
        raise InvalidUrl(shown, exc.part, exc.reason) from exc
    service = known.get("service", DEFAULT_SERVICE)
    zone, role = known.get("zone", ""), known.get("role", "")
    return Options(shown, registry_url, (), service, user, known.get("transport"), zone, role)


def _static(shown: str, body: str, query: str, user: str | None) -> Options:
    known = _query(shown, query)
    hosts, slash, path = body.partition("/")
    if slash and path:
        raise InvalidUrl(shown, "path", "a list of nodes takes none")
    transport = known.get("transport", TLS)
    locations = tuple(
        f"{_TRANSPORTS[transport]}://{_host_and_port(shown, text)}" for text in hosts.split(",")
    )
    if len(set(locations)) < len(locations):
        raise InvalidUrl(shown, "host", "a node is named twice")
    service = known.get("service", DEFAULT_SERVICE)
    zone, role = known.get("zone", ""), known.get("role", "")
    return Options(shown, "", locations, service, user, transport, zone, role)


def _host_and_port(shown: str, text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or host.startswith("[") != host.endswith("]"):
        raise InvalidUrl(shown, "port", f"{text!r} is not host:port")
    if not host or (":" in host and not host.startswith("[")):
        raise InvalidUrl(shown, "host", f"{text!r} is not host:port ([address]:port for IPv6)")
    if not _is_host(host):
        raise InvalidUrl(shown, "host", f"{host!r} is neither a host's name nor its address")
    if not (port.isascii() and port.isdecimal() and 0 < int(port) <= _PORT_MAX):
        raise InvalidUrl(shown, "port", f"{port!r} is not a number from 1 to {_PORT_MAX}")
    return f"{host}:{int(port)}"


def _is_host(text: str) -> bool:
    if text.startswith("["):
        try:
            IPv6Address(text[1:-1])
        except AddressValueError:
            return False
        return True
    return _HOST.fullmatch(text) is not None


def _query(shown: str, query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    values = dict(pairs)
    for key in values:
        if key not in _KEYS:
            # Not all of the URL: its value may be a password.
            without = shown.partition("?")[0]
            raise InvalidUrl(without, "query", f"unknown key {key!r}, known: {sorted(_KEYS)}")
    if len(values) < len(pairs):
        raise InvalidUrl(shown, "query", "a key is given twice")
    transport = values.get("transport", TLS)
    if transport not in _TRANSPORTS:
        raise InvalidUrl(shown, "query", f"transport is {transport!r}, not tls or tcp")
    try:
        check_name("service", values.get("service", DEFAULT_SERVICE))
    except InvalidName as exc:
        raise InvalidUrl(shown, "query", str(exc)) from exc
    return values
