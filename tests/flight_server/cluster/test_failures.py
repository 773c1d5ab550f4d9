"""Errors of the registry as the node's."""

import pytest

from flightkeeper.discovery.documents import DocumentChanged, DocumentTooBig
from flightkeeper.discovery.errors import (
    InvalidName,
    OutcomeUnknown,
    RegistryDenied,
    RegistryError,
    RegistryUnavailable,
)
from flightkeeper.discovery.reference_table import MalformedTable
from flightkeeper.discovery.reference_tables import NoSuchTable, TableChanged, TableTooBig
from flightkeeper.flight_server.cluster.failures import translated
from flightkeeper.flight_server.errors import (
    EngineFailed,
    InvalidArgument,
    NodeError,
    NotFound,
    PermissionDenied,
    Unavailable,
)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (InvalidName("x"), InvalidArgument),
        (DocumentTooBig("x"), InvalidArgument),
        (TableTooBig("x"), InvalidArgument),
        (NoSuchTable("x"), NotFound),
        (TableChanged("a.x", None), Unavailable),
        (DocumentChanged("x", None), Unavailable),
        (RegistryDenied("x"), PermissionDenied),
        (MalformedTable("x"), EngineFailed),
        (RegistryUnavailable("x"), Unavailable),
        (OutcomeUnknown("x"), Unavailable),
        (RegistryError("x"), Unavailable),
    ],
)
def test_each_error_has_its_counterpart(raised: Exception, told: type[NodeError]) -> None:
    with pytest.raises(told) as caught, translated():
        raise raised
    assert type(caught.value) is told
    assert str(caught.value) == str(raised)
    assert caught.value.in_doubt is isinstance(raised, OutcomeUnknown)


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError
