"""A channel that connects nowhere: a verified stand-in for tests that count and order calls."""

from typing import Any

from flightkeeper.client.failures import CallFailed, Failure
from flightkeeper.client.transport import CallSettings, Channel


class IdleChannel(Channel):
    """Answers actions and logins from a list of failures; everything else really fails."""

    def __init__(self, *outcomes: Failure | None) -> None:
        super().__init__("grpc://127.0.0.1:9")
        self.outcomes = list(outcomes)
        self.calls: list[tuple[Any, ...]] = []
        self.closed = 0

    def login(self, user: str, password: str, settings: CallSettings) -> str:
        """A token, or the next failure."""
        self.calls.append(("login", user, password, settings.timeout_s))
        self._fail()
        return f"Bearer {len(self.calls)}"

    def act(self, action: str, body: bytes, settings: CallSettings) -> list[bytes]:
        """One empty result, or the next failure."""
        self.calls.append((action, body, settings.authorization, settings.timeout_s))
        self._fail()
        return [b""]

    def close(self) -> None:
        """Counted."""
        self.closed += 1
        super().close()

    def _fail(self) -> None:
        failure = self.outcomes.pop(0) if self.outcomes else None
        if failure is not None:
            raise CallFailed(failure)
