"""What an attempt says to a node, call by call."""

from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.client import execution
from flightkeeper.client.attempts import Attempt, Statement, Text
from flightkeeper.client.execution import parameter_row
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import CallFailed, Kind
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.pool import Pool
from flightkeeper.client.transport import CallSettings, Channel, Plan
from flightkeeper.discovery.records import Instance
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as wire
from tests.client.instances import instance
from tests.support.stub_process import StubProcess


def clock() -> float:
    return 0.0


@pytest.fixture
def pool() -> Pool:
    return Pool(lambda instance: Channel(instance.location), Loads(clock), clock)


@pytest.fixture
def attempt(node: StubProcess, pool: Pool) -> Attempt:
    where = Instance("s", "n1", f"grpc://{node.address}", "one")
    statement = Statement("id", StatementKind.READ)
    return Attempt(statement, StatementKind.READ, pool.lease(where), Login(None, None))


def test_a_query(attempt: Attempt, pool: Pool) -> None:
    delivery = execution.query(attempt, Text("rows 10 3"), pool)
    assert attempt.sent
    assert [batch.num_rows for batch in delivery] == [10, 10, 10]


def test_endpoints_are_read_in_order(attempt: Attempt, pool: Pool) -> None:
    delivery = execution.query(attempt, Text("rows 1 1 + rows 2 2 + rows 0 0 + rows 3 1"), pool)
    assert [batch.num_rows for batch in delivery] == [1, 2, 2, 3]


def test_a_query_with_parameters_binds_them_first(attempt: Attempt, pool: Pool) -> None:
    # The stub adds the number of parameters to the rows of each batch.
    delivery = execution.query(attempt, Text("rows 10 1", [1, None, "x"]), pool)
    assert [batch.num_rows for batch in delivery] == [13]


def test_updates(attempt: Attempt) -> None:
    assert execution.update(attempt, Text("write 4")) == 4
    assert execution.update(attempt, Text("write 4", [1, 2])) == 6
    assert attempt.sent


def test_transactions(attempt: Attempt) -> None:
    assert execution.begin(attempt).startswith(b"transaction-")
    assert not attempt.sent
    execution.end(attempt, b"transaction-1", commit=True)
    assert attempt.sent


def test_what_comes_before_the_statement_itself_is_not_sent(attempt: Attempt) -> None:
    with pytest.raises(CallFailed):
        attempt.channel.act("nonsense", b"", CallSettings())
    with pytest.raises(TypeError):
        execution.update(attempt, Text("write 4", 7))  # type: ignore[arg-type]
    assert not attempt.sent


@pytest.mark.parametrize("value", [1, 1.5, "x", b"bytes", None, True, [1, 2]])
def test_parameters_become_one_row(value: object) -> None:
    row = parameter_row([value, 1])
    assert row.num_rows == 1
    assert row.schema.names == ["0", "1"]
    assert row.column(0).to_pylist() == [value]


def test_a_value_without_arrow_type_is_refused() -> None:
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        parameter_row([object()])


def test_no_parameters_at_all_are_one_empty_row() -> None:
    assert parameter_row([]).num_columns == 0


class Garbled(Channel):
    """Answers every call with the same bytes."""

    def __init__(self, *answers: Any) -> None:
        super().__init__("grpc://127.0.0.1:9")
        self._answers_given = list(answers)

    def act(self, action: str, body: bytes, settings: CallSettings) -> list[bytes]:
        del action, body, settings
        return self._answers_given

    def put(self, command: object, settings: object, rows: object = None) -> bytes | None:
        del command, settings, rows
        answer: bytes | None = self._answers_given[0]
        return answer

    def plan(self, command: object, settings: object) -> Plan:
        del command, settings
        return Plan(pa.schema([]), ())


EMPTY_ID = pack(wire.ActionBeginTransactionResult())
OTHER = pack(wire.CommandStatementQuery())


@pytest.mark.parametrize("answers", [(), (b"", b""), (b"\xff",), (EMPTY_ID,), (OTHER,)])
def test_a_garbled_answer_is_a_failure(answers: tuple[bytes, ...]) -> None:
    garbled = Pool(lambda _instance: Garbled(*answers), Loads(clock), clock)
    statement = Statement("id", StatementKind.BEGIN)
    lease = garbled.lease(instance("a"))
    attempt = Attempt(statement, StatementKind.BEGIN, lease, Login(None, None))
    with pytest.raises(CallFailed) as caught:
        execution.begin(attempt)
    assert caught.value.failure.kind is Kind.INTERNAL


def test_a_missing_count_is_not_taken_for_zero() -> None:
    silent = Pool(lambda _instance: Garbled(None), Loads(clock), clock)
    statement = Statement("id", StatementKind.WRITE)
    attempt = Attempt(
        statement, StatementKind.WRITE, silent.lease(instance("a")), Login(None, None)
    )
    with pytest.raises(CallFailed, match="without an answer") as caught:
        execution.update(attempt, Text("write 1"))
    assert caught.value.failure.kind is Kind.INTERNAL
    assert execution.record_count(b"") == 0


def test_garbled_counts_and_results_without_endpoints() -> None:
    garbled = Pool(lambda _instance: Garbled(b"\xff"), Loads(clock), clock)
    statement = Statement("id", StatementKind.WRITE)
    lease = garbled.lease(instance("a"))
    attempt = Attempt(statement, StatementKind.WRITE, lease, Login(None, None))
    with pytest.raises(CallFailed, match="DoPutUpdateResult"):
        execution.update(attempt, Text("write 1"))
    with pytest.raises(CallFailed, match="without endpoints"):
        execution.query(attempt, Text("rows 1 1"), garbled)
