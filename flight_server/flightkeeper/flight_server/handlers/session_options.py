"""Sessions: their options and their end.

Spec: core Flight's session actions, whose bodies travel without `Any`.
"""

from collections.abc import Callable, Iterator

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flightsql.wire import flight_pb2 as core

_Result = core.SetSessionOptionsResult


def _use_schema(connection: Connection, name: str) -> None:
    catalog.use(connection, catalog.namespace(connection).catalog, name)


_SETTERS: dict[str, Callable[[Connection, str], None]] = {
    "catalog": catalog.use,
    "schema": _use_schema,
}


class SessionOptions:
    """Serves sessions. Thread-safe."""

    def __init__(self, execution: Execution, sessions: Sessions) -> None:
        self._execution = execution
        self._sessions = sessions

    def routes(self) -> Routes:
        """What this family serves."""
        return Routes(
            actions={
                "SetSessionOptions": Action(
                    core.SetSessionOptionsRequest, self._set, "Sets session options.", packed=False
                ),
                "GetSessionOptions": Action(
                    core.GetSessionOptionsRequest, self._get, "Gets session options.", packed=False
                ),
                "CloseSession": Action(
                    core.CloseSessionRequest, self._close, "Ends the session.", packed=False
                ),
            }
        )

    def _set(self, call: Call, request: core.SetSessionOptionsRequest) -> Iterator[bytes]:
        result = _Result()
        # The catalog comes first: changing it also changes the schema.
        for name in sorted(request.session_options):
            error = self._set_one(call, name, request.session_options[name])
            if error is not None:
                result.errors[name].value = error
        yield result.SerializeToString()

    def _set_one(
        self, call: Call, name: str, value: core.SessionOptionValue
    ) -> _Result.ErrorValue.ValueType | None:
        setter = _SETTERS.get(name)
        if setter is None:
            return _Result.INVALID_NAME
        if value.WhichOneof("option_value") != "string_value":
            return _Result.INVALID_VALUE
        connection = self._execution.session_connection(call)
        try:
            setter(connection, value.string_value)
        except NodeError:
            return _Result.INVALID_VALUE
        return None

    def _get(self, call: Call, request: core.GetSessionOptionsRequest) -> Iterator[bytes]:
        del request
        with self._execution.borrowed(call) as connection:
            current = catalog.namespace(connection)
        result = core.GetSessionOptionsResult()
        for name in _SETTERS:
            result.session_options[name].string_value = getattr(current, name)
        yield result.SerializeToString()

    def _close(self, call: Call, request: core.CloseSessionRequest) -> Iterator[bytes]:
        del request
        self._sessions.close_session(call.session_key)
        yield core.CloseSessionResult(status=core.CloseSessionResult.CLOSED).SerializeToString()
