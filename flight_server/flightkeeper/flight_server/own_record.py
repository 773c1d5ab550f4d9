"""What a node says of itself in the registry: made once, changed while it lives, taken out.

Owns the record and that the registry has its last state. The parts of the node that follow the
cluster tell here what keeps them from it.
"""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.registry import Registration, Registry

_PROBLEM_CHARACTERS_MAX = 300


class OwnRecord:
    """A node's own record. Thread-safe."""

    def __init__(self, instance: Instance) -> None:
        # Guards all of it, and that changes reach the registry in order.
        self._lock = threading.Lock()
        self._instance = instance
        self._problems: dict[str, str] = {}
        self._registration: Registration | None = None

    @property
    def instance(self) -> Instance:
        """What it says now."""
        return self._instance

    def register(self, registry: Registry, timeout_s: float) -> bool:
        """Put it into the registry and keep it there; False when time ran out, and it goes on.

        Raises:
            DuplicateNode: another living node has this node id.
        """
        with self._lock:
            self._registration = registry.register(self._instance)
        return self._registration.wait(timeout_s)

    def change(self, **fields: Any) -> None:
        """Say something else."""
        with self._lock:
            self._change(fields)

    def tell(self, part: str, problem: str, **fields: Any) -> None:
        """Say what keeps a part of the node from what the cluster wants; empty = nothing does."""
        with self._lock:
            self._problems[part] = problem[:_PROBLEM_CHARACTERS_MAX]
            told = "; ".join(filter(None, self._problems.values()))
            self._change({**fields, "problem": told})

    def withdraw(self) -> None:
        """Say that the node leaves, and take the record out. Without effect if it was never in."""
        with self._lock:
            if self._registration is None:
                return
            self._change({"state": NodeState.DRAINING})
            self._registration.withdraw()

    def _change(self, fields: Mapping[str, Any]) -> None:
        changed = replace(self._instance, **fields)
        if changed == self._instance:
            return
        self._instance = changed
        if self._registration is not None:
            self._registration.update(changed)
