"""Errors of the registry as errors of the node: the border between what is agreed and the wire."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flightkeeper.discovery.catalog.changing import CatalogRefused
from flightkeeper.discovery.catalog.definition import MalformedDefinition
from flightkeeper.discovery.catalog.locations import UnusableLocation
from flightkeeper.discovery.documents import DocumentChanged, DocumentTooBig
from flightkeeper.discovery.errors import InvalidName, OutcomeUnknown, RegistryDenied, RegistryError
from flightkeeper.discovery.locks import LockTimeout
from flightkeeper.discovery.principals.changes import AccountsProblem
from flightkeeper.discovery.reference_table import MalformedTable
from flightkeeper.discovery.reference_tables import NoSuchTable, TableChanged
from flightkeeper.flight_server.errors import (
    EngineFailed,
    InvalidArgument,
    NodeError,
    NotFound,
    PermissionDenied,
    Unavailable,
)

_KINDS: Mapping[type[Exception], type[NodeError]] = {
    CatalogRefused: InvalidArgument,
    UnusableLocation: InvalidArgument,
    MalformedDefinition: EngineFailed,
    InvalidName: InvalidArgument,
    DocumentTooBig: InvalidArgument,
    AccountsProblem: InvalidArgument,
    NoSuchTable: NotFound,
    TableChanged: Unavailable,
    DocumentChanged: Unavailable,
    LockTimeout: Unavailable,
    RegistryDenied: PermissionDenied,
    MalformedTable: EngineFailed,
}
"""Anything else is `Unavailable`: no answer in time."""


@contextmanager
def translated() -> Iterator[None]:
    """Say what the registry says, in the node's errors."""
    try:
        yield
    except (RegistryError, MalformedTable) as exc:
        kinds = (_KINDS[found] for found in type(exc).__mro__ if found in _KINDS)
        in_doubt = isinstance(exc, OutcomeUnknown)
        raise next(kinds, Unavailable)(str(exc), in_doubt=in_doubt) from exc
