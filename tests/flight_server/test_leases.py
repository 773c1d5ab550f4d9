"""What a piece of work holds is given back once, and nobody is stopped who came after."""

import threading
from typing import Any

from flightkeeper.flight_server.leases import Once, stopper


class Interrupted:
    def __init__(self) -> None:
        self.threads: list[int | None] = []

    def interrupt(self, thread: int | None = None) -> None:
        self.threads.append(thread)


def test_actions_run_once_and_in_their_order() -> None:
    ran: list[str] = []
    once = Once(lambda: ran.append("a"), lambda: ran.append("b"))
    once()
    once()
    assert ran == ["a", "b"]


def test_of_many_threads_one_runs_them() -> None:
    ran: list[int] = []
    once = Once(lambda: ran.append(1))
    threads = [threading.Thread(target=once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert ran == [1]


def test_what_was_given_back_is_not_interrupted_any_more() -> None:
    connection: Any = Interrupted()
    release = Once()
    stop = stopper(connection, release)
    stop()
    assert connection.threads == [threading.get_ident()]
    release()
    stop()
    assert len(connection.threads) == 1
