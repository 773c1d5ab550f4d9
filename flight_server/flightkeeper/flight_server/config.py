"""The settings of a node: one model and its bounds.

Owns what a setting means and what it may be by itself; `config_rules` has what settings say
against each other. Must not know where values come from (`config_sources`), how they are written
down (`config_text`), or what the node does with them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from flightkeeper.discovery.roles import checked
from flightkeeper.discovery.urls import parse_registry_url
from flightkeeper.flight_server import config_lake
from flightkeeper.flight_server.config_rules import TLS, contradictions, host, is_loopback
from flightkeeper.flight_server.sql.dialects import DIALECTS, DUCKDB

ENV_PREFIX = "FLIGHTKEEPER_"
TOKEN_LIFETIME_MAX_S = 2_592_000
"""The longest life of a login, in seconds."""
KEY_ROTATION_MIN_S = 259_200
"""Keys verify on for the longest life of a login, and a key ring has place for a few only."""
IN_MEMORY = ":memory:"

_PLAIN = "grpc"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
_BYTES = r"^\d+(\.\d+)? ?[KMGT]i?B$"


def _check_location(value: str) -> str:
    """Accept `grpc://host:port` and `grpc+tls://host:port`."""
    parts = urlsplit(value)
    if parts.scheme not in {_PLAIN, TLS}:
        raise ValueError("must begin with grpc:// or grpc+tls://")
    if not parts.hostname or parts.port is None:
        raise ValueError("must name a host and a port, as in grpc://127.0.0.1:31337")
    if parts.path or parts.query or parts.username:
        raise ValueError("must be nothing but scheme, host and port")
    return value


def _check_dialect(value: str) -> str:
    if value not in DIALECTS:
        raise ValueError(f"must be one of {', '.join(DIALECTS)}")
    return value


def _check_rotation(value: float) -> float:
    if 0 < value < KEY_ROTATION_MIN_S:
        raise ValueError(
            f"must be 0, or at least {KEY_ROTATION_MIN_S}: a cluster keeps so many keys only"
        )
    return value


def _that(parses: Callable[[str], object]) -> AfterValidator:
    """A text that parses; the setting is the text."""
    return AfterValidator(lambda value: (parses(value), value)[1])


_LIVE = config_lake.LIVE

Location = Annotated[str, AfterValidator(_check_location)]


class NodeSettings(BaseSettings):
    """What one node is told. Frozen; made by `config_sources.load`, or directly by embedders.

    Constructing it reads nothing but its arguments. Durations are seconds, sizes bytes.

    Raises:
        pydantic.ValidationError: a value out of bounds, or values that contradict each other.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    listen: Location = Field(
        default="grpc://127.0.0.1:0",
        description="Address to listen on; port 0 takes a free one. Becomes grpc+tls:// when "
        "tls_cert is given.",
    )
    advertise: Location | None = Field(
        default=None,
        description="Address clients reach this node at, when it is not the one it listens on.",
    )
    database: str = Field(
        default=IN_MEMORY,
        min_length=1,
        description="DuckDB database file, or :memory: for a private one.",
    )
    read_only: bool = Field(
        default=False,
        description="Open the database file read-only; several nodes can then share it.",
    )
    extensions: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*)?$",
        description="Extensions of DuckDB to load, such as httpfs,azure: of installed packages "
        "duckdb-extension-NAME, or else from DuckDB's own folder.",
    )
    start_file: FilePath | None = Field(
        default=None,
        description="File of SQL to run in DuckDB when the node starts, such as CREATE SECRET for "
        "object stores; only its owner may read it.",
    )
    lake: config_lake.LakeUrl = None
    lake_data: config_lake.LakeData = ""
    lake_password: config_lake.LakePassword = None
    lake_upkeep_s: config_lake.UpkeepPause = 60
    lake_snapshots_kept_s: config_lake.SnapshotsKept = 604_800
    lake_files_kept_s: config_lake.FilesKept = config_lake.FILES_KEPT_S
    lake_ledger_kept_s: config_lake.LedgerKept = 604_800
    lake_file_bytes: config_lake.FileBytes = 134_217_728
    lake_copies_bytes: config_lake.CopiesBytes = 536_870_912
    registry: Annotated[str, _that(parse_registry_url)] | None = Field(
        default=None,
        description="Where nodes find each other: zk://host:port,host:port/chroot or dir:///path. "
        "Without one the node stands alone.",
    )
    registry_username: str | None = Field(
        default=None, min_length=1, description="User for ZooKeeper's digest authentication."
    )
    registry_password: SecretStr | None = Field(
        default=None,
        description="Password for ZooKeeper's digest authentication; better given by "
        "FLIGHTKEEPER_REGISTRY_PASSWORD_FILE.",
    )
    registry_tls_ca: FilePath | None = Field(
        default=None,
        description="Authorities, in PEM, that the certificates of ZooKeeper are checked with "
        "(zks://). By default those of the system.",
    )
    registry_tls_cert: FilePath | None = Field(
        default=None, description="The node's certificate for ZooKeeper's x509 authentication."
    )
    registry_tls_key: FilePath | None = Field(
        default=None, description="Private key of registry_tls_cert, without a password."
    )
    registry_acl: Annotated[str, AfterValidator(checked)] | None = Field(
        default=None,
        description="Who is what in ZooKeeper: node=digest:USER:HASH;router=world:anyone;"
        "admin=x509:SUBJECT. By default who has the node's credentials is node and admin, and "
        "anybody a router.",
    )
    service: str = Field(
        default="flightsql",
        pattern=_NAME,
        description="The set of interchangeable nodes this node belongs to.",
    )
    node_id: str | None = Field(
        default=None,
        pattern=_NAME,
        description="Name of the node, unique in its service and the same after a restart. "
        "By default host name and port.",
    )
    users: FilePath | None = Field(
        default=None,
        description="File of users, one name:argon2id-hash a line, written with "
        "`flightkeeper users hash`.",
    )
    accounts: Literal["file", "registry"] = Field(
        default="file",
        description="Whose logins hold: those of the users file, who may all do everything, or the "
        "users of the registry with their grants; docs/accounts.md has them.",
    )
    accounts_stale_after_s: float = Field(
        default=300,
        ge=1,
        le=86_400,
        description="Seconds for which grants hold when the registry is silent; after them nobody "
        "is let in.",
    )
    insecure: bool = Field(
        default=False,
        description="Allow what is otherwise refused: no login, and listening without TLS "
        "beyond this machine.",
    )
    tls_cert: FilePath | None = Field(
        default=None, description="Certificate chain of the node, PEM; needs tls_key."
    )
    tls_key: FilePath | None = Field(
        default=None, description="Private key of the certificate, PEM; needs tls_cert."
    )
    tls_client_ca: FilePath | None = Field(
        default=None,
        description="Demand client certificates signed by this CA, PEM; needs tls_cert.",
    )
    tls_peer_ca: FilePath | None = Field(
        default=None,
        description="CA that certificates of the other nodes are checked with, PEM. By default "
        "tls_cert, which is enough where it is self-signed or holds its CA's certificate.",
    )
    key_file: FilePath | None = Field(
        default=None,
        description="File with the keys that sign tokens and tickets, the same on every node, made "
        "with `flightkeeper keys new`. By default agreed on through the registry.",
    )
    zone: str = Field(
        default="", max_length=128, description="Zone the node stands in; routers prefer their own."
    )
    roles: str = Field(
        default="",
        max_length=256,
        description="What the node is for, names with commas between; statements that ask for "
        "another role go elsewhere. By default it is for everything.",
    )
    weight: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="Share of statements relative to other nodes; 0 for none.",
        json_schema_extra=_LIVE,
    )
    drained: bool = Field(
        default=False,
        description="Finish what runs and take nothing new; `flightkeeper drain` sets it.",
        json_schema_extra=_LIVE,
    )
    memory_limit: str | None = Field(
        default=None,
        pattern=_BYTES,
        description="DuckDB's memory limit, such as 4GB.",
        json_schema_extra=_LIVE,
    )
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="DuckDB's threads.", json_schema_extra=_LIVE
    )
    temp_directory: Path | None = Field(
        default=None, description="Directory DuckDB spills to when memory is short."
    )
    temp_directory_bytes_max: str | None = Field(
        default=None,
        pattern=_BYTES,
        description="How much DuckDB may spill, such as 50GB; by default 90 % of what is free.",
        json_schema_extra=_LIVE,
    )
    sql_settings: Literal["all", "session"] = Field(
        default="all",
        description="What SET may change: all of DuckDB's settings, or those of a session only, so "
        "that nobody changes memory, threads or access to files for the whole node.",
        json_schema_extra=_LIVE,
    )
    statements_max: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="Statements in flight; more are sent to other nodes.",
        json_schema_extra=_LIVE,
    )
    sessions_max: int = Field(
        default=1000,
        ge=1,
        le=1_000_000,
        description="Sessions open at once, and transactions; more are sent to other nodes.",
        json_schema_extra=_LIVE,
    )
    session_idle_timeout_s: float = Field(
        default=3600,
        ge=1,
        le=604_800,
        description="Seconds after which an unused session is closed.",
        json_schema_extra=_LIVE,
    )
    transaction_idle_timeout_s: float = Field(
        default=300,
        ge=1,
        le=86_400,
        description=(
            "Seconds after which an unused transaction is rolled back, and an unused session with "
            "locks ended."
        ),
        json_schema_extra=_LIVE,
    )
    token_lifetime_s: float = Field(
        default=3600, ge=10, le=TOKEN_LIFETIME_MAX_S, description="Seconds a login is good for."
    )
    drain_timeout_s: float = Field(
        default=30,
        ge=0,
        le=3600,
        description="Seconds running statements get to finish before they are interrupted.",
        json_schema_extra=_LIVE,
    )
    dialect: Annotated[str, AfterValidator(_check_dialect)] = Field(
        default=DUCKDB,
        description="SQL dialect of statements whose client names none; docs/dialects.md has them.",
        json_schema_extra=_LIVE,
    )
    statement_timeout_s: float = Field(
        default=0,
        ge=0,
        le=604_800,
        description="Seconds a statement may run, to its last batch, when its client names no "
        "limit; 0 for ever.",
        json_schema_extra=_LIVE,
    )
    ingest_bytes_max: int = Field(
        default=68_719_476_736,
        ge=1_048_576,
        description="Bytes of one bulk ingest; it waits in temp_directory until it is complete.",
        json_schema_extra=_LIVE,
    )
    batch_bytes: int = Field(
        default=2_097_152,
        ge=65_536,
        le=67_108_864,
        description="Bytes of result aimed at in one Arrow batch on the wire.",
    )
    key_rotation_s: Annotated[float, AfterValidator(_check_rotation)] = Field(
        default=0,
        ge=0,
        le=315_360_000,
        description="Age in seconds at which the cluster's keys are replaced, such as 2592000; 0 "
        "for never. Keys in a key_file are not.",
        json_schema_extra=_LIVE,
    )
    catalog_discovery_s: float = Field(
        default=300,
        ge=0,
        le=604_800,
        description="Seconds between looks for new partitions of external tables that say "
        "'discover.partitions' = 'true'; 0 for never.",
        json_schema_extra=_LIVE,
    )
    catalog_repair_s: float = Field(
        default=3600,
        ge=0,
        le=604_800,
        description="Seconds between looks whether the catalog's documents are whole; 0 for never.",
        json_schema_extra=_LIVE,
    )
    registry_session_timeout_s: float = Field(
        default=10,
        ge=1,
        le=120,
        description="Seconds ZooKeeper keeps a silent node's record; how long a dead node stays "
        "listed.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Least severe log line written: debug, info, warning or error.",
        json_schema_extra=_LIVE,
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Log lines on stderr as text for people or json for programs."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the arguments alone: `config_sources` reads the others and says which won."""
        return (init_settings,)

    @model_validator(mode="before")
    @classmethod
    def _listen_with_tls(cls, values: dict[str, Any]) -> dict[str, Any]:
        listen = values.get("listen", cls.model_fields["listen"].default)
        if values.get("tls_cert") and isinstance(listen, str):
            return {**values, "listen": listen.replace(f"{_PLAIN}://", f"{TLS}://", 1)}
        return values

    @model_validator(mode="after")
    def _agree(self) -> "NodeSettings":
        for problem in contradictions(self):
            raise ValueError(problem)
        return self

    @property
    def listens_on_loopback(self) -> bool:
        """Whether only this machine can reach the node."""
        return is_loopback(host(self.listen))


def is_live(field: FieldInfo) -> bool:
    """Whether a setting may change while a node runs."""
    return field.json_schema_extra == _LIVE
