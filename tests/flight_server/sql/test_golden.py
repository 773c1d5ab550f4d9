"""Every golden pair: the translated text, and what DuckDB answers to it."""

import ast
from collections import Counter

import duckdb
import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.dialects import DIALECTS, DUCKDB
from flightkeeper.flight_server.sql.translation import parse
from flightkeeper.flight_server.sql.transpiling import transpile
from tests.flight_server.sql.pairs import ANY_ROWS, Pair, pairs, shown

PAIRS = pairs()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.dialect}: {pair.title}")
def test_a_statement_becomes_its_pair_and_answers_its_rows(pair: Pair) -> None:
    if pair.refused:
        with pytest.raises(InvalidArgument) as refusal:
            parse(pair.source, pair.dialect)
        assert pair.refused in str(refusal.value)
        return
    assert "; ".join(part.sql for part in transpile(pair.source, pair.dialect)) == pair.sql
    rows = answer(pair)
    assert (rows and pair.rows == ANY_ROWS) or rows == pair.rows


def answer(pair: Pair) -> tuple[str, ...]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for statement in pair.setup:
            connection.execute(statement)
        parameters = ast.literal_eval(f"[{pair.parameters}]") if pair.parameters else None
        rows = []
        for part in parse(pair.source, pair.dialect):
            assert part.parsed is not None
            rows = connection.execute(part.parsed, parameters).fetchall()
        return shown(connection.execute(pair.check).fetchall() if pair.check else rows)


def test_every_dialect_has_its_pairs() -> None:
    counts = Counter(pair.dialect for pair in PAIRS)
    assert set(counts) == set(DIALECTS) - {DUCKDB}
    often = [
        "trino",
        "hive",
        "spark",
        "impala",
        "phoenix",
        "mysql",
        "postgres",
        "snowflake",
        "bigquery",
    ]
    assert all(counts[dialect] >= 25 for dialect in often)
    assert min(counts.values()) >= 8


def test_titles_are_unique_within_a_file() -> None:
    assert max(Counter((pair.dialect, pair.title) for pair in PAIRS).values()) == 1
