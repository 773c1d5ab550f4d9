"""A session: options that hold for its statements, whichever node runs them.

Owns the options, and on each node that was used a login of its own, to which the node ties what
does not travel with a statement: catalog, schema, and the settings of DuckDB. A node that is new,
or has forgotten, is told the options before it gets a statement, so nothing is lost with a node.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Self

from flightkeeper.client.errors import FlightkeeperError
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.login import LOGIN_TIMEOUT_S, Login
from flightkeeper.client.runner import Runner, Scope
from flightkeeper.client.transaction import Transactional
from flightkeeper.client.transport import AUTHORIZATION, CallSettings, Channel
from flightkeeper.flightsql.headers import OPTION_PREFIX

Value = str | int | float | bool
"""What an option can be set to."""

TRAVELLING = frozenset(
    {"dialect", "statement_timeout", "compression", "dictionaries", "endpoints", "snapshot"}
)
"""Options that each statement carries with it; the others live in a node's session."""
ANYBODY = "session"
"""Who a session logs in as where the nodes have no users."""
CLOSE_TIMEOUT_S = 2.0


class SessionLogin(Login):
    """A login on each node, with the session's options set there. Thread-safe."""

    def __init__(
        self, user: str | None, password: str | None, options: Mapping[str, Value]
    ) -> None:
        super().__init__(user or ANYBODY, password)
        self._options = options
        # Guards `_tokens`; not held during a call.
        self._lock = threading.Lock()
        self._tokens: dict[str, str] = {}

    @property
    def restores(self) -> bool:
        """The options are known, so another session is as good as a lost one."""
        return True

    def knows(self, channel: Channel) -> bool:
        """Whether there is a token for this channel's node already."""
        with self._lock:
            return channel.location in self._tokens

    def header(self, channel: Channel) -> str:
        """The value of the authorization header for a node, which knows the options then.

        Raises:
            CallFailed: the login failed, or the node does not take an option.
        """
        with self._lock:
            token = self._tokens.get(channel.location, "")
        if token:
            return token
        fresh = self._log_in(channel)
        with self._lock:
            token = self._tokens.setdefault(channel.location, fresh)
        if token is not fresh:
            # Another thread was faster.
            _end(channel, fresh)
        return token

    def noting(self, channel: Channel) -> Callable[[Mapping[str, str]], None]:
        """What sees the headers of an answer on a channel."""

        def note(answer: Mapping[str, str]) -> None:
            renewed = answer.get(AUTHORIZATION, "")
            with self._lock:
                if renewed.startswith("Bearer ") and channel.location in self._tokens:
                    self._tokens[channel.location] = renewed

        return note

    def forget(self, token: str) -> None:
        """A node refused this token; the next call logs in again."""
        with self._lock:
            self._tokens = {place: kept for place, kept in self._tokens.items() if kept != token}

    def sessions(self) -> dict[str, str]:
        """The tokens by location."""
        with self._lock:
            return dict(self._tokens)

    def _log_in(self, channel: Channel) -> str:
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        assert self._user is not None
        settings = CallSettings(timeout_s=LOGIN_TIMEOUT_S)
        token = channel.login(self._user, self._password, settings)
        pinned: list[str] = []

        def note(answer: Mapping[str, str]) -> None:
            pinned.extend([answer[AUTHORIZATION]] if AUTHORIZATION in answer else [])

        settings = CallSettings(token, timeout_s=LOGIN_TIMEOUT_S, on_answer=note)
        refused = execution.set_options(channel, self._options, settings)
        token = pinned[-1] if pinned else token
        if refused:
            _end(channel, token)
            message = f"the node refuses the options: {', '.join(refused)}; nothing was run"
            raise CallFailed(Failure(Kind.REFUSED, message))
        return token


class Session(Transactional):
    """Statements under options of their own; `Connection.session` makes it. A context manager."""

    def __init__(
        self,
        runner: Runner,
        scope: Scope,
        login: Callable[[Mapping[str, Value]], SessionLogin],
        options: Mapping[str, Value],
    ) -> None:
        """`login` makes the session's own, for the options that do not travel."""
        self.options = dict(options)
        travelling = {
            f"{OPTION_PREFIX}{name.replace('_', '-')}": _text(value)
            for name, value in options.items()
            if name in TRAVELLING
        }
        staying = {name: value for name, value in options.items() if name not in TRAVELLING}
        self._login = login(staying) if staying else None
        self._closed = False
        super().__init__(
            runner,
            replace(
                scope,
                options={**scope.options, **travelling},
                session=self._login or scope.session,
            ),
        )

    def close(self) -> None:
        """Let the nodes forget the session. Idempotent, bounded."""
        self._closed = True
        for location, token in self._login.sessions().items() if self._login else ():
            self._runner.on_channel(location, partial(_end, token=token))

    def _current_scope(self) -> Scope:
        if self._closed:
            raise FlightkeeperError("the session is closed; nothing was run: open another one")
        return self._scope

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"<Session {'closed' if self._closed else shown}>"


def _end(channel: Channel, token: str) -> None:
    """Let a node forget a session; if it cannot be told, it ends by itself when it was idle."""
    from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

    with suppress(CallFailed):
        execution.close_session(channel, CallSettings(token, timeout_s=CLOSE_TIMEOUT_S))


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
