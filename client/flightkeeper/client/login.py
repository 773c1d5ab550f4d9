"""The login: trades user and password for a token once, for all nodes and all threads.

Owns the token. It is valid on every node of the service, so it is asked for on whichever node is
at hand, by one thread while the others wait. Passwords and tokens appear in no repr and no error.
"""

import threading
from collections.abc import Callable, Mapping

from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.transport import AUTHORIZATION, CallSettings, Channel

LOGIN_TIMEOUT_S = 10.0


class Login:
    """Who this connection is. Thread-safe."""

    def __init__(self, user: str | None, password: str | None) -> None:
        self._user = user
        self._password = password or ""
        # Guards `_token` and `_busy`; notified when a login has ended. Not held during one.
        self._changed = threading.Condition()
        self._token = ""
        self._busy = False

    @property
    def named(self) -> bool:
        """Whether there is a user to log in as."""
        return self._user is not None

    @property
    def credentials(self) -> tuple[str | None, str]:
        """User and password, for a login beside this one."""
        return self._user, self._password

    @property
    def token(self) -> str:
        """The value of the authorization header, or "" before the first login."""
        return self._token

    def header(self, channel: Channel) -> str:
        """The value of the authorization header, after a login if there was none yet.

        Raises:
            CallFailed: the login failed; the next caller tries again.
        """
        if self._user is None or self._token:
            return self._token
        with self._changed:
            if not self._changed.wait_for(lambda: not self._busy, LOGIN_TIMEOUT_S):
                raise CallFailed(Failure(Kind.TIMED_OUT, "another thread's login did not end"))
            if self._token:
                return self._token
            self._busy = True
        token = ""
        try:
            settings = CallSettings(timeout_s=LOGIN_TIMEOUT_S)
            token = channel.login(self._user, self._password, settings)
        finally:
            with self._changed:
                self._busy = False
                self._token = token
                self._changed.notify_all()
        return token

    def knows(self, channel: Channel) -> bool:
        """Whether there is a token for this channel already."""
        del channel
        return bool(self._token)

    @property
    def restores(self) -> bool:
        """Whether a session that a node has lost can be had again; a login has none to lose."""
        return False

    def noting(self, channel: Channel) -> Callable[[Mapping[str, str]], None]:
        """What sees the headers of an answer on a channel."""
        del channel
        return self.note

    def forget(self, token: str) -> None:
        """A node refused this token; the next call logs in again."""
        with self._changed:
            if self._token == token:
                self._token = ""

    def note(self, answer: Mapping[str, str]) -> None:
        """Keep the newer token that a node hands out before the old one ends."""
        renewed = answer.get(AUTHORIZATION, "")
        if self._token and renewed.startswith("Bearer "):
            self._token = renewed
