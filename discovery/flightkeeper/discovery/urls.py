"""Registry URLs: `zk://h1:2181,h2:2181/chroot`, `zks://` over TLS, and `dir:///absolute/path`.

Pure text in, value out: nothing is resolved, opened or created here.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import quote, unquote

from flightkeeper.discovery.errors import InvalidRegistryUrl

ZOOKEEPER_PORT = 2181

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_PORT = re.compile(r"[0-9]{1,5}")
_PORT_MAX = 65535


@dataclass(frozen=True, slots=True)
class RegistryUrl:
    """A registry URL taken apart.

    Attributes:
        scheme: "zk", "zks" (over TLS) or "dir".
        hosts: (host, port) pairs of the ensemble, IPv6 without brackets; empty for "dir".
        path: chroot of "zk" and "zks" ("" for none, else "/a/b"); absolute path for "dir".
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    path: str

    @property
    def secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self.scheme == "zks"

    @property
    def host_list(self) -> str:
        """The hosts as `h1:2181,[::1]:2182`."""
        return ",".join(f"[{h}]:{p}" if ":" in h else f"{h}:{p}" for h, p in self.hosts)

    def __str__(self) -> str:
        path = quote(self.path) if self.scheme == "dir" else self.path
        return f"{self.scheme}://{self.host_list}{path}"


def parse_registry_url(url: str) -> RegistryUrl:
    """Take a registry URL apart.

    Raises:
        InvalidRegistryUrl: names the part that is wrong.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _PARSERS:
        raise InvalidRegistryUrl(
            url, "scheme", "expected zk://hosts/chroot, zks://hosts/chroot or dir:///path"
        )
    if "?" in rest or "#" in rest:
        raise InvalidRegistryUrl(url, "query", "a registry URL takes no query and no fragment")
    return _PARSERS[scheme](url, scheme, rest)


def registry_url_from_connect_string(text: str) -> str:
    """The URL for ZooKeeper's classic connect string, `h1:2181,h2:2181/chroot`.

    Raises:
        InvalidRegistryUrl: names the part that is wrong.
    """
    if "://" in text:
        raise InvalidRegistryUrl(text, "scheme", "a connect string has none: host:port,host:port/p")
    return str(parse_registry_url(f"zk://{text.strip()}"))


def _zookeeper(url: str, scheme: str, rest: str) -> RegistryUrl:
    authority, slash, chroot = rest.partition("/")
    if "@" in authority:
        raise InvalidRegistryUrl(url, "host", "credentials do not belong in the URL")
    hosts = tuple(_host_and_port(url, text.strip()) for text in authority.split(","))
    return RegistryUrl(scheme, hosts, _chroot(url, chroot) if slash else "")


def _host_and_port(url: str, text: str) -> tuple[str, int]:
    if text.startswith("["):
        host, bracket, tail = text[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise InvalidRegistryUrl(url, "host", f"{text!r} is not [IPv6]:port")
        try:
            IPv6Address(host)
        except AddressValueError as exc:
            raise InvalidRegistryUrl(url, "host", f"{host!r} is not an IPv6 address") from exc
        return host, _port(url, tail[1:] if tail else None)
    host, colon, port = text.partition(":")
    if not host:
        raise InvalidRegistryUrl(url, "host", "a host is missing")
    if ":" in port:
        raise InvalidRegistryUrl(url, "host", f"an IPv6 address needs brackets: [{text}]")
    if not _HOST.fullmatch(host):
        raise InvalidRegistryUrl(url, "host", f"{host!r} is not a host name")
    return host, _port(url, port if colon else None)


def _port(url: str, text: str | None) -> int:
    if text is None:
        return ZOOKEEPER_PORT
    if not _PORT.fullmatch(text) or not 0 < int(text) <= _PORT_MAX:
        raise InvalidRegistryUrl(url, "port", f"{text!r} is not a number from 1 to {_PORT_MAX}")
    return int(text)


def _chroot(url: str, text: str) -> str:
    if not text:
        return ""
    for component in text.removesuffix("/").split("/"):
        if component in {"", ".", ".."} or not component.isprintable():
            raise InvalidRegistryUrl(url, "path", f"{component!r} cannot be part of a znode's path")
    return "/" + text.removesuffix("/")


def _directory(url: str, scheme: str, rest: str) -> RegistryUrl:
    if not rest.startswith("/"):
        host = rest.partition("/")[0]
        reason = f"dir:// names no host, found {host!r}: write dir:///absolute/path"
        raise InvalidRegistryUrl(url, "host", reason)
    path = unquote(rest)
    if "\0" in path or path.strip("/") == "":
        raise InvalidRegistryUrl(url, "path", "it must name a directory of its own")
    return RegistryUrl(scheme, (), "/" + path.strip("/"))


_PARSERS = {"zk": _zookeeper, "zks": _zookeeper, "dir": _directory}
