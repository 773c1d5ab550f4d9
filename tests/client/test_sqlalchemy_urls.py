"""Tests for URLs: SQLAlchemy's as the client's."""

from typing import Any

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from flightkeeper.client.options import parse_url
from flightkeeper.client.sqlalchemy.urls import connect_arguments


@pytest.mark.parametrize(
    ("url", "client", "arguments"),
    [
        ("flightkeeper://h1:1?transport=tcp", "flightsql://h1:1?transport=tcp", {}),
        (
            "flightkeeper://ada:se%2Fcret@h1:1?host=h2:2&host=h3:3",
            "flightsql://ada@h1:1,h2:2,h3:3",
            {"password": "se/cret"},
        ),
        (
            "flightkeeper+zk://h1:2181/chroot/x?host=h2:2181&service=sales",
            "flightsql+zk://h1:2181,h2:2181/chroot/x?service=sales",
            {},
        ),
        (
            "flightkeeper+dir:///srv/registry?service=s&schema=work&timeout_s=3",
            "flightsql+dir:///srv/registry?service=s",
            {"options": {"schema": "work"}, "timeout_s": 3.0},
        ),
        ("flightkeeper+zks://h1:2181", "flightsql+zks://h1:2181", {}),
        ("flightkeeper+flightsql://[::1]:1", "flightsql://[::1]:1", {}),
    ],
)
def test_each_form_is_one_of_the_clients(url: str, client: str, arguments: dict[str, Any]) -> None:
    assert connect_arguments(make_url(url)) == (client, arguments)
    assert parse_url(client)


def test_other_forms_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"flightkeeper\+dir"):
        connect_arguments(make_url("flightkeeper+carrier://h1:1"))
