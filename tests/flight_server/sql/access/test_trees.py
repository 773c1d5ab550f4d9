"""Which names of a tree are tables."""

import pytest
from sqlglot import exp, parse_one

from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.sql.access.trees import Walk, path_of
from flightkeeper.flight_server.sql.reading import sources, tree


def walked(text: str) -> Walk:
    walk = Walk()
    walk.query(parse_one(text, dialect="duckdb"))
    return walk


def test_a_cte_is_known_where_duckdb_knows_it() -> None:
    walk = walked(
        "WITH a AS (FROM b), b AS (FROM a) SELECT (WITH c AS (FROM a) FROM c), * FROM b, c"
    )
    assert [use.path for use in walk.tables] == [("b",), ("c",)]


def test_only_ascii_letters_fold() -> None:
    assert [use.path for use in walked("WITH \u00c4 AS (SELECT 1) FROM \u00e4").tables] == [
        ("\u00e4",)
    ]


def test_all_that_is_named_is_counted_as_written() -> None:
    walk = walked("WITH T AS (FROM u) SELECT * FROM T, s.T")
    assert sorted(walk.named) == [("", "", "T"), ("", "", "u"), ("", "s", "T")]


def test_functions_without_a_class_are_called() -> None:
    assert walked("SELECT My_Own(1), a.other()").called == {"my_own", "other"}


def test_columns_say_in_which_schema_their_table_is() -> None:
    text = "SELECT a, t.a, s . t.a, c.s.t.a FROM s.t"
    found = [(one.path, text[one.span.start : one.span.end]) for one in walked(text).prefixes]
    assert found == [(("s", "t"), "s . "), (("c", "s", "t"), "c.s.")]


def test_tables_in_another_state_cannot_be_replaced() -> None:
    assert walked("FROM t AT (VERSION => 1)").tables[0].span is None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM s.f(1)",
        "SELECT * FROM anything(1)",
        "SELECT * FROM t, LATERAL anything(1)",
        "SELECT * FROM a.b.c.d",
    ],
)
def test_what_is_no_plain_table_is_refused(text: str) -> None:
    with pytest.raises(PermissionDenied):
        walked(text)


def test_a_name_of_other_parts_is_refused() -> None:
    with pytest.raises(PermissionDenied):
        path_of(exp.Table(this=exp.Star()))


def test_what_tells_of_changes_is_a_use_of_its_table() -> None:
    text = "WITH t AS (SELECT 1) FROM S.Table_Changes('T', lower('1'), 2), LATERAL (FROM t)"
    (source,) = sources(text, "duckdb")
    walk = Walk(source.tokens)
    walk.query(tree(source))
    assert [use.path for use in walk.tables] == [("s", "t")]
    assert walk.feeds == [("", "S", "table_changes", "T")]
    for refused in (
        "FROM u, LATERAL table_changes('t', 1, 2)",
        "FROM a.b.c.table_changes('t', 1, 2)",
    ):
        with pytest.raises(PermissionDenied):
            walked(refused)
