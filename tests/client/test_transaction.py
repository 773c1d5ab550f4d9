"""Transactions: on one node, committed or undone."""

from collections.abc import Iterator
from typing import Any

import pytest

from flightkeeper.client import Connection, FlightkeeperError, StatementFailed, Transaction, connect
from flightkeeper.client.attempts import Statement
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.runner import Scope
from flightkeeper.flightsql.headers import COMMIT_TOLD
from tests.support.stub_process import StubProcess, url_of


@pytest.fixture
def connection(node: StubProcess) -> Iterator[Connection]:
    with connect(url_of(node)) as connection:
        yield connection


def ends(node: StubProcess) -> int:
    return len(node.lines("action EndTransaction"))


def test_statements_run_in_it_and_it_is_committed(
    node: StubProcess, connection: Connection
) -> None:
    before = ends(node)
    with connection.transaction() as transaction:
        assert transaction.execute("write 2") == 2
        assert transaction.execute("write 2", [1]) == 3
        assert transaction.query("rows 5 2").read_all().num_rows == 10
        assert transaction.query("rows 5 2", [1], timeout_s=5).read_all().num_rows == 12
        assert repr(transaction) == f"<Transaction open on {node.address}>"
    assert transaction.ended
    assert ends(node) == before + 1


def test_an_error_in_the_block_undoes_it_and_stays_the_error(
    node: StubProcess, connection: Connection
) -> None:
    before = ends(node)
    with pytest.raises(StatementFailed, match="Parser Error"), connection.transaction() as it:
        it.execute("bad")
    assert ends(node) == before + 1
    assert it.ended


def test_what_was_ended_by_hand_is_not_ended_again(
    node: StubProcess, connection: Connection
) -> None:
    before = ends(node)
    with connection.transaction() as transaction:
        transaction.commit()
        transaction.rollback()
    assert ends(node) == before + 1
    with connection.transaction() as transaction:
        transaction.rollback()
    assert ends(node) == before + 2


def test_an_ended_transaction_runs_nothing(connection: Connection) -> None:
    with connection.transaction() as transaction:
        pass
    for call in (
        lambda: transaction.execute("write 1"),
        lambda: transaction.query("rows 1 1"),
        transaction.commit,
    ):
        with pytest.raises(FlightkeeperError, match="the transaction has ended"):
            call()
    transaction.rollback()


def test_undone_after_its_connection_was_closed_it_has_ended(node: StubProcess) -> None:
    with connect(url_of(node)) as connection:
        begun = connection.transaction()
        transaction = begun.__enter__()
    transaction.rollback()
    assert transaction.ended
    begun.__exit__(None, None, None)


class Recorder:
    """Notes the statements that a transaction makes, and runs none of them."""

    def __init__(self) -> None:
        self.made: list[Statement] = []

    def statement(self, kind: StatementKind, scope: Scope, wish: object = None) -> Statement:
        del wish
        return Statement("id", kind, on_answer=scope.on_answer, on_loss=scope.on_loss)

    def run(self, statement: Statement, operation: object) -> int:
        del operation
        self.made.append(statement)
        return 0


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        ([], False),
        (["1"], True),
        (["1", ""], True),
        (["0"], False),
        (["1", "0"], False),
        (["0", "1"], True),
        (["1", "lost"], False),
        (["lost", "1"], True),
    ],
)
def test_others_are_asked_of_its_commit_if_its_node_said_that_they_can_tell(
    heard: list[str], *, told: bool
) -> None:
    recorder: Any = Recorder()
    transaction = Transaction(recorder, Scope(transaction_id=b"t1"))
    for word in heard:
        transaction.execute("write 1")
        made = recorder.made[-1]
        if word == "lost":
            made.on_loss()
        else:
            made.on_answer({"x-flightkeeper-load": "1"} | ({COMMIT_TOLD: word} if word else {}))
    transaction.commit()
    assert (recorder.made[-1].kind, recorder.made[-1].told) == (StatementKind.COMMIT, told)
