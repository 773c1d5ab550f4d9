"""The project's own client against real nodes, where the two must agree."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from flightkeeper import client
from tests.conformance.conftest import PASSWORD, USER, Pair


@pytest.fixture
def connection(pair: Pair) -> Iterator[client.Connection]:
    addresses = ",".join(urlsplit(location).netloc for location in pair)
    url = f"flightsql://{addresses}?transport=tcp"
    with client.connect(url, user=USER, password=PASSWORD) as opened:
        yield opened


@pytest.mark.parametrize(
    "statement",
    ["SET TimeZone = 'Asia/Tokyo'", "BEGIN", "CREATE TEMP TABLE t (a INT)", "USE main"],
)
def test_what_would_stay_on_one_node_is_refused(
    connection: client.Connection, statement: str
) -> None:
    with pytest.raises(client.StatementFailed, match="nothing was run: use a transaction"):
        connection.execute(statement)
    assert connection.query("SELECT 1 AS a").read_all().to_pylist() == [{"a": 1}]


def test_within_a_transaction_it_may_stay(connection: client.Connection) -> None:
    with connection.transaction() as transaction:
        transaction.execute("CREATE TEMP TABLE scratch AS SELECT 42 AS a")
        assert transaction.query("FROM scratch").read_all().to_pylist() == [{"a": 42}]


def test_parameters_and_results_of_any_size(connection: client.Connection) -> None:
    reader = connection.query("SELECT range AS a FROM range(?::BIGINT)", [2_000_000])
    assert sum(batch.num_rows for batch in reader) == 2_000_000
