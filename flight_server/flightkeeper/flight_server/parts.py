"""What the parts of a node are told of its settings."""

import os
import socket
from collections.abc import Callable, Mapping
from importlib.metadata import version
from urllib.parse import urlsplit

from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.tls import RegistryTls
from flightkeeper.flight_server.auth import key_ring, keys, revocations
from flightkeeper.flight_server.auth.key_following import REVOKED, RING, FollowedKeys
from flightkeeper.flight_server.auth.key_ring import MalformedRing, Ring
from flightkeeper.flight_server.auth.passwords import Users, read_users
from flightkeeper.flight_server.auth.revocations import MalformedRevocations, Revocations
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.authorization import EVERYTHING, Authorization, Rules
from flightkeeper.flight_server.cluster.principals import LivePrincipals
from flightkeeper.flight_server.config import IN_MEMORY, NodeSettings
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.facts import facts, limits
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flight_server.lake import location
from flightkeeper.flight_server.lake.upkeep import running_max_s
from flightkeeper.flight_server.listening import advertised
from flightkeeper.flight_server.options import Options
from flightkeeper.flight_server.sessions import SessionLimits
from flightkeeper.flightsql.sql_info import Fact
from flightkeeper.flightsql.tickets import Signer


def opened_registry(settings: NodeSettings) -> Registry | None:
    """The registry that the settings name, if they name one; a network is not waited for."""
    if settings.registry is None:
        return None
    return open_registry(
        settings.registry,
        credentials=registry_credentials(settings),
        tls=registry_tls(settings),
        acl=registry_acl(settings),
        session_timeout_s=settings.registry_session_timeout_s,
    )


def live_principals(
    settings: NodeSettings, registry: Registry | None, clocks: Clocks
) -> LivePrincipals | None:
    """The accounts of the registry, if they are the node's."""
    if registry is None or settings.accounts == "file":
        return None
    return LivePrincipals(registry, settings.accounts_stale_after_s, clocks.monotonic_s)


def accounts(
    settings: NodeSettings, principals: LivePrincipals | None
) -> tuple[Users | None, Rules]:
    """Who may log in (None = everybody), and what they may do."""
    if principals is not None:
        return Users(principals, principals.account), Authorization(principals.access)
    return read_users(settings.users) if settings.users else None, EVERYTHING


def registry_tls(settings: NodeSettings) -> RegistryTls:
    """Certificates for a registry over TLS."""
    return RegistryTls(
        settings.registry_tls_ca, settings.registry_tls_cert, settings.registry_tls_key
    )


def registry_acl(settings: NodeSettings) -> Roles | None:
    """Who has which role in ZooKeeper, if the settings say so."""
    return None if settings.registry_acl is None else Roles.parse(settings.registry_acl)


def registry_credentials(settings: NodeSettings) -> tuple[str, str] | None:
    """User and password for ZooKeeper's digest scheme, if the settings have them."""
    if settings.registry_username and settings.registry_password:
        return settings.registry_username, settings.registry_password.get_secret_value()
    return None


def database_options(settings: NodeSettings) -> DatabaseOptions:
    """How to open the database, and what may change of it."""
    return DatabaseOptions(
        path=settings.database,
        # Of a database in memory there is only the lake to be read-only.
        read_only=settings.read_only and settings.database != IN_MEMORY,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        temp_directory=None if settings.temp_directory is None else str(settings.temp_directory),
        max_temp_directory_size=settings.temp_directory_bytes_max,
        batch_bytes=settings.batch_bytes,
        extensions=tuple(filter(None, settings.extensions.split(","))),
        start_file=settings.start_file,
        lake=_lake_options(settings),
    )


def _lake_options(settings: NodeSettings) -> LakeOptions | None:
    if settings.lake is None:
        return None
    password = settings.lake_password
    return LakeOptions(
        location.parse(settings.lake, settings.lake_data),
        None if password is None else password.get_secret_value(),
        settings.read_only,
    )


def default_options(settings: NodeSettings) -> Options:
    """The options of callers who ask for nothing."""
    return Options(
        dialect=settings.dialect,
        statement_timeout_ms=round(settings.statement_timeout_s * 1000),
        statement_timeout_max_ms=round(_running_max_s(settings) * 1000),
    )


def session_limits(settings: NodeSettings) -> SessionLimits:
    """How many sessions there may be, and for how long."""
    return SessionLimits(
        sessions_max=settings.sessions_max,
        session_idle_timeout_s=settings.session_idle_timeout_s,
        transaction_idle_timeout_s=settings.transaction_idle_timeout_s,
        transaction_max_s=_running_max_s(settings),
    )


def _running_max_s(settings: NodeSettings) -> float:
    """How long a statement may run, and a transaction be open; 0 = for ever."""
    return 0 if settings.lake is None else running_max_s(settings.lake_files_kept_s)


def cluster_keys(settings: NodeSettings, registry: Registry | None) -> Ring:
    """The keys of the settings' file, or those all nodes of the registry hold.

    A cluster that never changed its keys has those that its first node proposed.

    Raises:
        StartFailed: the file, or what the registry holds, is not usable.
        RegistryError: the registry does not answer.
    """
    if settings.key_file is not None:
        return key_ring.first(keys.read_file(settings.key_file))
    if registry is None:
        return key_ring.first(keys.generate())
    found = registry.read_document(RING)
    if found is None:
        return agreed_ring(registry)
    try:
        return key_ring.decode(found.data)
    except MalformedRing as exc:
        raise StartFailed(
            f"{exc}; nodes that run go on with what they have: put the document {RING} right"
        ) from exc


def followed_keys(
    registry: Registry, ring: Ring, tokens: Tokens, signer: Signer, clocks: Clocks
) -> FollowedKeys:
    """What will follow the cluster's keys; no revoked login is let in before it does.

    Raises: as `revoked_logins`.
    """
    tokens.revoked = revoked_logins(registry)
    return FollowedKeys(registry, ring, tokens, signer, clocks)


def revoked_logins(registry: Registry) -> Revocations:
    """The logins that no node lets in, from its first call on.

    Raises:
        StartFailed: what the registry holds is no list of them.
        RegistryError: the registry does not answer.
    """
    found = registry.read_document(REVOKED)
    if found is None or not found.data:
        return Revocations()
    try:
        return revocations.decode(found.data)
    except MalformedRevocations as exc:
        raise StartFailed(
            f"{exc}; nodes that run go on with the one before: put the document {REVOKED} right"
        ) from exc


def agreed_ring(registry: Registry) -> Ring:
    """The keys of a cluster that never changed them."""
    proposal = keys.generate()
    return key_ring.first(keys.decode(registry.agree("cluster", keys.encode(proposal))))


def described(
    settings: NodeSettings, port: int, incarnation: str, now_ms: int, lake: str = ""
) -> Instance:
    """A node's record as it begins.

    Args:
        lake: the name of the lake that it shares.
        port: that it listens on.
        now_ms: Unix time in milliseconds.
    """
    location = advertised(settings, port)
    private = () if settings.database == IN_MEMORY else (settings.database,)
    return Instance(
        service=settings.service,
        node_id=settings.node_id or f"{socket.gethostname()}-{urlsplit(location).port}",
        location=location,
        incarnation=incarnation,
        version=version("flightkeeper"),
        zone=settings.zone,
        weight=settings.weight,
        roles=tuple(filter(None, (role.strip() for role in settings.roles.split(",")))),
        databases=tuple(os.path.basename(path) for path in private),  # noqa: PTH119 - no path
        lake=lake,
        registered_at_ms=now_ms,
    )


def known_facts(
    database: Database, settings: Callable[[], NodeSettings]
) -> Callable[[], Mapping[int, Fact]]:
    """What GetSqlInfo answers, by id, under the settings that hold when it is asked."""
    with database.lent() as connection:
        fixed = facts(connection, read_only=settings().read_only)

    def now() -> Mapping[int, Fact]:
        idle_ms = round(settings().transaction_idle_timeout_s * 1000)
        return {**fixed, **limits(transaction_timeout_ms=idle_ms)}

    return now
