"""What a statement runs under: dialect, time limit, compression, endpoints, and the like.

Each option comes from, first one wins: a header of the call, the caller's session, the node's
settings. A header travels with every client and to every node; a session's value stays on its node.
Owns names, texts and bounds. Pure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.dialects import DIALECTS, DUCKDB
from flightkeeper.flightsql import headers

ENDPOINTS_MAX = 16
"""ADBC keeps no more than 20 connections to other places; one result must not need more."""
TIMEOUT_MAX_MS = 7 * 24 * 3600 * 1000
COMPRESSIONS = ("none", "lz4", "zstd")
DICTIONARIES = ("auto", "on", "off")
_WITHOUT_DICTIONARIES = "grpc-java"
"""Arrow's JDBC driver shows the numbers of entries instead of values."""

_UNITS_MS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|min|h|)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """Values of all options.

    Attributes:
        dialect: what statements are written in.
        statement_timeout_ms: how long one may run, from planning to its last batch; 0 = for ever.
        compression: of the batches sent; none, lz4 or zstd.
        dictionaries: whether values of an ENUM are sent as a dictionary's entries; auto, on or off.
        endpoints: into how many parts a big unordered result may be divided.
        snapshot: the number of the version of the lake that is read; empty = the newest.
        statement_timeout_max_ms: the longest limit there may be; 0 = any. The node's alone to say.
    """

    dialect: str = DUCKDB
    statement_timeout_ms: int = 0
    compression: str = "none"
    dictionaries: str = "auto"
    endpoints: int = 1
    snapshot: str = ""
    statement_timeout_max_ms: int = 0

    def plain(self, user_agent: str) -> bool:
        """Whether a client gets values instead of dictionaries.

        Args:
            user_agent: the client's Flight library, as it calls itself.
        """
        if self.dictionaries == "auto":
            return user_agent.startswith(_WITHOUT_DICTIONARIES)
        return self.dictionaries == "off"


def duration_ms(text: str) -> int:
    """Milliseconds of a text such as "500", "250ms", "5 s", "2min", "1h"."""
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError("write it like 500ms, 5s, 2min or 1h; a bare number is milliseconds")
    value = round(float(found[1]) * _UNITS_MS[found[2]])
    if value > TIMEOUT_MAX_MS:
        raise ValueError("it may be seven days at most")
    return value


def _one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        name = text.strip().lower()
        if name not in names:
            raise ValueError(f"it is one of {', '.join(names)}")
        return name

    return parse


def _endpoints(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= ENDPOINTS_MAX:
        raise ValueError(f"it is a number from 1 to {ENDPOINTS_MAX}")
    return int(text)


def _snapshot(text: str) -> str:
    version = text.strip()
    if version and not (version.isascii() and version.isdecimal()):
        raise ValueError("it is the number of a version of the lake, or empty for the newest")
    return version


_OPTIONS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "dialect": ("dialect", _one_of(DIALECTS)),
    "statement_timeout": ("statement_timeout_ms", duration_ms),
    "compression": ("compression", _one_of(COMPRESSIONS)),
    "dictionaries": ("dictionaries", _one_of(DICTIONARIES)),
    "endpoints": ("endpoints", _endpoints),
    "snapshot": ("snapshot", _snapshot),
}
"""By name: the field of `Options`, and how its text is read."""

NAMES = tuple(_OPTIONS)
_SYNONYMS = {"max_execution_time": "statement_timeout"}
"""What MySQL calls it, in milliseconds as well."""
_HEADERS = {f"{headers.OPTION_PREFIX}{name.replace('_', '-')}": name for name in NAMES}


def known(name: str) -> str | None:
    """The option that a name means, whatever its case."""
    lower = name.lower()
    name = _SYNONYMS.get(lower, lower)
    return name if name in _OPTIONS else None


def parsed(name: str, text: str) -> Mapping[str, Any]:
    """The fields of `Options` that an option's text changes.

    Raises:
        InvalidArgument: the text is not a value of this option; nothing has changed.
    """
    field, parse = _OPTIONS[name]
    try:
        return {field: parse(text)}
    except ValueError as exc:
        raise InvalidArgument(f"{name} cannot be {text[:80]!r}: {exc}") from None


def shown(options: Options, name: str) -> str:
    """An option's value as text; `parsed` reads it again."""
    return str(getattr(options, _OPTIONS[name][0]))


def field_of(name: str) -> str:
    """The field of `Options` that an option is kept in."""
    return _OPTIONS[name][0]


def resolve(
    defaults: Options, session: Mapping[str, Any], sent: Mapping[str, Any] | None = None
) -> Options:
    """The options of one call.

    Args:
        defaults: the node's.
        session: fields set for the caller's session.
        sent: the call's headers, lists of values by lower-case name.

    Raises:
        InvalidArgument: a header holds no value of its option; nothing was run.
    """
    options = replace(defaults, **session) if session else defaults
    if sent and not _HEADERS.keys().isdisjoint(sent):
        for header in _HEADERS.keys() & sent.keys():
            options = replace(options, **parsed(_HEADERS[header], str(sent[header][0])))
    return _bounded(options)


def _bounded(options: Options) -> Options:
    asked_ms, max_ms = options.statement_timeout_ms, options.statement_timeout_max_ms
    if not max_ms or 0 < asked_ms <= max_ms:
        return options
    return replace(options, statement_timeout_ms=max_ms)
