"""The errors of the client."""

import copy
import pickle

import pytest

from flightkeeper.client import errors
from flightkeeper.client.errors import (
    FlightkeeperError,
    InvalidUrl,
    NoNodeAvailable,
    OutcomeUnknown,
    StreamInterrupted,
)

ALL = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, FlightkeeperError)
]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_is_drawn_in_the_tree_and_says_what_it_means(
    kind: type[FlightkeeperError],
) -> None:
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__
    assert kind.__doc__
    # What may have taken effect must not be offered for repetition.
    assert not (kind.retryable and kind.in_doubt)


def test_only_a_lost_answer_is_in_doubt() -> None:
    assert [kind for kind in ALL if kind.in_doubt] == [OutcomeUnknown]


def test_fields_are_there_from_the_start() -> None:
    error = FlightkeeperError("words")
    assert (error.node, error.attempts, error.statement_id) == (None, 0, "")


def test_a_wrong_url_names_its_part() -> None:
    error = InvalidUrl("x://", "scheme", "expected another")
    assert isinstance(error, ValueError)
    assert str(error) == "URL 'x://': the scheme is wrong: expected another"
    assert error.part == "scheme"


def test_no_node_lists_the_reasons() -> None:
    error = NoNodeAvailable("nobody.", reasons={"n1": "gone", "n2": "full"})
    assert str(error) == "nobody.\n  n1: gone\n  n2: full"
    assert error.reasons == {"n1": "gone", "n2": "full"}
    assert NoNodeAvailable("nobody.").reasons == {}


def test_an_interrupted_stream_counts() -> None:
    assert StreamInterrupted("broke", rows_delivered=7).rows_delivered == 7


@pytest.mark.parametrize(
    "error",
    [
        FlightkeeperError("words"),
        InvalidUrl("x://", "scheme", "expected another"),
        NoNodeAvailable("nobody.", reasons={"n1": "gone"}),
        StreamInterrupted("broke", rows_delivered=7),
        OutcomeUnknown("lost"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_travel_whole(error: FlightkeeperError) -> None:
    error.node, error.attempts, error.statement_id = "n1", 2, "s1"
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert (str(other), vars(other)) == (str(error), vars(error))
    assert repr(error).endswith(", node='n1', attempts=2, statement_id='s1')")
    assert repr(error).startswith(f"{type(error).__name__}(")
