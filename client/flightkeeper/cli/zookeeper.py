"""`flightkeeper zookeeper init|check`: a cluster's part of ZooKeeper, before and while it is used.

Owns the verbs; who may do what with which znode is said in `discovery.zookeeper.rights`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from flightkeeper.cli.exits import FAILED, UNREACHABLE, USAGE, complain, fail
from flightkeeper.discovery.errors import RegistryDenied, RegistryError, RegistryUnavailable
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.urls import RegistryUrl, parse_registry_url
from flightkeeper.discovery.zookeeper import inspection
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.session import Link
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.config_sources import InvalidSettings, load
from flightkeeper.flight_server.parts import registry_acl, registry_credentials, registry_tls

app = typer.Typer(pretty_exceptions_enable=False, no_args_is_help=True)

_TIMEOUT_S = 10.0

_Registry = Annotated[
    str | None,
    typer.Option("--registry", metavar="zk://…", help="Which; also FLIGHTKEEPER_REGISTRY."),
]
_Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file that names it.")
]


@app.callback()
def zookeeper() -> None:
    """Prepare and check a cluster's part of ZooKeeper."""


@app.command()
def init(
    *,
    registry: _Registry = None,
    config: _Config = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put right the rights of what is there already.")
    ] = False,
) -> None:
    """Make what every cluster has, with the rights of each role; then check."""
    with _connected(registry, config) as (link, paths, acl):
        if repair and acl is None and not link.identified:
            fail("--repair needs credentials (registry_username), or registry_acl", USAGE)
        inspection.prepare(link, paths)
        typer.echo(f"prepared {paths.chroot or '/'}")
        if repair:
            for path in inspection.repair(link, list(inspection.findings(link, paths, acl))):
                typer.echo(f"repaired {path}")
        _check(link, paths, acl)


@app.command()
def check(*, registry: _Registry = None, config: _Config = None) -> None:
    """Name every znode with which somebody may do more, or less, than their role needs."""
    with _connected(registry, config) as (link, paths, acl):
        _check(link, paths, acl)


def _check(link: Link, paths: Paths, acl: Roles | None) -> None:
    found = list(inspection.findings(link, paths, acl))
    for finding in found:
        complain(f"{finding.path}: {finding.problem}")
    if found:
        fail(
            f"{len(found)} rights are wrong under {paths.chroot or '/'}: with credentials, "
            "`flightkeeper zookeeper init --repair` puts them right",
            FAILED,
        )
    typer.echo(
        f"ok: nobody else may change anything under {paths.chroot or '/'}"
        + ("" if acl is None else ", and each role may do what it needs")
    )


@contextmanager
def _connected(
    registry: str | None, config: Path | None
) -> Iterator[tuple[Link, Paths, Roles | None]]:
    """A session with what flag, variable or file name; its errors end the command."""
    try:
        settings = load({} if registry is None else {"registry": registry}, config).settings
    except InvalidSettings as exc:
        fail(str(exc), USAGE)
    url = None if settings.registry is None else parse_registry_url(settings.registry)
    if url is None or url.scheme not in {"zk", "zks"}:
        fail("say which ZooKeeper: --registry zk://…, or FLIGHTKEEPER_REGISTRY", USAGE)
    try:
        with inspection.connected(_options(url, settings), _TIMEOUT_S) as link:
            yield link, Paths(url.path), registry_acl(settings)
    except RegistryDenied as exc:
        fail(f"{exc}: wrong or missing credentials", FAILED)
    except RegistryUnavailable as exc:
        fail(str(exc), UNREACHABLE)
    except RegistryError as exc:
        fail(str(exc), FAILED)


def _options(url: RegistryUrl, settings: NodeSettings) -> LinkOptions:
    timeout_s = settings.registry_session_timeout_s
    tls = registry_tls(settings) if url.secure else None
    credentials = registry_credentials(settings)
    acl = registry_acl(settings)
    return LinkOptions(url.host_list, len(url.hosts), timeout_s, credentials, tls, url.path, acl)
