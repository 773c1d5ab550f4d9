"""What passes a gateway in both directions, and what belongs to one hop."""

import pytest

from flightkeeper.client.gateway.passing import back, error_details, onward, passes
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.statuses import STATUS_DETAILS


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "cookie",
        "set-cookie",
        "timeout",
        headers.STATEMENT_ID,
        headers.REASON,
        "x-y",
    ],
)
def test_what_is_the_callers_passes(name: str) -> None:
    assert passes(name)


@pytest.mark.parametrize(
    "name",
    [":authority", "grpc-timeout", "content-type", "te", "user-agent", "x-arrow-status-detail-bin"],
)
def test_what_belongs_to_a_hop_does_not(name: str) -> None:
    assert not passes(name)


def test_a_node_is_told_who_really_calls() -> None:
    received = {"user-agent": ["grpc-java/1.0"], "x-y": ["1", "2"], headers.FORWARDED_FOR: ["me"]}
    assert list(onward(received)) == [
        ("x-y", "1"),
        ("x-y", "2"),
        (headers.FORWARDED_FOR, "grpc-java/1.0"),
    ]


def test_an_answer_keeps_every_value() -> None:
    answered = [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-arrow-status", "4")]
    assert list(back(answered)) == answered[:2]


def test_details_of_an_error_get_the_name_that_clients_know() -> None:
    assert error_details([("x-y", "1")]) is None
    assert error_details([(headers.FORWARDED_DETAILS, b"\x08\x03")]) == (
        STATUS_DETAILS,
        b"\x08\x03",
    )
