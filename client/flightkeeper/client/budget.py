"""The retry budget: how many of a client's calls may be repetitions.

A token bucket as a value: every statement pays a fifth of a token in, ten flow in each second, a
retry takes one out. So retries stay near 20 % of the traffic when a whole cluster is failing, and
a client with little traffic can still retry.

Pure: times are seconds of the caller's monotonic clock.
Spec: Finagle's RetryBudget (20 % of requests, at least 10 a second, kept for 10 s).
"""

from dataclasses import dataclass, replace

PER_STATEMENT = 0.2
PER_SECOND = 10.0
KEPT_S = 10.0
TOKENS_MAX = PER_SECOND * KEPT_S


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left to spend on retries, at one moment."""

    tokens: float = TOKENS_MAX
    at_s: float = 0.0

    def deposit(self) -> "Budget":
        """After one more statement."""
        return replace(self, tokens=min(TOKENS_MAX, self.tokens + PER_STATEMENT))

    def withdraw(self, now_s: float) -> "Budget | None":
        """After one more retry, or None when it must not happen."""
        flown = PER_SECOND * max(0.0, now_s - self.at_s)
        tokens = min(TOKENS_MAX, self.tokens + flown)
        return Budget(tokens - 1.0, now_s) if tokens >= 1.0 else None
