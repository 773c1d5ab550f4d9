"""Which handler answers what: the tables the service dispatches by.

A family of handlers says what it serves by returning `Routes`; what stands in no table is not
served.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine.result import Result

FlightInfoHandler = Callable[[Call, Any, flight.FlightDescriptor], flight.FlightInfo]
SchemaHandler = Callable[[Call, Any], pa.Schema]
GetHandler = Callable[[Call, Any], Result]
PutHandler = Callable[[Call, Any, flight.MetadataRecordBatchReader], Message]
ActionHandler = Callable[[Call, Any], Iterator[bytes]]
ExchangeHandler = Callable[[Call, Any, flight.MetadataRecordBatchReader], Result]
ListHandler = Callable[[Call, str], Iterator[flight.FlightInfo]]
"""From a filter expression to everything that passes it."""


@dataclass(frozen=True, slots=True)
class Action:
    """An action: how its body is read, who answers it, and what ListActions says of it.

    Attributes:
        request: the message in the body.
        packed: Flight SQL's own actions wrap it in `Any`, core Flight's do not.
        silent: it is no call of anybody's session.
    """

    request: type[Message]
    handler: ActionHandler
    description: str
    packed: bool = True
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Routes:
    """Handlers by the message they answer; actions by their name.

    A descriptor with a path is dispatched as the message `Path`.

    Attributes:
        flights: the one handler of ListFlights, under "".
    """

    flight_info: Mapping[type[Message], FlightInfoHandler] = field(default_factory=dict)
    schema: Mapping[type[Message], SchemaHandler] = field(default_factory=dict)
    get: Mapping[type[Message], GetHandler] = field(default_factory=dict)
    put: Mapping[type[Message], PutHandler] = field(default_factory=dict)
    exchange: Mapping[type[Message], ExchangeHandler] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
    flights: Mapping[str, ListHandler] = field(default_factory=dict)


def merge(families: Iterable[Routes]) -> Routes:
    """All tables of all families in one."""
    merged = Routes(*({} for _ in Routes.__slots__))
    for family in families:
        for name in Routes.__slots__:
            target, source = getattr(merged, name), getattr(family, name)
            if doubled := target.keys() & source.keys():
                raise ValueError(f"two handlers for {doubled}")
            target.update(source)
    return merged
