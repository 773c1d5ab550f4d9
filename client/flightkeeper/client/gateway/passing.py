"""What of a call's metadata passes a gateway, in both directions.

All of it passes, but for what belongs to one hop: gRPC's own names, and those that Arrow derives
from the answer's status, which are made anew. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from flightkeeper.flightsql import headers
from flightkeeper.flightsql.statuses import STATUS_DETAILS

AUTHORIZATION = "authorization"
USER_AGENT = "user-agent"

Pair: TypeAlias = tuple[str, str | bytes]

_HOP = frozenset(
    {
        "accept",
        "accept-encoding",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "host",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        USER_AGENT,
        # Said by a client to its server, and by a gateway to a node.
        headers.FORWARDED_FOR,
        headers.FORWARDED_DETAILS,
    }
)
_HOP_PREFIXES = (":", "grpc-", "x-arrow-status", "x-envoy-", "lb-")


def passes(name: str) -> bool:
    """Whether a header or trailer of this name is for the other side of the gateway."""
    return name not in _HOP and not name.startswith(_HOP_PREFIXES)


def onward(received: Mapping[str, Sequence[Any]]) -> Iterator[Pair]:
    """The headers of a call as a node gets them, and who makes it."""
    for name, values in received.items():
        if passes(name):
            for value in values:
                yield name, value
    agent = received.get(USER_AGENT, ("",))[0]
    yield headers.FORWARDED_FOR, str(agent)


def back(answered: Sequence[Pair]) -> Iterator[Pair]:
    """The headers of an answer as the client gets them."""
    return ((name, value) for name, value in answered if passes(name))


def error_details(answered: Sequence[Pair]) -> Pair | None:
    """The details of an error, under the name in which clients look for them."""
    for name, value in answered:
        if name == headers.FORWARDED_DETAILS:
            return STATUS_DETAILS, value
    return None
