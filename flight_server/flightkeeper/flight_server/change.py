"""A change that a call makes, as whoever makes it sees it: the engine, or what the cluster owns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Statement

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Change(Generic[_T]):
    """A change.

    Attributes:
        run: does it on a connection; may be called again, and on another one that means the same.
        sent: what came with the text, such as rows of parameters.
        whole: it is a text that is one transaction from its BEGIN to its COMMIT, or one of these
            two; of the text `statement` is the COMMIT.
    """

    statement: Statement
    run: Callable[[Connection], _T]
    sent: Sequence[Any] = ()
    whole: bool = False
