"""The heart of the demo: a node is killed while questions are asked, and comes back.

Owns the killing, the waiting, and the check of what was promised: no statement failed, every
answer was right, and the node that came back takes statements again.
"""

import os
import queue
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from examples.demo.display import Display, Progress, follow
from examples.demo.questions import Question, Rows
from examples.demo.workload import Statement, Workload
from flightkeeper.cli.cluster import Cluster, NodeEnded, NodeReady
from flightkeeper.client import Connection, NodeStatus
from flightkeeper.discovery.records import NodeState

VICTIM = "node-2"

STEADY_S = 3.0
READY_TIMEOUT_S = 30.0
BACK_TIMEOUT_S = 20.0


class PromiseBroken(Exception):
    """Something the project promises did not hold; says what."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the act takes place on; `pids` by node."""

    connection: Connection
    cluster: Cluster
    pids: Mapping[str, int]


def ready(cluster: Cluster, display: Display, count: int) -> list[str]:
    """Wait for so many nodes to be ready; their locations, in the order of their names."""
    began_s = time.monotonic()
    found: list[tuple[str, str]] = []
    while len(found) < count:
        event = _next_event(cluster)
        if isinstance(event, NodeEnded):
            raise PromiseBroken(f"{event.node_id} did not start: {event.reason}")
        found.append((event.node_id, event.location))
        took_s = time.monotonic() - began_s
        display.say(f"{event.node_id} is ready at {event.location} after {took_s:.1f} s")
    return [location for _, location in sorted(found)]


def survive(display: Display, scene: Scene, answers: Mapping[Question, Rows]) -> None:
    """Ask from several threads, kill a node, start it again.

    Raises:
        PromiseBroken: a statement failed or was wrong, or the node did not come back.
    """
    display.heading("The same questions from several threads, while a node dies")
    workload = Workload(scene.connection, answers)
    act = _Act(display, scene, workload)
    workload.start()
    try:
        act.watch("three nodes", lambda: False, STEADY_S)
        killed_s = act.kill()
        act.watch(f"{VICTIM} killed", lambda: False, STEADY_S)
        act.restart()
        act.await_return()
        act.watch(f"{VICTIM} is back", lambda: False, STEADY_S)
    finally:
        workload.close()
    _verdict(display, workload.statements(), killed_s)


@dataclass(frozen=True, slots=True)
class _Act:
    """The steps, each shown while it runs."""

    display: Display
    scene: Scene
    workload: Workload

    def watch(self, phase: str, until: Callable[[], bool], timeout_s: float) -> bool:
        """Show progress until something holds or time runs out; whether it held."""

        def moment() -> Progress:
            return Progress(phase, self._nodes(), self.workload.statements())

        with self.display.following(moment) as refresh:
            return follow(refresh, until, timeout_s)

    def kill(self) -> float:
        """Kill the node as hard as can be; when, by the monotonic clock."""
        os.kill(self.scene.pids[VICTIM], signal.SIGKILL)
        killed_s = time.monotonic()
        self.display.say(f"kill -9 {VICTIM}")
        event = _next_event(self.scene.cluster)
        if not isinstance(event, NodeEnded) or event.node_id != VICTIM:
            raise PromiseBroken(f"{VICTIM} was killed, but what happened is {event}")
        return killed_s

    def restart(self) -> None:
        """Start the node again, under its name."""
        self.display.say(f"starting {VICTIM} again")
        self.scene.cluster.start(VICTIM)
        ready(self.scene.cluster, self.display, 1)

    def await_return(self) -> None:
        """Wait until the client sends statements to the node again."""
        began_s = time.monotonic()
        if not self.watch(f"{VICTIM} comes back", self._victim_works, BACK_TIMEOUT_S):
            raise PromiseBroken(
                f"{VICTIM} took no statement in {BACK_TIMEOUT_S:g} s after its return"
            )
        took_s = time.monotonic() - began_s
        self.display.say(f"{VICTIM} takes statements again, {took_s:.1f} s after it was ready")

    def _victim_works(self) -> bool:
        return any(
            status.instance.node_id == VICTIM
            and not status.absent
            and status.instance.state is NodeState.UP
            and status.in_flight > 0
            for status in self.scene.connection.nodes()
        )

    def _nodes(self) -> list[tuple[str, str]]:
        return [
            (
                status.instance.node_id,
                "gone"
                if status.absent or status.health != "closed"
                else f"{status.in_flight} running",
            )
            for status in self.scene.connection.nodes()
        ]


def _shown(status: NodeStatus) -> tuple[str, str]:
    usable = status.health == "closed" and not status.absent
    return status.instance.node_id, f"{status.in_flight} running" if usable else "gone"


def _next_event(cluster: Cluster) -> NodeReady | NodeEnded:
    try:
        return cluster.events.get(timeout=READY_TIMEOUT_S)
    except queue.Empty as exc:
        raise PromiseBroken(f"nothing was heard of a node in {READY_TIMEOUT_S:g} s") from exc


def _verdict(display: Display, statements: tuple[Statement, ...], killed_s: float) -> None:
    failed = [statement for statement in statements if statement.problem]
    before = [s for s in statements if s.began_s + s.took_s < killed_s]
    struck = [s for s in statements if s.began_s < killed_s <= s.began_s + s.took_s]
    if failed:
        raise PromiseBroken(
            f"{len(failed)} of {len(statements)} failed; first: {failed[0].problem}"
        )
    if not before or not struck:
        raise PromiseBroken("no statement was running when the node was killed: nothing was shown")
    display.heading(f"{len(statements):,} statements, 0 failed, every answer right")
    display.say(
        f"slowest before the kill {_slowest_ms(before)}; of the {len(struck)} running at the kill "
        f"{_slowest_ms(struck)}; of all {_slowest_ms(statements)}"
    )


def _slowest_ms(statements: tuple[Statement, ...] | list[Statement]) -> str:
    return f"{max(s.took_s for s in statements) * 1000:.0f} ms"
