"""One call as a handler sees it: who, with which wishes, and how to hear that it is over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyarrow import flight

from flightkeeper.flight_server.auth.middleware import MIDDLEWARE, CallMiddleware
from flightkeeper.flight_server.auth.tokens import Identity
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.cancellation import CancelWatcher


@dataclass(frozen=True, slots=True)
class Call:
    """A call in progress. But for `cancel`, used by its own thread only, and not after it ended."""

    context: flight.ServerCallContext
    middleware: CallMiddleware
    watcher: CancelWatcher

    @property
    def identity(self) -> Identity:
        """Who is calling."""
        return self.middleware.identity

    @property
    def owner(self) -> str:
        """Whose is what the call makes; a later account of the same name is another owner."""
        return owned_by(self.identity.principal, self.middleware.account)

    @property
    def session_key(self) -> str:
        """What the caller's session is kept under: its token's session, else its connection."""
        return self.identity.session_id or f"peer {self.context.peer()}"

    @property
    def read_only(self) -> bool:
        """The caller wants statements refused that are not pure reads."""
        return self.middleware.read_only

    @property
    def stateless(self) -> bool:
        """The caller wants statements refused that leave state in the session."""
        return self.middleware.stateless

    @property
    def statement_id(self) -> str:
        """What the caller calls its statement; empty if it does not say."""
        return self.middleware.statement_id

    @property
    def sent_before(self) -> bool | None:
        """Whether another node may have run this before; None if the caller does not say."""
        return self.middleware.sent_before

    @property
    def may_be_known(self) -> bool:
        """Whether it may have run before under its id: the caller does not say that it is new."""
        return bool(self.statement_id) and self.sent_before is not False

    def next_change(self) -> int:
        """The number of a change of the lake within this call."""
        self.middleware.changes += 1
        return self.middleware.changes

    def leaves_open(self, *, told: bool) -> None:
        """Its transaction goes on.

        Args:
            told: any node can tell what will have become of its COMMIT.
        """
        self.middleware.commit_told = told

    @property
    def headers(self) -> Mapping[str, Any]:
        """What the caller sent along: lists of values by lower-case name."""
        return self.middleware.headers

    @property
    def user_agent(self) -> str:
        """The caller's Flight library, as it calls itself."""
        name = headers.FORWARDED_FOR if self.forwarded else "user-agent"
        return str(self.headers.get(name, ("",))[0])

    @property
    def forwarded(self) -> bool:
        """A gateway passes the call on."""
        return headers.FORWARDED_FOR in self.headers

    @property
    def cancelled(self) -> bool:
        """The caller went away, cancelled by this call or another one, or ran out of time."""
        return self.middleware.cancelled or bool(self.context.is_cancelled())

    def cancel(self) -> None:
        """End it as if its caller had; from any thread, and harmless once it has ended."""
        self.middleware.cancelled = True

    def stop_when_over(
        self, stop: Callable[[], object], over: Callable[[], bool] | None = None
    ) -> None:
        """Run `stop` from another thread if the caller goes away before the call ends.

        Args:
            over: asked as well; true when the work has had its time.
        """

        def gone() -> bool:
            return self.cancelled or (over is not None and over())

        key = self.watcher.watch(gone, stop)
        self.at_end(lambda: self.watcher.forget(key))

    def at_end(self, action: Callable[[], None]) -> None:
        """Run an action when the call is over, whatever its end; it must not raise."""
        self.middleware.at_end.append(action)

    def answer_header(self, name: str, value: str) -> None:
        """Send a header with the answer."""
        self.context.add_header(name, value)


def owned_by(principal: str, account: str) -> str:
    """The owner of what an account makes; no name of an account has a slash."""
    return f"{principal}/{account}" if account else principal


def call_of(context: flight.ServerCallContext, watcher: CancelWatcher) -> Call:
    """The call a context belongs to."""
    middleware = context.get_middleware(MIDDLEWARE)
    assert isinstance(middleware, CallMiddleware)
    return Call(context, middleware, watcher)
