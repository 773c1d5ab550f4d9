"""The settings of a lake: what each means and what it may be by itself."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr

from flightkeeper.flight_server.lake import location
from flightkeeper.flight_server.lake.upkeep import FILES_KEPT_MAX_S

LIVE: dict[str, Any] = {"live": True}
"""Marks settings that may change while a node runs."""
FILES_KEPT_S = 172_800.0


def _checked(url: str) -> str:
    location.parse(url)
    return url


LakeUrl = Annotated[
    Annotated[str, AfterValidator(_checked)] | None,
    Field(
        description="The tables that all nodes share: ducklake:sqlite:PATH for nodes of one "
        "machine, ducklake:postgres://user@host:port/database for many. docs/lake.md has it.",
    ),
]
LakeData = Annotated[
    str,
    Field(
        max_length=1024,
        description="Folder or bucket of the lake's files, when it is made: by default beside "
        "SQLite's file. Such as /srv/lake or s3://bucket/lake.",
    ),
]
LakePassword = Annotated[
    SecretStr | None,
    Field(
        description="Password of the lake's user in PostgreSQL; better given by "
        "FLIGHTKEEPER_LAKE_PASSWORD_FILE.",
    ),
]
UpkeepPause = Annotated[
    float,
    Field(
        ge=0,
        le=604_800,
        description="Seconds from one round of putting the lake in order to the next, which one "
        "node does for all; 0 for never.",
        json_schema_extra=LIVE,
    ),
]
SnapshotsKept = Annotated[
    float,
    Field(
        ge=10,
        le=315_360_000,
        description="Seconds for which earlier versions of the lake can be read.",
        json_schema_extra=LIVE,
    ),
]
FilesKept = Annotated[
    float,
    Field(
        ge=20,
        le=FILES_KEPT_MAX_S,
        description="Seconds for which files are kept that no version of the lake has any more. A "
        "statement runs, and a transaction is open, for half of that at most.",
        json_schema_extra=LIVE,
    ),
]
LedgerKept = Annotated[
    float,
    Field(
        ge=3600,
        le=31_536_000,
        description="Seconds for which a write that is sent again is known to have been applied.",
        json_schema_extra=LIVE,
    ),
]
FileBytes = Annotated[
    int,
    Field(
        ge=1_048_576,
        le=10_737_418_240,
        description="Bytes aimed at in one file of the lake when small ones are merged.",
        json_schema_extra=LIVE,
    ),
]
CopiesBytes = Annotated[
    int,
    Field(
        ge=0,
        le=1_099_511_627_776,
        description="Bytes of the lake's files that the node keeps copies of in memory, in the "
        "engine's own format, of tables that are read again and again; 0 for none.",
        json_schema_extra=LIVE,
    ),
]
