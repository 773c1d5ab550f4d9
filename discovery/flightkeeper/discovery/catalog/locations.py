"""Where a table's files lie: which texts may say so, and the folders of its partitions. Pure."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote, unquote, urlsplit

from flightkeeper.discovery.catalog.definition import Format
from flightkeeper.discovery.catalog.partitions import Values
from flightkeeper.discovery.errors import RegistryError

_SCHEMES = frozenset(
    {"s3", "s3a", "s3n", "gs", "gcs", "r2", "http", "https", "az", "azure", "abfss", "hf"}
)
_PATTERN = re.compile(r"[*?\[]")
_EXTENSION = re.compile(r"\.(?:parquet|csv|tsv|txt|json|jsonl|ndjson)(?:\.\w+)?$", re.IGNORECASE)
FILES: Mapping[Format, str] = MappingProxyType(
    {Format.PARQUET: "*.parquet", Format.CSV: "*.csv*", Format.JSON: "*json*"}
)
"""How the files of a format are called."""
_NULL = "__HIVE_DEFAULT_PARTITION__"
"""As Hive writes NULL into the name of a folder."""


class UnusableLocation(RegistryError, ValueError):
    """No files can be kept under this name by a table of the cluster. Nothing was done."""


def checked(location: str) -> str:
    """A location that means the same everywhere and keeps no secret; without a slash at its end.

    Raises:
        UnusableLocation: says what is wrong with it.
    """
    parts = urlsplit(location) if "://" in location else None
    if parts is None and not location.startswith("/"):
        raise UnusableLocation(
            "a location is an absolute path, or a URL of s3, gs, az or https: every node has to "
            "find the same files there; nothing was done"
        )
    if not location.isprintable() or ".." in location.split("/"):
        raise UnusableLocation("a location has no control characters and no '..'; nothing was done")
    if parts is not None:
        if parts.scheme.lower() not in _SCHEMES or not parts.netloc:
            raise UnusableLocation(
                f"a location cannot be a URL of {parts.scheme!r}; known are "
                f"{', '.join(sorted(_SCHEMES))}; nothing was done"
            )
        if "@" in parts.netloc or "=" in parts.query:
            # Everybody who may read the catalog would read it.
            raise UnusableLocation(
                "a location must not hold credentials; nothing was done: give them to the nodes, "
                "as a secret or in their environment"
            )
    return location.rstrip("/") or "/"


def files_pattern(location: str, format_: Format, named: str | None = None) -> str:
    """The pattern of the files that a location means.

    Args:
        named: the pattern of their names, if it is not the usual one of the format.
    """
    if _PATTERN.search(location) or (named is None and _EXTENSION.search(location)):
        return location
    return f"{location}/{named or FILES[format_]}"


def exactly(path: str) -> str:
    """A pattern that means this one file, whatever is in its name."""
    return _PATTERN.sub(r"[\g<0>]", path)


def folder(columns: Sequence[str], values: Values) -> str:
    """The folder of a partition below its table's location: `k=v/k=v`."""
    parts = (
        f"{_quoted(column)}={_NULL if value is None else _quoted(value)}"
        for column, value in zip(columns, values, strict=True)
    )
    return "/".join(parts)


def values_in(path: str, columns: Sequence[str]) -> Values | None:
    """The values that the folders of a path say, in the order of the columns; None = not all."""
    said = {
        unquote(name).lower(): value
        for name, mark, value in (part.partition("=") for part in path.split("/"))
        if mark
    }
    if not {column.lower() for column in columns} <= said.keys():
        return None
    texts = (said[column.lower()] for column in columns)
    return tuple(None if text == _NULL else unquote(text) for text in texts)


def _quoted(text: str) -> str:
    return quote(text, safe=" :,-_.+")
