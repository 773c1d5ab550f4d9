"""Ways to nodes that are not there: what they answer is said, and when."""

import threading
from collections.abc import Sequence

from flightkeeper.discovery.records import Instance
from flightkeeper.flight_server.system.peers import NoAnswer

SERVICE = "s"


def instance(node_id: str, incarnation: str = "1") -> Instance:
    """A node's record."""
    return Instance(SERVICE, node_id, f"grpc://{node_id}:1", incarnation)


class StubLink:
    """A way to a node that answers what it is told to, as soon as it may."""

    def __init__(self, answers: Sequence[bytes] | None = (b"yes",)) -> None:
        self.answers = answers
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked: list[tuple[bytes, str]] = []
        self.closed = False

    def ask(self, request: bytes, principal: str, timeout_s: float) -> Sequence[bytes]:
        """What it was told to answer."""
        self.asked.append((request, principal))
        self.may_answer.wait(timeout_s * 10)
        if self.answers is None:
            raise NoAnswer("it cannot be reached")
        return self.answers

    def close(self) -> None:
        """Remember that."""
        self.closed = True


class StubLinks:
    """Makes one for each life of a node."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], StubLink] = {}
        self.answers: dict[str, Sequence[bytes] | None] = {}

    def __call__(self, to: Instance) -> StubLink:
        link = StubLink(self.answers.get(to.node_id, (b"yes",)))
        self.made[to.node_id, to.incarnation] = link
        return link
