"""Harlequin's ADBC adapter: the queries of its window, and its catalog."""

from collections.abc import Iterator
from typing import Any

import pytest
from harlequin.exception import HarlequinQueryError
from harlequin_adbc import HarlequinAdbcAdapter

from tests.conformance.conftest import PASSWORD, USER

TOOL = "Harlequin"
queries = pytest.mark.tool(TOOL, "queries")
catalog = pytest.mark.tool(
    TOOL, "the catalog beside the editor", limit="its adapter needs a DuckDB before 1.4"
)


@pytest.fixture
def connection(solo: str) -> Iterator[Any]:
    """What Harlequin's window works with."""
    login = f"username={USER};password={PASSWORD}"
    adapter = HarlequinAdbcAdapter([solo], driver_type="flightsql", db_kwargs_str=login)
    opened = adapter.connect()
    yield opened
    opened.conn.close()


@queries
def test_a_query_shows_columns_and_rows(connection: Any) -> None:
    cursor = connection.execute("SELECT range AS a, 'x' AS b FROM range(1000)")
    assert cursor.columns() == [("a", "##"), ("b", "s")]
    assert cursor.set_limit(3).fetchall() == [(0, "x"), (1, "x"), (2, "x")]
    cursor.cur.close()


@queries
def test_an_error_is_shown_as_duckdb_says_it(connection: Any) -> None:
    with pytest.raises(HarlequinQueryError) as caught:
        connection.execute("SELECT * FROM nowhere")
    assert "nowhere does not exist" in caught.value.msg


@catalog
def test_the_catalog_stumbles_over_duckdbs_arrow(connection: Any) -> None:
    """It has all it asks for by then; it only reads the answer with a DuckDB of its own."""
    with pytest.raises(AttributeError, match="to_pylist"):
        connection.get_catalog()
