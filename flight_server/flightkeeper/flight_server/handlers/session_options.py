"""Sessions: their options and their end.

An option is where names are looked up (catalog, schema), one of the node's own (dialect, time
limit, ...), or a setting of DuckDB that concerns one session only.
Spec: core Flight's session actions, whose bodies travel without `Any`.
"""

from collections.abc import Callable, Iterator

from flightkeeper.flight_server import options
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine import catalog, settings
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flight_server.placement import Placement
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flightsql.wire import flight_pb2 as core

_Result = core.SetSessionOptionsResult


def _use_catalog(connection: Connection, name: str | None) -> None:
    catalog.use(connection, name or catalog.default_catalog(connection))


def _use_schema(connection: Connection, name: str | None) -> None:
    place = catalog.namespace(connection).catalog
    catalog.use(connection, place, name)


_NAMESPACE: dict[str, Callable[[Connection, str | None], None]] = {
    "catalog": _use_catalog,
    "schema": _use_schema,
}


class SessionOptions:
    """Serves sessions. Thread-safe."""

    def __init__(
        self,
        execution: Execution,
        placement: Placement,
        sessions: Sessions,
        closed: Callable[[str], None],
    ) -> None:
        """`closed` is told of sessions that said that they are over."""
        self._closed = closed
        self._execution = execution
        self._placement = placement
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
            problem = self._set_one(call, name, request.session_options[name])
            if problem is not None:
                result.errors[name].value = problem
        yield result.SerializeToString()

    def _set_one(
        self, call: Call, name: str, value: core.SessionOptionValue
    ) -> _Result.ErrorValue.ValueType | None:
        setter = self._setter(call, name)
        if setter is None:
            return _Result.INVALID_NAME
        if value.WhichOneof("option_value") == "string_list_value":
            return _Result.INVALID_VALUE
        # Gone before anything is set: a lost session is an error of the call, not of an option.
        self._placement.find(call)
        try:
            setter(_text(value))
        except NodeError:
            return _Result.INVALID_VALUE
        return None

    def _setter(self, call: Call, name: str) -> Callable[[str | None], None] | None:
        """What sets this option of the caller's session; None = there is no such option."""
        if (own := options.known(name)) is not None:
            return lambda text: self._execution.set_option(call, own, text)
        if (use := _NAMESPACE.get(name)) is not None:
            return lambda text: self._in_engine(call, lambda connection: use(connection, text))
        if name in settings.SESSION_SETTINGS:
            return lambda text: self._in_engine(
                call, lambda connection: settings.change(connection, name, text)
            )
        return None

    def _in_engine(self, call: Call, change: Callable[[Connection], None]) -> None:
        session = self._placement.session(call)
        for connection in self._sessions.shared(call.session_key, session):
            # An aborted transaction takes nothing, and will not be seen again.
            if connection.sound:
                change(connection)
        self._sessions.remember(session)

    def _get(self, call: Call, request: core.GetSessionOptionsRequest) -> Iterator[bytes]:
        del request
        result = core.GetSessionOptionsResult()
        current = self._execution.options(call)
        for name in options.NAMES:
            result.session_options[name].string_value = options.shown(current, name)
        with self._execution.borrowed(call) as connection:
            place = catalog.namespace(connection)
            for name, value in settings.current(connection).items():
                result.session_options[name].string_value = value
        for name in _NAMESPACE:
            result.session_options[name].string_value = getattr(place, name)
        yield result.SerializeToString()

    def _close(self, call: Call, request: core.CloseSessionRequest) -> Iterator[bytes]:
        del request
        self._sessions.close_session(call.session_key)
        self._closed(call.session_key)
        yield core.CloseSessionResult(status=core.CloseSessionResult.CLOSED).SerializeToString()


def _text(value: core.SessionOptionValue) -> str | None:
    """An option's value as text; None when the client wants the default back."""
    kind = value.WhichOneof("option_value")
    if kind is None:
        return None
    plain = getattr(value, kind)
    return str(plain).lower() if isinstance(plain, bool) else str(plain)
