"""How long a statement may run, and how it is told that it ran too long."""

from collections.abc import Callable

from flightkeeper.flight_server.errors import Cancelled, TimedOut


class Limit:
    """How long a statement may run. What the engine stops within it is told as that.

    Attributes:
        over: says whether it ran too long; None = it may run for ever.
    """

    def __init__(self, timeout_ms: int, now_s: Callable[[], float]) -> None:
        """Begin now.

        Args:
            timeout_ms: how long it may be; 0 = for ever.
            now_s: the monotonic clock.
        """
        self.over: Callable[[], bool] | None = None
        self._timeout_ms = timeout_ms
        if timeout_ms:
            ends_s = now_s() + timeout_ms / 1000
            self.over = lambda: now_s() >= ends_s

    def __enter__(self) -> None:
        """A part of the statement runs until `__exit__`."""

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        """Say what a part was stopped by.

        Raises:
            TimedOut: by this limit.
        """
        if isinstance(exc, Cancelled) and self.over is not None and self.over():
            raise TimedOut(
                f"the statement was stopped at its time limit of {self._timeout_ms} ms "
                "(statement_timeout); what it had not committed has no effect"
            ) from exc
