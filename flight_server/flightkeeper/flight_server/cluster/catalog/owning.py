"""Keeps clients of one node from changing on it what the cluster defines.

What was changed on one node only would be undone by the next look, and until then nodes would
answer differently.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from flightkeeper.discovery.catalog.definition import Definition, Kind
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.errors import InvalidArgument

_T = TypeVar("_T")
_DEFAULT = "main"
_OF_SCHEMA = ("drop", "schema")
_HINTS: Mapping[Kind, str] = {
    Kind.TABLE: "use CREATE OR REPLACE, ALTER, DROP EXTERNAL TABLE",
    Kind.VIEW: "use CREATE OR REPLACE, DROP CLUSTER VIEW",
    Kind.MACRO: "use CREATE OR REPLACE, DROP CLUSTER MACRO",
}


class CatalogOwner:
    """Refuses changes of what the cluster defines. Thread-safe."""

    tells = False

    def __init__(
        self, place: str, definitions: Callable[[], Mapping[tuple[str, str], Definition]]
    ) -> None:
        """Own what is defined.

        Args:
            place: the engine's catalog in which the objects are.
            definitions: those that are there, by the keys of their names.
        """
        self._place = place.lower()
        self._definitions = definitions

    def owns(self, connection: Connection, statement: Statement) -> bool:
        """Whether a change is about one of them."""
        if statement.stateful:
            return False  # a temporary one of the session's own
        name = statement.target[-1].lower()
        position = 0 if statement.opening[:2] == _OF_SCHEMA else 1
        if not any(key[position] == name for key in self._definitions()):
            return False
        return self._found(connection, statement) is not None

    def change(self, call: Call, connection: Connection, change: Change[_T]) -> _T:
        """Refuse it.

        Raises:
            InvalidArgument: always; nothing was done.
        """
        del call
        found = self._found(connection, change.statement)
        assert found is not None
        assert found.kind is not None
        raise InvalidArgument(
            f"{found.name} is a {found.kind} of the cluster, defined once for all nodes; nothing "
            f"was done: {_HINTS[found.kind]}"
        )

    def _found(self, connection: Connection, statement: Statement) -> Definition | None:
        here = catalog.namespace(connection)
        *before, name = (part.lower() for part in statement.target)
        if statement.opening[:2] == _OF_SCHEMA:
            place = before[-1] if before else here.catalog.lower()
            inside = (d for (schema, _), d in self._definitions().items() if schema == name)
            return next(inside, None) if place == self._place else None
        place = before[-2] if len(before) > 1 else here.catalog.lower()
        schemas = before[-1:] or [here.schema.lower(), _DEFAULT]
        if len(before) == 1 and before[0] == self._place:
            place, schemas = before[0], [_DEFAULT]
        if place != self._place:
            return None
        # What is made without a schema is made here; what is not here is looked for in the other.
        making = statement.opening[:1] == ("create",)
        found = (
            self._definitions().get((schema, name)) for schema in schemas[: 1 if making else 2]
        )
        return next((one for one in found if one is not None), None)
