"""The part of a node that has to do with its cluster's catalog, put together."""

from collections.abc import Callable, Iterable, Mapping

from flightkeeper.discovery.catalog.definition import Definition
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.cluster.catalog.following import CatalogFollowing, Followed
from flightkeeper.flight_server.cluster.catalog.owning import CatalogOwner
from flightkeeper.flight_server.cluster.catalog.serving import CatalogCommands
from flightkeeper.flight_server.cluster.commands import Handler
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects

_PROBLEMS_MAX = 20
_PROBLEM_CHARACTERS_MAX = 200


class CatalogPart:
    """Follows the catalog and serves statements about it. `start` once, then `close`.

    Attributes:
        owner: of what the engine has of it.
    """

    def __init__(
        self,
        registry: Registry,
        objects: ClusterObjects,
        service: str,
        wall_s: Callable[[], float],
        tell: Callable[..., None],
    ) -> None:
        """Follow nothing yet.

        Args:
            service: whose nodes have to confirm a change.
            wall_s: the clock of the history.
            tell: told what the node's record is to say of it, as `OwnRecord.tell`.
        """
        self._tell = tell
        self._commands = CatalogCommands(registry, objects, service, wall_s)
        self._following = CatalogFollowing(registry, objects, self._decided)
        self.owner = CatalogOwner(objects.catalog, lambda: self._following.definitions)

    @property
    def definitions(self) -> Iterable[Definition]:
        """What the cluster defines, whether the engine has it or not."""
        return self._following.wanted

    def handlers(self) -> Mapping[type[Command], Handler]:
        """Who runs what."""
        return self._commands.handlers()

    def start(self, timeout_s: float) -> bool:
        """Begin; whether the engine has what the registry says. False: it did not answer yet."""
        return self._following.start(timeout_s)

    def close(self) -> None:
        """Follow no more. Idempotent, bounded."""
        self._following.close()

    def _decided(self, followed: Followed) -> None:
        problems = list(followed.problems.items())[:_PROBLEMS_MAX]
        self._tell(
            "catalog",
            "; ".join(f"{name}: {why}" for name, why in problems),
            catalog=followed.revision,
            catalog_problems=tuple((name, why[:_PROBLEM_CHARACTERS_MAX]) for name, why in problems),
        )
