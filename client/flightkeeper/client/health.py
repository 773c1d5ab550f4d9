"""Health: what this client has seen of each node itself, as one state machine per node.

Theory. The registry says who is a member; only calls and probes say who works. A node starts
CLOSED (the circuit is closed: calls pass). A connection that cannot be made opens it at once, as do
`errors_max` errors in a row; OPEN nodes are ejected, taken only when nothing better is left. When
the ejection is over the node is HALF_OPEN: one probe is admitted, and its outcome closes the
circuit or opens it for longer. Any success of the node closes it, unless it was ejected for the
share of calls it lost (`Outlier`, see `outliers`): then one success proves nothing.

A node that joins or comes back takes its share of the traffic bit by bit (slow start): its caches
are cold, and all clients find it idle at the same moment.

Each entry belongs to one incarnation of a node. News of an older incarnation changes nothing, so
late errors of a burst cannot eject a node that has come back; a new incarnation starts CLOSED.
"Draining" and "overloaded" are a mark beside the state: a node that says so is well, and asks to be
spared for a while. So is one that gives no sign of life in time while calls may well be running.

Pure: times are seconds of the caller's monotonic clock, randomness is an argument.
Spec: circuit breaking after Nygard; ejection times after Envoy's outlier detection (30 s times the
number of ejections, at most 300 s), slow start after Envoy's (linear); connection retries after
Finagle's fail-fast (1 s doubling).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from random import Random
from typing import TypeAlias


class Circuit(Enum):
    """Whether calls pass to a node."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the state machine; times in seconds."""

    errors_max: int = 5
    ejection_s: float = 30.0
    ejection_max_s: float = 300.0
    connect_retry_s: float = 1.0
    connect_retry_max_s: float = 30.0
    jitter: float = 0.1
    clean_s: float = 30.0
    spared_s: float = 5.0
    """How long a node is spared that does not say for how long."""
    spared_max_s: float = 60.0
    slow_start_s: float = 10.0
    slow_start_share: float = 0.2
    """Share of its traffic that a node takes at the start."""
    slow_start_steps: int = 8


DEFAULT_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """One incarnation of one node, as this client has seen it.

    Attributes:
        errors: consecutive failed calls.
        ejections: how often it was ejected, less one for every clean interval since.
        until_s: when an OPEN circuit may be probed; when the next clean interval of a CLOSED
            one ends.
        probing: the one probe of a HALF_OPEN circuit is on its way.
        lossy: an OPEN circuit was opened for the share of calls it lost.
        spared_until_s: until when the node's own word that it takes nothing counts.
        started_s: when its slow start began; None = it is over, or there was none.
        share: the share of its traffic that it takes meanwhile, 0.0 to 1.0.
    """

    incarnation: str
    circuit: Circuit = Circuit.CLOSED
    errors: int = 0
    ejections: int = 0
    until_s: float = 0.0
    probing: bool = False
    lossy: bool = False
    spared_until_s: float = 0.0
    started_s: float | None = None
    share: float = 1.0

    @property
    def spared(self) -> bool:
        """Whether it asked to be left alone."""
        return self.spared_until_s > 0.0

    @property
    def ejected(self) -> bool:
        """Whether calls should go elsewhere."""
        return self.circuit is not Circuit.CLOSED

    @property
    def probe_due(self) -> bool:
        """Whether the one probe of a half-open circuit is wanted."""
        return self.circuit is Circuit.HALF_OPEN and not self.probing


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The node answered a call, if only to refuse the statement."""

    at_s: float


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call was lost or failed for a defect of the node."""

    at_s: float


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """No connection could be made, or the node was silent on a probe."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Declined:
    """The node answered that it is leaving, or full.

    Attributes:
        retry_after_s: for how long it asked to be spared; None = it did not say.
    """

    at_s: float
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unheard:
    """A sign of life did not come in time: the node has stopped, or is too busy for one more."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Outlier:
    """It loses a larger share of its calls than the others."""

    at_s: float


@dataclass(frozen=True, slots=True)
class ProbeStarted:
    """A probe of a half-open circuit is on its way."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Time passed."""

    at_s: float


Event: TypeAlias = (
    Succeeded | CallFailed | ConnectFailed | Outlier | Declined | Unheard | ProbeStarted | Elapsed
)


class IllegalTransition(Exception):
    """A defect of the caller: this event cannot happen in this state."""


def joining(incarnation: str, at_s: float, policy: Policy = DEFAULT_POLICY) -> NodeHealth:
    """A node that is new in a service that works: at the start of its slow start."""
    return NodeHealth(incarnation, started_s=at_s, share=policy.slow_start_share)


def advance(
    node: NodeHealth, event: Event, rng: Random, policy: Policy = DEFAULT_POLICY
) -> NodeHealth:
    """The node's health after an event; the very same object when nothing changed.

    Args:
        rng: spreads the ends of ejections, so that clients do not return all at once.

    Raises:
        IllegalTransition: names state and event.
    """
    transition = _TABLE.get((node.circuit, type(event)))
    if transition is None or (isinstance(event, ProbeStarted) and node.probing):
        state = node.circuit.value + (", probing" if node.probing else "")
        raise IllegalTransition(f"{type(event).__name__} in state {state}")
    changed = transition(node, event.at_s, rng, policy)
    if isinstance(event, Declined):
        changed = _spare(changed, event, policy)
    return node if changed == node else changed


def _spare(node: NodeHealth, event: Declined, policy: Policy) -> NodeHealth:
    asked_s = policy.spared_s if event.retry_after_s is None else event.retry_after_s
    until_s = event.at_s + min(asked_s, policy.spared_max_s)
    return replace(node, spared_until_s=max(node.spared_until_s, until_s))


Transition: TypeAlias = Callable[[NodeHealth, float, Random, Policy], NodeHealth]


def _stay(node: NodeHealth, _at_s: float, _rng: Random, _policy: Policy) -> NodeHealth:
    return node


def _forgive(node: NodeHealth, _at_s: float, _rng: Random, _policy: Policy) -> NodeHealth:
    return replace(node, errors=0)


def _close(node: NodeHealth, at_s: float, _rng: Random, policy: Policy) -> NodeHealth:
    until_s = at_s + policy.clean_s
    return replace(
        joining(node.incarnation, at_s, policy),
        ejections=node.ejections,
        until_s=until_s,
        spared_until_s=node.spared_until_s,
    )


def _close_unless_lossy(node: NodeHealth, at_s: float, rng: Random, policy: Policy) -> NodeHealth:
    return node if node.lossy else _close(node, at_s, rng, policy)


def _doubt(node: NodeHealth, at_s: float, _rng: Random, policy: Policy) -> NodeHealth:
    return replace(node, spared_until_s=max(node.spared_until_s, at_s + policy.spared_s))


def _count(node: NodeHealth, at_s: float, rng: Random, policy: Policy) -> NodeHealth:
    counted = replace(node, errors=node.errors + 1)
    if counted.errors < policy.errors_max:
        return counted
    return _open_for_errors(counted, at_s, rng, policy)


def _open_for_errors(node: NodeHealth, at_s: float, rng: Random, policy: Policy) -> NodeHealth:
    length_s = min(policy.ejection_s * (node.ejections + 1), policy.ejection_max_s)
    return _open(node, at_s, length_s * _spread(rng, policy))


def _open_for_losses(node: NodeHealth, at_s: float, rng: Random, policy: Policy) -> NodeHealth:
    return replace(_open_for_errors(node, at_s, rng, policy), lossy=True)


def _open_for_connect(node: NodeHealth, at_s: float, rng: Random, policy: Policy) -> NodeHealth:
    # Asking a node that refuses connections costs nothing, so it is asked sooner.
    doubled_s = policy.connect_retry_s * 2.0 ** min(node.ejections, 16)
    return _open(node, at_s, min(doubled_s, policy.connect_retry_max_s) * _spread(rng, policy))


def _open(node: NodeHealth, at_s: float, length_s: float) -> NodeHealth:
    return replace(
        node,
        circuit=Circuit.OPEN,
        ejections=node.ejections + 1,
        until_s=at_s + length_s,
        probing=False,
    )


def _spread(rng: Random, policy: Policy) -> float:
    return 1.0 + policy.jitter * (2.0 * rng.random() - 1.0)


def _age(node: NodeHealth, at_s: float, _rng: Random, policy: Policy) -> NodeHealth:
    aged = _ramp(_unspare(node, at_s), at_s, policy)
    if not node.ejections or at_s < node.until_s:
        return aged
    left = node.ejections - 1
    return replace(aged, ejections=left, until_s=at_s + policy.clean_s if left else 0.0)


def _unspare(node: NodeHealth, at_s: float) -> NodeHealth:
    return replace(node, spared_until_s=0.0) if at_s >= node.spared_until_s else node


def _ramp(node: NodeHealth, at_s: float, policy: Policy) -> NodeHealth:
    if node.started_s is None:
        return node
    passed = (at_s - node.started_s) / policy.slow_start_s
    if passed >= 1.0:
        return replace(node, started_s=None, share=1.0)
    # In steps, because every change sorts the nodes anew.
    stepped = int(passed * policy.slow_start_steps) / policy.slow_start_steps
    least = policy.slow_start_share
    return replace(node, share=least + (1.0 - least) * stepped)


def _half_open(node: NodeHealth, at_s: float, _rng: Random, _policy: Policy) -> NodeHealth:
    willing = _unspare(node, at_s)
    return willing if at_s < node.until_s else replace(willing, circuit=Circuit.HALF_OPEN)


def _wait(node: NodeHealth, at_s: float, _rng: Random, _policy: Policy) -> NodeHealth:
    return _unspare(node, at_s)


def _probe(node: NodeHealth, _at_s: float, _rng: Random, _policy: Policy) -> NodeHealth:
    return replace(node, probing=True)


_TABLE: Mapping[tuple[Circuit, type[Event]], Transition] = {
    (Circuit.CLOSED, Succeeded): _forgive,
    (Circuit.CLOSED, CallFailed): _count,
    (Circuit.CLOSED, ConnectFailed): _open_for_connect,
    (Circuit.CLOSED, Outlier): _open_for_losses,
    (Circuit.CLOSED, Declined): _forgive,
    (Circuit.CLOSED, Unheard): _doubt,
    (Circuit.CLOSED, Elapsed): _age,
    (Circuit.OPEN, Succeeded): _close_unless_lossy,
    (Circuit.OPEN, CallFailed): _stay,
    (Circuit.OPEN, ConnectFailed): _stay,
    (Circuit.OPEN, Outlier): _stay,
    (Circuit.OPEN, Declined): _close,
    (Circuit.OPEN, Unheard): _stay,
    (Circuit.OPEN, Elapsed): _half_open,
    (Circuit.HALF_OPEN, Succeeded): _close,
    (Circuit.HALF_OPEN, CallFailed): _open_for_errors,
    (Circuit.HALF_OPEN, ConnectFailed): _open_for_connect,
    (Circuit.HALF_OPEN, Outlier): _stay,
    (Circuit.HALF_OPEN, Declined): _close,
    (Circuit.HALF_OPEN, Unheard): _stay,
    (Circuit.HALF_OPEN, ProbeStarted): _probe,
    (Circuit.HALF_OPEN, Elapsed): _wait,
}
