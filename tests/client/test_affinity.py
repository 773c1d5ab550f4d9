"""The key of a statement: what it reads, as far as its text shows."""

import time

import pytest

from flightkeeper.client.affinity import SCANNED_MAX, key_of


@pytest.mark.parametrize(
    ("sql", "key"),
    [
        ("SELECT 1", ""),
        ("SELECT 'a'", ""),
        ("VALUES ('x')", ""),
        ("FROM sales", "sales"),
        ("SELECT * FROM shop.sales s WHERE id = 7 LIMIT 10", "shop.sales"),
        ('select sum(x) from "Shop"."Sales"', "shop.sales"),
        ("SELECT * FROM b JOIN a USING (id)", "a\nb"),
        ("SELECT * FROM sales WHERE day = DATE '2026-11-01'", "sales\n'2026-11-01'"),
        ("SELECT * FROM sales WHERE day IN ('b', 'a', 'b')", "sales\n'a'\n'b'"),
        ("FROM 's3://bucket/day=1/*.parquet'", "'s3://bucket/day=1/*.parquet'"),
        ("SELECT * FROM read_parquet('x.parquet')", "'x.parquet'"),
        ("SELECT sum(range) FROM range(1000)", ""),
        ("SELECT * FROM range (9) JOIN sales ON true", "sales"),
        ("SELECT * FROM sales -- FROM returns\n", "sales"),
        ("SELECT * FROM /* from returns */ sales", "sales"),
        ("SELECT 'it''s FROM here' FROM sales", "sales\n'it''s FROM here'"),
    ],
)
def test_key(sql: str, key: str) -> None:
    assert key_of(sql) == key


def test_the_form_does_not_matter() -> None:
    assert key_of("SELECT a FROM t WHERE d='x'") == key_of(
        "select  b\nfrom T where d = 'x' and n>3"
    )


def test_ids_do_not_scatter_statements() -> None:
    assert key_of("SELECT * FROM t WHERE id = 17") == key_of("SELECT * FROM t WHERE id = 18")


@pytest.mark.parametrize("text", ["from a.", 'from "', "from '", "'", "/*", "from " + "a." * 99])
def test_no_text_takes_long(text: str) -> None:
    started = time.perf_counter()
    key_of(text * SCANNED_MAX)
    assert time.perf_counter() - started < 0.2
