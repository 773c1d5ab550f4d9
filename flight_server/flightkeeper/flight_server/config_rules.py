"""What a node's settings say against each other, each with what to do about it. Pure."""

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from flightkeeper.flight_server.config import NodeSettings

TLS = "grpc+tls"


def contradictions(settings: "NodeSettings") -> list[str]:
    """What the fields say against each other, each with what to do about it."""
    return [
        *_tls_problems(settings),
        *_exposure_problems(settings),
        *_registry_problems(settings),
        *_lake_problems(settings),
    ]


def _tls_problems(settings: "NodeSettings") -> list[str]:
    problems = []
    if (settings.tls_cert is None) != (settings.tls_key is None):
        problems.append("tls_cert and tls_key belong together: give both or neither")
    if settings.tls_client_ca and not settings.tls_cert:
        problems.append("tls_client_ca needs tls_cert and tls_key")
    if settings.listen.startswith(TLS) and not settings.tls_cert:
        problems.append(
            "listen is grpc+tls:// but there is no certificate: give tls_cert and tls_key"
        )
    return problems


def _exposure_problems(settings: "NodeSettings") -> list[str]:
    problems = []
    open_to_others = not settings.listens_on_loopback and not settings.insecure
    if open_to_others and not (settings.users or settings.accounts == "registry"):
        problems.append(
            f"listen {settings.listen} can be reached from other machines, so give users "
            "(and tls_cert, tls_key), or insecure to do without"
        )
    if open_to_others and not settings.tls_cert:
        problems.append(
            f"listen {settings.listen} can be reached from other machines, so give tls_cert and "
            "tls_key, or insecure to send passwords and data in the clear"
        )
    return problems


def _registry_problems(settings: "NodeSettings") -> list[str]:
    problems = []
    if settings.accounts == "registry" and (settings.users or not settings.registry):
        problems.append(
            "accounts of the registry need a registry, and no users file beside them: give "
            "registry, and leave out users"
        )
    if (settings.registry_username is None) != (settings.registry_password is None):
        problems.append("registry_username and registry_password belong together")
    files = (settings.registry_tls_ca, settings.registry_tls_cert, settings.registry_tls_key)
    if any(files) and not (settings.registry or "").startswith("zks://"):
        problems.append("registry_tls_ca, _cert and _key need a registry zks://…")
    if settings.registry_acl and not (settings.registry or "").startswith(("zk://", "zks://")):
        problems.append("registry_acl needs a registry zk://… or zks://…")
    if (settings.registry_tls_cert is None) != (settings.registry_tls_key is None):
        problems.append("registry_tls_cert and registry_tls_key belong together")
    if settings.registry and not settings.advertise and _is_wildcard(host(settings.listen)):
        problems.append(
            f"listen {settings.listen} is every address of this machine: say with advertise "
            "which one clients can reach"
        )
    return problems


def _lake_problems(settings: "NodeSettings") -> list[str]:
    problems = []
    if settings.lake is None and (settings.lake_data or settings.lake_password):
        problems.append("lake_data and lake_password need lake")
    if (
        settings.lake
        and not settings.lake.startswith("ducklake:postgres")
        and settings.lake_password
    ):
        problems.append("lake_password is PostgreSQL's: leave it out with ducklake:sqlite:…")
    return [*problems, *contradictions_of_live(settings)]


def contradictions_of_live(settings: "NodeSettings") -> list[str]:
    """What settings that may change while a node runs say against each other."""
    if settings.lake is None or settings.statement_timeout_s <= settings.lake_files_kept_s / 2:
        return []
    problem = (
        f"statement_timeout_s is {settings.statement_timeout_s:g}, and files of the lake are kept "
        f"for {settings.lake_files_kept_s:g} s, which have to be at least twice as long: raise "
        "lake_files_kept_s, or lower statement_timeout_s"
    )
    return [problem]


def host(location: str) -> str:
    """The host of a location."""
    return urlsplit(location).hostname or ""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
