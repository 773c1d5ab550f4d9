"""Asking all nodes at once, because nobody here knows which one a call is about.

A client names a statement by an id of its own, and which node runs it may be known to another
gateway only. All are asked; those that know nothing of it answer that nothing was to be done.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from typing import TypeAlias, cast

from flightkeeper.client.errors import NoNodeAvailable
from flightkeeper.client.failures import CallFailed, Kind
from flightkeeper.client.gateway.channel import NodeChannel
from flightkeeper.client.gateway.stoppers import STOP_TIMEOUT_S, Stoppers
from flightkeeper.client.pool import Pool
from flightkeeper.discovery.records import Instance

ALL_TIMEOUT_S = 2 * STOP_TIMEOUT_S
"""For all nodes together; one may have others to be told of before."""

Ask: TypeAlias = Callable[[NodeChannel], list[bytes]]
"""A call that ends within `STOP_TIMEOUT_S`."""

_SILENT = frozenset({Kind.BROKEN, Kind.TIMED_OUT, Kind.CANCELLED, Kind.INTERNAL})
"""Ends of a call that are no answer of a node that may be running something."""


def ask_all(
    nodes: Sequence[Instance], pool: Pool, stoppers: Stoppers, ask: Ask
) -> list[bytes] | None:
    """What the nodes answered; None = none did what was asked.

    Raises:
        NoNodeAvailable: others did, but a node that seems to be there did not answer.
    """

    def tell(node: Instance) -> list[bytes]:
        lease = pool.lease(node, counted=False)
        try:
            return ask(cast("NodeChannel", lease.channel))
        except CallFailed as exc:
            lease.broken = exc.failure.kind in {Kind.BROKEN, Kind.NOT_SENT}
            raise
        finally:
            lease.release()

    told = {
        node.node_id: stoppers.soon(node.node_id, lambda node=node: tell(node))  # type: ignore[misc]
        for node in nodes
    }
    wait(told.values(), ALL_TIMEOUT_S)
    return together({node_id: _outcome(future) for node_id, future in told.items()})


def together(outcomes: Mapping[str, list[bytes] | Kind]) -> list[bytes] | None:
    """One answer out of those of all nodes, by node: the fullest, None = there is none.

    Raises:
        NoNodeAvailable: as above.
    """
    answers = [outcome for outcome in outcomes.values() if isinstance(outcome, list)]
    silent = sorted(
        node_id
        for node_id, outcome in outcomes.items()
        if isinstance(outcome, Kind) and outcome in _SILENT
    )
    if answers and silent:
        raise NoNodeAvailable(
            f"of {len(outcomes)} nodes {', '.join(silent)} did not answer; what runs there goes on,"
            " on the others it was done: try again"
        )
    return max(answers, key=len, default=None)


def _outcome(told: Future[list[bytes]]) -> list[bytes] | Kind:
    try:
        return told.result(0)
    except CallFailed as exc:
        return exc.failure.kind
    except (CancelledError, TimeoutError):
        return Kind.TIMED_OUT
