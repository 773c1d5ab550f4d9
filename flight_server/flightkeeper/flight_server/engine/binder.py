"""What DuckDB's binder makes of a query, without running it: types of parameters and of columns.

Theory. PREPARE keeps what the binder concluded about parameters to itself. `json_serialize_plan`
shows the bound plan, where each parameter has its type; it takes queries only. It binds inside of
a statement that DuckDB takes for a pure read, and a read that changed something, such as a
sequence asked for within the arguments of a table function, takes the whole database down when it
commits. So questions are asked in a transaction that is rolled back, of queries that are reads as
far as their text tells.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import NodeError

_QUESTIONS_MAX = 128
_TIME_MAX_S = 2.0
"""Binding may open files far away."""
_PLAN = "SELECT json_serialize_plan($query)"
_UNTYPED = {"UNKNOWN", "NULL", "INVALID", "ANY"}
_LITERALS = {"INTEGER_LITERAL": "INTEGER", "STRING_LITERAL": "VARCHAR"}
_OPAQUE = re.compile("serializ", re.IGNORECASE)


class OpaqueRelation(Exception):
    """A query reads a table in a way whose plan DuckDB cannot show."""


class Binder:
    """Answers questions about queries. Used by one thread, while `binding` lasts.

    Attributes:
        asked: how many questions DuckDB was asked.
    """

    def __init__(self, connection: Connection, now_s: Callable[[], float]) -> None:
        self._connection = connection
        self._now_s = now_s
        self._spent_s = 0.0
        self.asked = 0
        self._answers: dict[str, Mapping[str, str] | None] = {}

    def admits(self, query: str) -> bool:
        """Whether this text is surely a pure read, so that it may be asked about."""
        try:
            script = parse(query)
        except NodeError:
            return False
        return len(script) == 1 and script[0].read_only

    def parameter_types(self, query: str) -> Mapping[str, str] | None:
        """The types of a query's parameters by name, as DuckDB writes types.

        Returns: those that follow from the query; None if it does not bind, or if too much was
            asked already.

        Raises:
            OpaqueRelation: it reads a table that has to be put in other words first.
        """
        if query not in self._answers:
            self._answers[query] = self._types(query)
        return self._answers[query]

    def _types(self, query: str) -> Mapping[str, str] | None:
        found: dict[str, str] = {}
        try:
            ((text,),) = self._ask(_PLAN, {"query": query})
            plan = json.loads(text, object_hook=lambda node: _take(node, found))
        except (NodeError, RecursionError, ValueError):
            return None
        if plan["error"]:
            if _OPAQUE.search(plan["error_message"]):
                raise OpaqueRelation
            return None
        return {name: text for name, text in found.items() if text not in _UNTYPED}

    def columns(self, relation: str) -> Sequence[tuple[str, str]]:
        """Names and types of the columns of what may stand in a FROM; none if it does not bind."""
        try:
            rows = self._ask(f"DESCRIBE SELECT * FROM {relation}", {})  # noqa: S608 - has no values
        except NodeError:
            return ()
        return [(row[0], row[1]) for row in rows]

    def _ask(self, question: str, parameters: Mapping[str, str]) -> Sequence[tuple[Any, ...]]:
        if self.asked == _QUESTIONS_MAX or self._spent_s > _TIME_MAX_S:
            return ()
        self.asked += 1
        begin_s = self._now_s()
        try:
            return self._connection.rows(question, parameters)
        finally:
            self._spent_s += self._now_s() - begin_s


@contextmanager
def binding(
    connection: Connection, now_s: Callable[[], float] = time.monotonic
) -> Iterator[Binder]:
    """Answers as they are for this connection, which is in no transaction.

    Args:
        now_s: the monotonic clock.
    """
    with connection.undoing():
        yield Binder(connection, now_s)


@contextmanager
def aside(connection: Connection) -> Iterator[Connection]:
    """A connection for questions that may fail.

    That would abort an open transaction; so beside one it is another connection, that looks names
    up in the same place, but sees only what is committed.
    """
    if not connection.in_transaction:
        yield connection
        return
    place = catalog.namespace(connection)
    with closing(connection.fork()) as beside:
        catalog.use(beside, place.catalog, place.schema)
        yield beside


def _take(node: dict[str, Any], found: dict[str, str]) -> dict[str, Any]:
    if node.get("expression_class") == "BOUND_PARAMETER":
        found[node["identifier"]] = _type_text(node["return_type"])
    return node


def _type_text(kind: dict[str, Any]) -> str:
    """A type of a plan as SQL; of types with names inside only the kind."""
    name: str = kind["id"]
    more = kind["type_info"] or {}
    match name:
        case "DECIMAL":
            return f"DECIMAL({more['width']},{more['scale']})"
        case "LIST":
            return f"{_type_text(more['child_type'])}[]"
        case "ARRAY":
            return f"{_type_text(more['child_type'])}[{more['size']}]"
    return _LITERALS.get(name, name)
