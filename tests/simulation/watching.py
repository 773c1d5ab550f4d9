"""What must hold at every moment of a simulation, worked out apart from the code under test.

1. No statement goes to a node that has left this client's view. A node that vanished from the list
   while it answers has not: it keeps its traffic for `GRACE_S`, and for as long as it answers when
   most vanished at once; one that said it was draining has left when it is not listed.
2. A write is sent once: after a send whose end does not prove that it did not run, never again.
3. A well node is out of a client's routes for at most `out_max_s` after it became well.
4. A node is ejected only for what this client saw of its present life.
5. No event empties the routes.
6. Repetitions stay within the budget: 100, plus 20 % of the statements, plus 10 a second.
7. A read is given up only when every node has been asked, or the budget says so.
"""

from flightkeeper.client.health import NodeHealth
from flightkeeper.client.routes import Routes
from flightkeeper.discovery.records import Instance, NodeState
from tests.simulation.world import World

GRACE_S = 20.0
EJECTION_S = 30.0
EJECTION_MAX_S = 300.0
SPREAD = 1.1
BUDGET = 100.0
BUDGET_SHARE = 0.2
BUDGET_PER_S = 10.0


class Violation(AssertionError):
    """Something that must never happen did."""


def out_max_s(ejections: int, tick_s: float) -> float:
    """How long a node that is well may stay ejected: its ejection, its spread, and two ticks."""
    return min(EJECTION_S * ejections, EJECTION_MAX_S) * SPREAD + 2.0 * tick_s


class View:
    """The membership as one client has been told, by the rules and nothing else."""

    def __init__(self) -> None:
        self.present: dict[str, Instance] = {}
        # By node id: record, since when, and whether its grace does not run.
        self.absent: dict[str, tuple[Instance, float, bool]] = {}

    def listed(self, records: tuple[Instance, ...], now_s: float) -> None:
        """A list arrived."""
        new = {record.node_id: record for record in records}
        vanished = {n: r for n, r in self.present.items() if n not in new}
        held = not new or len(vanished) > len(self.present) / 2
        left = {n: r for n, r in vanished.items() if r.state is NodeState.DRAINING}
        self.absent = {n: entry for n, entry in self.absent.items() if n not in new}
        for node_id, record in vanished.items():
            if node_id not in left:
                self.absent[node_id] = record, now_s, held
        if not new and not self.absent:
            self.absent = {node_id: (record, now_s, True) for node_id, record in left.items()}
        self.present = new

    def silent(self, instance: Instance, routes: Routes) -> None:
        """A probe was not answered."""
        working = [r for r in self.present.values() if not routes.health_of(r).ejected]
        entry = self.absent.get(instance.node_id)
        if working and entry is not None and entry[0].incarnation == instance.incarnation:
            del self.absent[instance.node_id]

    def elapsed(self, now_s: float) -> None:
        """Time passed."""
        if not self.present:
            return
        over = [
            n for n, (_, at_s, held) in self.absent.items() if not held and now_s - at_s > GRACE_S
        ]
        for node_id in over:
            del self.absent[node_id]

    def knows(self, instance: Instance) -> bool:
        """Whether it may be called."""
        known = self.present.get(instance.node_id)
        if known is None and instance.node_id in self.absent:
            known = self.absent[instance.node_id][0]
        return known is not None and known.incarnation == instance.incarnation


class Watch:
    """Watches one client."""

    def __init__(self, world: World, client: int) -> None:
        self._world = world
        self._client = client
        self.view = View()
        self.failed: set[tuple[str, str]] = set()
        self.statements = 0
        self.repeated = 0

    def called(self, instance: Instance) -> None:
        """A call starts."""
        if not self.view.knows(instance):
            self._violated(f"a call to {instance.node_id}/{instance.incarnation}, which has left")

    def written(self, statement: str, sends: int) -> None:
        """A write was sent once more."""
        if sends > 1:
            self._violated(f"write {statement} was sent {sends} times")

    def repetition(self) -> None:
        """A statement was repeated after it may have run."""
        self.repeated += 1
        flown = BUDGET_PER_S * self._world.clock.now_s + BUDGET_SHARE * self.statements
        if self.repeated > BUDGET + flown + 1.0:
            self._violated(f"{self.repeated} repetitions in {self.statements} statements")

    def given_up(self, asked: set[str], routes: Routes) -> None:
        """A statement was given up though the budget had more."""
        left = set(routes.topology.members) - asked
        if left:
            self._violated(f"a statement was given up without asking {sorted(left)}")

    def ticked(self, routes: Routes, tick_s: float) -> None:
        """The router's clock has done its work."""
        if (self.view.present or self.view.absent) and not routes.topology.members:
            self._violated("the routes are empty")
        for node_id, seen in routes.health.items():
            if seen.ejected:
                self._ejected(node_id, seen, tick_s)

    def _ejected(self, node_id: str, seen: NodeHealth, tick_s: float) -> None:
        if (node_id, seen.incarnation) not in self.failed:
            self._violated(f"{node_id} is ejected for nothing it did in life {seen.incarnation}")
        node, now_s = self._world.nodes.get(node_id), self._world.clock.now_s
        if node is None or str(node.life) != seen.incarnation or not self._listed(node_id):
            return
        since_s = max(node.well_since_s, node.cut.get(self._client, 0.0))
        if now_s - since_s > out_max_s(seen.ejections, tick_s):
            self._violated(f"{node_id} is well for {now_s - since_s:.1f} s and still ejected")

    def _listed(self, node_id: str) -> bool:
        return node_id in self.view.present

    def _violated(self, what: str) -> None:
        raise Violation(f"client {self._client} at {self._world.clock.now_s:.3f} s: {what}")
