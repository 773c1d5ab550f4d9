"""Threads that ask the questions over and over, and what came of every statement.

Owns the threads and the record of statements. Knows nothing of nodes, of killing, or of display.
"""

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from examples.demo.questions import Question, Rows
from flightkeeper.client import Connection, FlightkeeperError

THREADS = 6
_JOIN_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that was asked. Times are seconds of the monotonic clock.

    Attributes:
        problem: why it did not answer rightly, or "".
    """

    began_s: float
    took_s: float
    problem: str = ""


class Workload:
    """Asks from several threads until closed; every answer is compared in full."""

    def __init__(self, connection: Connection, answers: Mapping[Question, Rows]) -> None:
        self._connection = connection
        self._answers = answers
        self._stop = threading.Event()
        # Guards the statements.
        self._lock = threading.Lock()
        self._statements: list[Statement] = []
        self._threads = [
            threading.Thread(target=self._ask_on, args=(number,), name=f"ask-{number}", daemon=True)
            for number in range(THREADS)
        ]

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def statements(self, since_s: float = 0.0) -> tuple[Statement, ...]:
        """What ended so far, of the statements that began at `since_s` or later."""
        with self._lock:
            return tuple(item for item in self._statements if item.began_s >= since_s)

    def close(self) -> None:
        """Stop asking; returns when all threads have their last answer. Idempotent, bounded."""
        self._stop.set()
        deadline = time.monotonic() + _JOIN_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _ask_on(self, number: int) -> None:
        questions = itertools.islice(itertools.cycle(self._answers), number, None)
        while not self._stop.is_set():
            statement = timed(lambda: self._ask(next(questions)))
            with self._lock:
                self._statements.append(statement)

    def _ask(self, question: Question) -> str:
        try:
            rows = ask(self._connection, question)
        except FlightkeeperError as exc:
            return str(exc)
        return "" if rows == self._answers[question] else f"wrong answer to: {question.title}"


def timed(ask_one: Callable[[], str]) -> Statement:
    """Run one statement and note how long it took and what was wrong with it."""
    began_s = time.monotonic()
    problem = ask_one()
    return Statement(began_s, time.monotonic() - began_s, problem)


def ask(connection: Connection, question: Question) -> Rows:
    """All rows of the answer, as tuples of Python values."""
    table = connection.query(question.sql).read_all()
    return [tuple(row.values()) for row in table.to_pylist()]
