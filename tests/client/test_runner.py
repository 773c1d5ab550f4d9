"""What statements are made of, and what becomes of open results."""

import time
from collections.abc import Iterator
from random import Random

import pytest

from flightkeeper.client.attempts import Attempts
from flightkeeper.client.control import Control
from flightkeeper.client.errors import ConnectionClosed
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.pool import Pool
from flightkeeper.client.router import Router
from flightkeeper.client.runner import Runner, Scope, Wish
from flightkeeper.client.transport import Channel
from tests.client.channels import IdleChannel
from tests.client.instances import instance


@pytest.fixture
def runner() -> Iterator[Runner]:
    loads = Loads(lambda: 0.0)
    pool = Pool(lambda _instance: IdleChannel(), loads, lambda: 0.0)
    router = Router("s", pool, loads, lambda *_: None, clock_s=lambda: 0.0, rng=Random(1))
    attempts = Attempts(router, pool, Login(None, None), Random(2))
    made = Runner(attempts, pool, router)
    yield made
    made.close()
    pool.close()


def test_a_scope_says_what_may_be_repeated() -> None:
    read, write = StatementKind.READ, StatementKind.WRITE
    assert (Scope().kind(read), Scope().kind(write)) == (read, write)
    assert Scope(read_only=True).kind(write) is read
    assert Scope(transaction_id=b"t").kind(read) is StatementKind.TRANSACTION


def test_a_wish_goes_before_the_scope(runner: Runner) -> None:
    scope = Scope(options={"a": "1", "b": "1"}, timeout_s=5, pinned=instance("n1"))
    statement = runner.statement(StatementKind.READ, scope)
    assert statement.deadline_s is not None
    assert 0 < statement.deadline_s - time.monotonic() <= 5
    assert (statement.options, statement.read_only) == ({"a": "1", "b": "1"}, False)
    assert statement.pinned == instance("n1")
    control = Control()
    wish = Wish(60, read_only=True, preferred=instance("n2"), options={"b": "2"}, control=control)
    wished = runner.statement(StatementKind.READ, scope, wish)
    assert wished.deadline_s is not None
    assert wished.deadline_s - time.monotonic() > 5
    assert (wished.options, wished.read_only) == ({"a": "1", "b": "2"}, True)
    assert (wished.preferred, wished.control) == (instance("n2"), control)
    assert wished.statement_id == control.statement_id != statement.statement_id
    assert runner.statement(StatementKind.READ, Scope()).deadline_s is None


def test_closed_it_runs_nothing(runner: Runner) -> None:
    seen: list[Channel] = []
    runner.on_channel("grpc://127.0.0.1:9", seen.append)
    runner.close()
    runner.close()
    runner.on_channel("grpc://127.0.0.1:9", seen.append)
    assert (runner.closed, runner.forked, len(seen)) == (True, False, 1)
    with pytest.raises(ConnectionClosed):
        runner.statement(StatementKind.READ, Scope())
