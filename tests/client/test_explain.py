"""The words of errors: what happened, whether it took effect, what to do."""

import pytest

from flightkeeper.client.errors import (
    AuthenticationFailed,
    FlightkeeperError,
    NoNodeAvailable,
    OutcomeUnknown,
    PermissionDenied,
    SessionLost,
    StatementFailed,
    StatementTimeout,
    StreamInterrupted,
)
from flightkeeper.client.explain import Circumstances, error_for

AT = Circumstances("id-1", "n1", "the {node's} words", 2, {"n0": "gone", "n1": "gone too"}, 30)


@pytest.mark.parametrize(
    ("kind", "beginning", "advice"),
    [
        (StatementFailed, "the {node's} words", ""),
        (PermissionDenied, "the {node's} words", ""),
        (StatementTimeout, "the {node's} words", "it changed nothing"),
        (AuthenticationFailed, "the {node's} words", "check user= and password="),
        (NoNodeAvailable, "no node took the statement, it had no effect", "n0: gone"),
        (StreamInterrupted, "the result broke off after 30 rows", "run the statement again"),
        (OutcomeUnknown, "the answer of node n1 was lost", "look before running it again"),
        (SessionLost, "node n1 no longer holds the transaction", "start it again"),
    ],
)
def test_texts(kind: type[FlightkeeperError], beginning: str, advice: str) -> None:
    error = error_for(kind, AT)
    assert type(error) is kind
    assert str(error).startswith(beginning)
    assert advice in str(error)
    assert (error.node, error.attempts, error.statement_id) == ("n1", 2, "id-1")


def test_details_of_some() -> None:
    no_node, interrupted = error_for(NoNodeAvailable, AT), error_for(StreamInterrupted, AT)
    assert isinstance(no_node, NoNodeAvailable)
    assert no_node.reasons == AT.reasons
    assert isinstance(interrupted, StreamInterrupted)
    assert interrupted.rows_delivered == 30
