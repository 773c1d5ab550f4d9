"""Tables by their path, for a Flight client that knows no SQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from tests.flight_server.wire_client import Served, WireClient, serving

_ODD = 'o"d. näme%'


@pytest.fixture(scope="module", autouse=True)
def tables(served: Served) -> Iterator[None]:
    quoted = '"' + _ODD.replace('"', '""') + '"'
    with served.client() as client:
        client.update("CREATE TABLE t AS SELECT range AS a, 'x' AS b FROM range(3)")
        client.update("CREATE VIEW v AS SELECT a FROM t WHERE a > 1")
        client.update(f"CREATE SCHEMA s; CREATE TABLE s.{quoted} (u UHUGEINT NOT NULL)")
        client.update("CREATE TABLE gone (a INT); CREATE VIEW broken AS FROM gone; DROP TABLE gone")
        yield
        client.update("DROP VIEW v; DROP VIEW broken; DROP TABLE t; DROP SCHEMA s CASCADE")


def planned(client: WireClient, *path: str) -> flight.FlightInfo:
    descriptor = flight.FlightDescriptor.for_path(*path)
    return client.flight.get_flight_info(descriptor, client.options())


def listed(client: WireClient, criteria: Any = b"") -> dict[str, flight.FlightInfo]:
    found = client.flight.list_flights(criteria, client.options())
    return {".".join(map(bytes.decode, info.descriptor.path or ())): info for info in found}


@pytest.mark.parametrize("path", [["t"], ["main", "t"], ["memory", "main", "t"], ["MAIN", "T"]])
def test_a_table_is_fetched_by_its_path(client: WireClient, path: list[str]) -> None:
    info = planned(client, *path)
    assert client.fetch(info).to_pydict() == {"a": [0, 1, 2], "b": ["x", "x", "x"]}
    assert info.total_records == 3
    assert info.descriptor.path == [part.encode() for part in path]


def test_a_view_and_an_odd_name_have_paths_too(client: WireClient) -> None:
    assert client.fetch(planned(client, "v"))["a"].to_pylist() == [2]
    assert client.fetch(planned(client, "s", _ODD)).num_rows == 0


def test_a_path_has_a_schema(client: WireClient) -> None:
    descriptor = flight.FlightDescriptor.for_path("s", _ODD)
    answer: Any = client.flight.get_schema(descriptor, client.options())
    assert answer.schema == client.fetch(planned(client, "s", _ODD)).schema
    assert answer.schema == pa.schema([("u", pa.string())])


def test_a_path_follows_the_session(client: WireClient) -> None:
    client.update("CREATE TEMP TABLE t AS SELECT 7 AS seven")
    assert client.fetch(planned(client, "t")).to_pydict() == {"seven": [7]}


@pytest.mark.parametrize(
    "path", [["nowhere"], ["s", "t"], ["other", "main", "t"], ["t; DROP TABLE t"], ["%"]]
)
def test_an_unknown_path_is_not_found_and_named(client: WireClient, path: list[str]) -> None:
    name = ".".join('"' + part + '"' for part in path)
    with pytest.raises(KeyError, match=f"there is no table or view {name}") as caught:
        planned(client, *path)
    assert "Traceback" not in str(caught.value)
    with pytest.raises(KeyError, match="there is no table or view"):
        client.flight.get_schema(flight.FlightDescriptor.for_path(*path), client.options())


@pytest.mark.parametrize("path", [[], ["a", "b", "c", "d"]])
def test_a_path_has_one_to_three_parts(client: WireClient, path: list[str]) -> None:
    with pytest.raises(pa.ArrowInvalid, match=f"this one has {len(path)} parts"):
        planned(client, *path)


def test_every_table_that_can_be_read_is_listed_with_its_schema(client: WireClient) -> None:
    found = listed(client)
    assert list(found) == ["memory.main.t", "memory.main.v", f"memory.s.{_ODD}"]
    for info in found.values():
        answer = client.fetch(info)
        assert answer.schema.equals(info.schema, check_metadata=True)
        # The estimate DuckDB has counts rows that were deleted.
        assert info.total_records == -1
    assert client.fetch(found["memory.main.v"])["a"].to_pylist() == [2]


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        (b"%.t", ["memory.main.t"]),
        (b"main.%", ["memory.main.t", "memory.main.v"]),
        ('s.o"d. näme\\%'.encode(), [f"memory.s.{_ODD}"]),
        (b"main", []),
        (b"' OR true --", []),
    ],
)
def test_a_pattern_chooses_among_them(
    client: WireClient, criteria: bytes, names: list[str]
) -> None:
    assert list(listed(client, criteria)) == names


def test_a_listed_ticket_is_served_again_and_by_no_other_user(
    served: Served, client: WireClient
) -> None:
    info = listed(client)["memory.main.t"]
    assert client.fetch(info).num_rows == client.fetch(info).num_rows == 3
    with served.client(user="eve") as other, pytest.raises(KeyError, match="another user"):
        other.fetch(info)


def test_a_listed_ticket_is_served_by_another_node(key_file: Path) -> None:
    with serving(key_file=key_file) as one, serving(key_file=key_file) as two:
        for node in (one, two):
            with node.client() as client:
                client.update("CREATE TABLE t AS SELECT 5 AS a")
        with one.client() as asking, two.client() as fetching:
            assert fetching.fetch(listed(asking)["memory.main.t"])["a"].to_pylist() == [5]
            assert fetching.fetch(planned(asking, "t"))["a"].to_pylist() == [5]


def test_a_pattern_that_is_no_text_is_refused_without_a_traceback(client: WireClient) -> None:
    with pytest.raises(pa.ArrowInvalid, match="not UTF-8") as caught:
        listed(client, b"\xff")
    assert "Traceback" not in str(caught.value)
    assert ".py" not in str(caught.value)


def test_a_path_is_never_in_the_dialect_of_the_session(client: WireClient) -> None:
    client.extra_headers["x-flightkeeper-dialect"] = "mysql"
    assert client.fetch(planned(client, "s", _ODD)).num_rows == 0
    assert client.fetch(listed(client)["memory.main.t"]).num_rows == 3
