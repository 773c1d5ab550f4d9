"""The lake of a cluster that is started for one machine: where it is, or why there is none.

Loads no server code: whether a node can have one is told by what is installed.
"""

import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flightkeeper.cli.exits import complain

NONE = "none"
"""What stands for no lake."""
_SETTING = "lake"
_VARIABLE = "FLIGHTKEEPER_LAKE"
_EXTENSIONS = ("duckdb-extension-ducklake", "duckdb-extension-sqlite-scanner")


@contextmanager
def lake_flags(given: str | None, *, database: bool, config: Path | None) -> Iterator[list[str]]:
    """Flags of nodes that share tables; what is made for them is gone afterwards.

    Args:
        given: the lake that was asked for; `none` = it shall be none.
        database: whether a file was named; names are looked up in it then.
        config: settings of every node, which may name a lake.
    """
    if given == NONE or (given is None and (database or _is_set(config))):
        yield []
    elif given is not None:
        yield ["--lake", given]
    elif not _is_installed():
        complain(
            "each node has tables of its own; for tables that all share: "
            "pip install 'flightkeeper[server,lake]'"
        )
        yield []
    else:
        with tempfile.TemporaryDirectory(prefix="flightkeeper-lake-") as directory:
            yield ["--lake", f"ducklake:sqlite:{directory}/lake.sqlite"]


def _is_set(config: Path | None) -> bool:
    """Whether nodes find one in their settings."""
    if _VARIABLE in os.environ:
        return True
    try:
        return config is not None and _SETTING in tomllib.loads(config.read_text())
    except (OSError, ValueError):
        return False  # the node says what is wrong with it


def _is_installed() -> bool:
    """Whether DuckDB's extensions are there, in the version of DuckDB."""
    try:
        return {version(name) for name in _EXTENSIONS} == {version("duckdb")}
    except PackageNotFoundError:
        return False
