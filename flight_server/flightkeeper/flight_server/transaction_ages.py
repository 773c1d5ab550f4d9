"""How long transactions have been open, as far as somebody looks now and then.

Time is an argument (seconds of a monotonic clock).
"""

from collections.abc import Iterable
from typing import Protocol


class Transacting(Protocol):
    """What may be in a transaction, one after the other.

    Attributes:
        transactions: how many it has begun.
    """

    in_transaction: bool
    transactions: int


class TransactionAges:
    """Since when each transaction has been seen. One thread's."""

    def __init__(self) -> None:
        self._since: dict[int, tuple[int, float]] = {}

    def overdue(
        self, connections: Iterable[Transacting], now_s: float, max_s: float
    ) -> frozenset[int]:
        """Those whose transaction is open for longer, by identity.

        Args:
            max_s: 0 = for ever.
        """
        before, self._since = self._since, {}
        for connection in connections:
            if connection.in_transaction:
                begun = connection.transactions
                number, since_s = before.get(id(connection), (begun, now_s))
                self._since[id(connection)] = begun, since_s if number == begun else now_s
        late = (key for key, (_, since_s) in self._since.items() if now_s - since_s > max_s)
        return frozenset(late if max_s else ())
