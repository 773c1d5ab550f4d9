"""Exceptions for pyarrow: Arrow finds no traceback in them, and no name of ours."""

import traceback

import pytest

from flightkeeper.flightsql import statuses


@pytest.mark.parametrize(
    ("kind", "base", "code"),
    [
        (statuses.InvalidArgumentOnWire, ValueError, "INVALID_ARGUMENT"),
        (statuses.NotFoundOnWire, KeyError, "NOT_FOUND"),
        (statuses.UnimplementedOnWire, NotImplementedError, "UNIMPLEMENTED"),
        (statuses.FailureOnWire, RuntimeError, "UNKNOWN"),
    ],
)
def test_they_carry_a_message_and_a_code(
    kind: type[Exception], base: type[Exception], code: str
) -> None:
    error = kind("what is wrong")
    assert isinstance(error, base)
    assert str(error) == "what is wrong"
    assert type(error).__name__ == code
    with pytest.raises(AttributeError):
        traceback.format_exception(error)
