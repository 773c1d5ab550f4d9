"""Settings that change under a running node, seen from its clients."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient, serving

_MEMORY = "SELECT memory_limit FROM pragma_database_size()"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(threads=2) as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[WireClient]:
    with served.client() as client:
        yield client


def adjust(served: Served, **values: object) -> None:
    before: NodeSettings = served.node._settings
    served.node._apply(before.model_copy(update=values))


def test_the_engine_follows_in_open_sessions_too(served: Served, client: WireClient) -> None:
    client.update("SET VARIABLE a = 1")
    default = client.value(_MEMORY)
    adjust(served, memory_limit="300MiB", threads=1, temp_directory_bytes_max="1GB")
    assert client.value(_MEMORY) == "300.0 MiB"
    assert client.value("SELECT current_setting('threads')") == 1
    assert client.value("SELECT current_setting('max_temp_directory_size')") == "953.6 MiB"
    adjust(served, memory_limit=None)
    (size, unit), (default_size, default_unit) = (
        str(text).split() for text in (client.value(_MEMORY), default)
    )
    assert unit == default_unit
    assert abs(float(size) - float(default_size)) < 0.2, "but for the last digit"


def test_what_the_engine_refuses_changes_nothing(served: Served, client: WireClient) -> None:
    adjust(served, memory_limit="300MiB")
    with pytest.raises(NodeError):
        adjust(served, memory_limit="200MiB", threads=-1, statements_max=1)
    assert client.value(_MEMORY) == "300.0 MiB"
    assert client.value("SELECT current_setting('threads')") == 2
    assert served.node._settings.statements_max == 64
    adjust(served, memory_limit=None)
    assert client.value(_MEMORY) != "300.0 MiB"


def test_what_does_not_change_is_left_as_sql_has_set_it(served: Served, client: WireClient) -> None:
    client.update("SET threads = 1")
    adjust(served, weight=11)
    assert client.value("SELECT current_setting('threads')") == 1


def test_limits_and_defaults_hold_from_the_next_statement_on(
    served: Served, client: WireClient
) -> None:
    adjust(served, dialect="mysql", statement_timeout_s=0.2)
    assert client.value("SELECT IF(1, 'x', 'y') AS `a`") == "x"
    client.update("SET dialect = 'duckdb'")
    adjust(served, dialect="trino")
    assert client.value("SELECT [1, 2][1]") == 1, "the session's own goes before"
    with pytest.raises(flight.FlightTimedOutError, match="200 ms"):
        client.query("SELECT count(*) FROM range(100000000000) t(i) WHERE hash(i) % 7 = 9")
    adjust(served, statements_max=1, statement_timeout_s=0)
    with served.client(user="other") as other:
        stream = other.get(other.plan("FROM range(3000000)").endpoints[0].ticket)
        stream.read_chunk()
        with pytest.raises(flight.FlightUnavailableError, match="runs 1 statements"):
            client.query("SELECT 1")
        stream.cancel()


def test_sql_may_be_kept_from_the_nodes_settings(served: Served, client: WireClient) -> None:
    client.update("SET threads = 2")
    adjust(served, sql_settings="session")
    for text in (
        "SET threads = 1 + 1",
        "set global memory_limit = '1GB' -- c",
        "RESET enable_external_access",
        "SELECT 1; PRAGMA threads = 3",
    ):
        with pytest.raises(flight.FlightUnauthorizedError, match="SQL may not change here"):
            client.update(text)
    client.update("SET TimeZone = 'UTC'; SET dialect = 'duckdb'; USE main; SET VARIABLE a = 1")
    client.query("PRAGMA database_list")
    adjust(served, sql_settings="all")
    client.update("SET threads = 2")
    with pytest.raises(pa.ArrowInvalid, match="unrecognized"):
        client.update("SET nonsense = 2")


def test_what_the_node_says_of_itself_follows(served: Served, client: WireClient) -> None:
    def told() -> object:
        return client.command(sql.CommandGetSqlInfo(info=[101])).column("value")[0].as_py()

    adjust(served, transaction_idle_timeout_s=7.0)
    assert told() == 7000
    adjust(served, transaction_idle_timeout_s=9.0)
    assert told() == 9000
