"""Reference tables through statements: any node changes them, every node has them."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.discovery.errors import OutcomeUnknown
from flightkeeper.discovery.reference_tables import ReferenceTables
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.uploading import APPEND, REPLACE, ingest, into
from tests.flight_server.wire_client import Served, WireClient, eventually, serving

BIG = "CREATE REFERENCE TABLE geo.big AS SELECT sha256(i::TEXT) AS a FROM range(9999) r(i)"
COUNTRIES = """
    CREATE REFERENCE TABLE geo.countries (
        code VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, people BIGINT)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"dir://{tmp_path}/registry"


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    with closing(open_registry(url)) as opened:
        yield opened


@pytest.fixture
def nodes(url: str) -> Iterator[tuple[Served, Served]]:
    with serving(registry=url, node_id="n1") as one, serving(registry=url, node_id="n2") as two:
        yield one, two


@pytest.fixture
def here(nodes: tuple[Served, Served]) -> Iterator[WireClient]:
    with nodes[0].client() as client:
        yield client


@pytest.fixture
def there(nodes: tuple[Served, Served]) -> Iterator[WireClient]:
    with nodes[1].client() as client:
        yield client


def sees(client: WireClient, query: str, expected: object) -> None:
    """Wait until a node answers this."""

    def same() -> bool:
        try:
            return bool(client.query(query).to_pydict() == expected)
        except pa.ArrowException:
            return False

    eventually(same)


def codes(client: WireClient) -> list[str]:
    return [str(c) for c in client.query("SELECT code FROM geo.countries ORDER BY 1").column(0)]


def exists(client: WireClient, name: str) -> bool:
    found = "SELECT count(*) FROM duckdb_views() WHERE schema_name || '.' || view_name = "
    return bool(client.value(f"{found}'{name}'"))


def test_a_table_is_made_on_one_node_and_is_on_all(here: WireClient, there: WireClient) -> None:
    here.update(COUNTRIES)
    assert here.query("FROM geo.countries").num_rows == 0
    assert here.update("INSERT INTO geo.countries VALUES ('de', 'Germany', 84)") == 1
    sees(there, "SELECT code, people FROM geo.countries", {"code": ["de"], "people": [84]})
    assert there.update("INSERT INTO geo.countries VALUES ('fr', 'France', 68)") == 1
    here.update("UPDATE geo.countries SET people = people + 1 WHERE code = 'fr'")
    sees(there, "SELECT people FROM geo.countries WHERE code = 'fr'", {"people": [69]})
    assert there.update("DELETE FROM geo.countries WHERE code = 'de'") == 1
    sees(here, "SELECT code FROM geo.countries", {"code": ["fr"]})
    shown = here.query("SHOW HISTORY OF REFERENCE TABLE geo.countries").to_pydict()
    assert shown["version"] == [4, 3, 2, 1, 0]
    assert shown["rows"] == [1, 2, 2, 1, 0]
    schemas = here.command(sql.CommandGetDbSchemas()).column("db_schema_name").to_pylist()
    assert schemas == ["geo", "main"]
    tables = here.command(sql.CommandGetTables()).column("table_name").to_pylist()
    assert tables == ["countries"]
    here.update("DROP REFERENCE TABLE geo.countries")
    assert there.query("SHOW REFERENCE TABLES").num_rows == 0
    eventually(lambda: not exists(there, "geo.countries"))
    with pytest.raises(KeyError, match=r"there is no reference table geo\.countries"):
        here.update("DROP REFERENCE TABLE geo.countries")
    here.update("DROP REFERENCE TABLE IF EXISTS geo.countries")


def test_it_is_defined_by_a_query_and_joined_like_any_table(here: WireClient) -> None:
    here.update(
        "CREATE TABLE sales AS SELECT 'c' || (i % 3) AS code, i AS amount FROM range(9) r(i)"
    )
    made = "CREATE REFERENCE TABLE names AS SELECT 'c' || i AS code, i * 10 AS n FROM range(3) r(i)"
    here.update(made)
    joined = "SELECT n, sum(amount)::INT s FROM sales NATURAL JOIN names GROUP BY 1 ORDER BY 1"
    assert here.query(joined).to_pydict() == {"n": [0, 10, 20], "s": [9, 12, 15]}
    assert here.query("SHOW REFERENCE TABLES").column("name").to_pylist() == ["main.names"]
    with pytest.raises(pa.ArrowInvalid, match=r"main\.names exists; nothing was written"):
        here.update(made)
    here.update("CREATE REFERENCE TABLE IF NOT EXISTS names AS SELECT 1 AS other")
    here.update(
        "CREATE /* a */ REFERENCE -- b\n TABLE IF /* c */ NOT EXISTS names AS SELECT 1 AS n"
    )
    assert here.query("FROM names").num_rows == 3
    here.update("CREATE /* a */ OR -- b\n REPLACE REFERENCE TABLE names AS SELECT 1 AS other")
    assert here.query("FROM names").to_pydict() == {"other": [1]}


def test_every_way_to_change_it_answers_as_for_any_table(here: WireClient) -> None:
    here.update(COUNTRIES)
    returned = here.query("INSERT INTO geo.countries VALUES ('de', 'Germany', 84) RETURNING code")
    assert returned.to_pydict() == {"code": ["de"]}
    prepared = here.prepare("INSERT INTO geo.countries VALUES (?, ?, ?)").prepared_statement_handle
    rows = pa.table({"1": ["fr", "it"], "2": ["France", "Italy"], "3": [68, 59]})
    assert here.execute_update(prepared, rows) == 2
    upsert = """INSERT INTO geo.countries VALUES ('it', 'Italia', 58)
        ON CONFLICT (code) DO UPDATE SET name = excluded.name"""
    assert here.update(upsert) == 1
    assert here.value("SELECT name FROM geo.countries WHERE code = 'it'") == "Italia"
    here.update("CREATE TEMP TABLE more AS SELECT 'es' AS code, 'Spain' AS name, 49 AS people")
    assert here.update("SELECT 1; INSERT INTO geo.countries FROM more") == 1
    assert codes(here) == ["de", "es", "fr", "it"]
    assert here.query("SHOW REFERENCE TABLES").column("version").to_pylist() == [4]
    assert here.update("UPDATE geo.countries SET people = 0 WHERE false") == 0
    assert here.query("SHOW REFERENCE TABLES").column("version").to_pylist() == [4]


def test_rows_are_uploaded_into_it(here: WireClient, there: WireClient) -> None:
    here.update(COUNTRIES)
    rows = pa.table({"code": ["de", "fr"], "name": ["Germany", "France"]})
    assert ingest(here, into("countries", APPEND, schema="geo"), rows) == 2
    sees(there, "SELECT code FROM geo.countries ORDER BY 1", {"code": ["de", "fr"]})
    with pytest.raises(pa.ArrowInvalid, match=r"Constraint Error.*; nothing was applied"):
        ingest(here, into("countries", APPEND, schema="geo"), rows)
    with pytest.raises(pa.ArrowInvalid, match=r"is a reference table of the cluster.*applied"):
        ingest(here, into("countries", REPLACE, schema="geo"), rows)
    assert here.query("SHOW REFERENCE TABLES").column("version").to_pylist() == [1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("INSERT INTO geo.countries VALUES ('de', 'X', 1)", "Constraint Error"),
        ("INSERT INTO geo.countries VALUES ('fr', NULL, 1)", "NOT NULL constraint failed"),
        ("INSERT INTO geo.countries VALUES ('fr')", "has 3 columns but 1 values"),
        ("DROP VIEW geo.countries", "is a reference table of the cluster, or has some; nothing"),
        ("CREATE OR REPLACE VIEW geo.countries AS SELECT 1", "is a reference table of the cluster"),
        ("ALTER TABLE geo.countries ADD COLUMN x INT", "is a reference table of the cluster"),
        ("BEGIN; DELETE FROM geo.countries", "not as a part of a transaction; nothing was run"),
        ("EXPLAIN ANALYZE DELETE FROM geo.countries", "is a reference table of the cluster"),
        ("PREPARE p AS DELETE FROM geo.countries; EXECUTE p", "is a reference table of the"),
        (BIG, "262144 is the limit; nothing was written"),
        ("CREATE REFERENCE TABLE x (a INT CHECK (a > 1))", "and no CHECK; nothing was written"),
        ("CREATE REFERENCE TABLE x (a INT DEFAULT 1)", "and no DEFAULT; nothing was written"),
        ("CREATE REFERENCE TABLE nowhere.geo.x (a INT)", r"write memory\.schema\.table"),
        ('CREATE REFERENCE TABLE "a/b" (a INT)', "must not contain"),
        ("EXPLAIN ANALYZE CREATE OR REPLACE VIEW geo.countries AS SELECT 1", "is a reference t"),
        ("COMMENT ON VIEW geo.countries IS 'x'", "is a reference table of the cluster"),
        ("DROP SCHEMA geo CASCADE", "is a reference table of the cluster, or has some"),
        ('INSERT INTO _reference."geo.countries" VALUES (1)', "the schema _reference has the rows"),
        ('DROP TABLE memory."_reference"."geo.countries"', "the schema _reference has the rows"),
        ('PREPARE p AS DELETE FROM _reference."geo.countries"', "the schema _reference has"),
        ("BEGIN; DROP REFERENCE TABLE geo.countries", "not as a part of a transaction"),
        ("DROP REFERENCE TABLE", "the name of a table is expected here"),
        ("DROP REFERENCE TABLE geo.countries now", "the name of a table is expected here"),
    ],
)  # fmt: skip
def test_what_cannot_be_leaves_the_table_as_it_was(
    here: WireClient, there: WireClient, change: str, told: str
) -> None:
    here.update(COUNTRIES)
    here.update("INSERT INTO geo.countries VALUES ('de', 'Germany', 84)")
    with pytest.raises(pa.ArrowInvalid, match=told):
        here.update(change)
    sees(there, "SELECT code FROM geo.countries", {"code": ["de"]})
    assert there.query("SHOW REFERENCE TABLES").column("version").to_pylist() == [1]


def test_an_upload_whose_outcome_is_unknown_says_so(
    here: WireClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.update("CREATE REFERENCE TABLE rates AS SELECT 1 AS x")
    replace = ReferenceTables.replace

    def lose(self: ReferenceTables, *of: Any) -> object:
        replace(self, *of)
        raise OutcomeUnknown("it may have been written: read it")

    monkeypatch.setattr(ReferenceTables, "replace", lose)
    with pytest.raises(flight.FlightUnavailableError, match="may have been written") as failed:
        ingest(here, into("rates", APPEND), pa.table({"x": [2]}))
    assert "nothing was applied" not in str(failed.value)
    sees(here, "FROM rates", {"x": [1, 2]})


def test_types_of_the_engine_are_the_same_on_every_node(
    here: WireClient, there: WireClient
) -> None:
    here.update("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    query = """SELECT 1::HUGEINT AS a, 'x'::BLOB AS b, 1.5::DECIMAL(9, 2) AS c, NULL::UUID AS d,
        TIMESTAMPTZ '2026-01-02 03:04:05+00' AS e, INTERVAL 1 MONTH AS f, [1, NULL] AS g,
        {'x': 1, 'y': 'z'} AS h, MAP {'k': 2} AS i, TIME '01:02:03' AS j,
        'ok'::mood AS k, 7::UTINYINT AS l"""
    here.update(f"CREATE REFERENCE TABLE all_types AS {query}")
    described = "SELECT column_type FROM (DESCRIBE {})"
    expected = here.query(described.format(query)).to_pydict()
    sees(here, described.format("all_types"), expected)
    sees(there, described.format("all_types"), expected)
    shown = "SELECT (a, b, c, e, f, g, h, i, j, k, l)::TEXT AS t FROM"
    expected = here.query(f"{shown} ({query})").to_pydict()
    sees(there, f"{shown} all_types", expected)


def test_changes_from_all_nodes_at_once_are_all_kept(nodes: tuple[Served, Served]) -> None:
    with nodes[0].client() as client:
        client.update("CREATE REFERENCE TABLE counted AS SELECT 0 AS n")
    failures: list[Exception] = []

    def count(node: Served) -> None:
        try:
            with node.client() as client:
                for _ in range(10):
                    assert client.update("UPDATE counted SET n = n + 1") == 1
        except Exception as exc:  # noqa: BLE001 - told by the test
            failures.append(exc)

    with nodes[1].client() as client:
        sees(client, "FROM counted", {"n": [0]})
    threads = [threading.Thread(target=count, args=(node,)) for node in [*nodes, *nodes]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    for node in nodes:
        with node.client() as client:
            sees(client, "FROM counted", {"n": [40]})


def test_other_dialects_have_them_too(nodes: tuple[Served, Served], there: WireClient) -> None:
    with nodes[0].client() as client:
        client.extra_headers["x-flightkeeper-dialect"] = "spark"
        client.update("CREATE REFERENCE TABLE data (id INT, name STRING, age INT)")
        client.update('INSERT INTO data VALUES (1, "Alice", 25)')
        assert client.query("SELECT `name` FROM data").to_pydict() == {"name": ["Alice"]}
    sees(there, "SELECT age FROM data", {"age": [25]})


def test_a_node_that_joins_has_them_before_it_is_found(url: str, registry: Registry) -> None:
    with serving(registry=url, node_id="n1") as node, node.client() as client:
        client.update("CREATE REFERENCE TABLE t AS SELECT 1 AS a")
    assert ReferenceTables(registry).get("main.t") is not None
    with serving(registry=url, node_id="n2") as node, node.client() as client:
        assert client.query("FROM t").to_pydict() == {"a": [1]}


def test_a_file_is_never_written_to(url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        node = stack.enter_context(serving(registry=url, database=str(tmp_path / "own.db")))
        client = stack.enter_context(node.client())
        with pytest.raises(pa.ArrowInvalid, match=r"write cluster\.schema\.table"):
            client.update("CREATE REFERENCE TABLE geo.t AS SELECT 1 AS a")
        client.update("CREATE TABLE own AS SELECT 2 AS a")
        client.update("CREATE REFERENCE TABLE cluster.geo.t AS FROM own")
        client.update("INSERT INTO cluster.geo.t FROM own")
        assert client.query("FROM cluster.geo.t").to_pydict() == {"a": [2, 2]}
        found = client.query("SELECT database_name || '.' || table_name FROM duckdb_tables()")
        assert sorted(map(str, found.column(0))) == ["cluster.geo.t", "own.own"]


def test_a_node_in_no_cluster_says_so() -> None:
    with serving() as node, node.client() as client:
        for text in ("CREATE REFERENCE TABLE t (a INT)", "SHOW REFERENCE TABLES"):
            with pytest.raises(NotImplementedError, match="start it with --registry"):
                client.query(text)
        with pytest.raises(pa.ArrowInvalid, match="t does not exist"):
            client.query("FROM t")


def test_a_temporary_table_of_the_same_name_is_the_sessions_own(
    nodes: tuple[Served, Served], here: WireClient
) -> None:
    here.update("CREATE TEMP TABLE zz (a INT)")
    with nodes[0].client(user="bob") as other:
        other.update("CREATE REFERENCE TABLE zz AS SELECT 1 AS a")
    assert here.update("INSERT INTO zz VALUES (5)") == 1
    assert here.query("FROM temp.zz").to_pydict() == {"a": [5]}
    here.update("CREATE OR REPLACE TEMP TABLE zz AS SELECT 7 AS a")
    assert here.query("FROM memory.main.zz").to_pydict() == {"a": [1]}


def test_a_transaction_that_began_meanwhile_is_not_this_ones_to_end(
    nodes: tuple[Served, Served], here: WireClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.update("CREATE REFERENCE TABLE rr (a INT)")
    here.update("CREATE TABLE plain (a INT)")
    here.update("SET VARIABLE pinned = 1")
    tables = ReferenceTables
    get = tables.get

    def begins(self: ReferenceTables, name: str) -> object:
        monkeypatch.setattr(tables, "get", get)
        here_too.update("BEGIN; INSERT INTO plain VALUES (1)")
        return get(self, name)

    monkeypatch.setattr(tables, "get", begins)
    with nodes[0].stranger(here.authorization) as here_too:
        with pytest.raises(pa.ArrowInvalid, match="not as a part of a transaction; nothing was"):
            here.update("INSERT INTO rr VALUES (1)")
        here_too.update("INSERT INTO plain VALUES (2); COMMIT")
    assert here.query("FROM plain").to_pydict() == {"a": [1, 2]}


def test_a_view_of_the_nodes_own_is_left_alone(
    nodes: tuple[Served, Served], here: WireClient, there: WireClient
) -> None:
    there.update("CREATE VIEW mine AS SELECT 42 AS a")
    with pytest.raises(pa.ArrowInvalid, match=r"there is a view main\.mine already"):
        there.update("CREATE REFERENCE TABLE mine (a INT)")
    here.update("CREATE REFERENCE TABLE mine AS SELECT 1 AS a")
    eventually(lambda: "there is a view main.mine" in nodes[1].node._record().problem)
    assert there.query("FROM mine").to_pydict() == {"a": [42]}
    here.update("DROP REFERENCE TABLE mine")
    eventually(lambda: nodes[1].node._record().problem == "")
    assert there.query("FROM mine").to_pydict() == {"a": [42]}


def test_a_table_may_be_replaced_by_a_query_over_itself(here: WireClient) -> None:
    here.update("CREATE REFERENCE TABLE rates AS SELECT 1 AS x")
    here.update("CREATE OR REPLACE REFERENCE TABLE rates AS SELECT x, 1 AS y FROM rates")
    assert here.query("FROM memory.rates").to_pydict() == {"x": [1], "y": [1]}
    assert here.update("INSERT INTO memory.rates VALUES (2, 2)") == 1
    assert here.value("SELECT count(*) FROM rates") == 2


def test_what_was_in_the_way_for_a_while_is_followed_then(
    here: WireClient, there: WireClient
) -> None:
    here.update("CREATE REFERENCE TABLE k AS SELECT 1 AS x")
    sees(there, "FROM k", {"x": [1]})
    there.update("BEGIN; CREATE SCHEMA newone")
    here.update("CREATE REFERENCE TABLE newone.t AS SELECT 1 AS x")
    sees(here, "FROM newone.t", {"x": [1]})
    there.update("ROLLBACK")
    sees(there, "FROM newone.t", {"x": [1]})


def test_tables_of_a_new_schema_are_made_at_the_same_time(nodes: tuple[Served, Served]) -> None:
    together = threading.Barrier(4)
    failures: list[Exception] = []

    def make(table: str, node: Served) -> None:
        try:
            with node.client() as client:
                for schema in range(5):
                    together.wait(30)
                    client.update(f"CREATE REFERENCE TABLE new{schema}.{table} AS SELECT 1 AS a")
        except Exception as exc:  # noqa: BLE001 - told by the test
            failures.append(exc)
            together.abort()

    threads = [
        threading.Thread(target=make, args=(f"t{number}", nodes[number % 2])) for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    with nodes[0].client() as client:
        eventually(lambda: client.query("SHOW REFERENCE TABLES").num_rows == 20)
