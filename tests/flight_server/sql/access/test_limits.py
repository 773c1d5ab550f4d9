"""Row filters and column limits as SQL, run on DuckDB."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightkeeper.discovery.principals.model import Grant, Privilege, Securable
from flightkeeper.flight_server.engine.named import builtin_functions
from flightkeeper.flight_server.errors import InvalidArgument, PermissionDenied
from flightkeeper.flight_server.sql.access import limits

T = Securable(None, "main", "t")


def grant(columns: str | None, rows: str | None) -> Grant:
    return Grant(Privilege.SELECT, T, None if columns is None else frozenset(columns), rows)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a > 1", "a > 1"),
        ("a IN (1, 2) -- all", "a IN (1, 2)"),
        ("lower(b) = 'x' OR b IS NULL", "LOWER(b) = 'x' OR b IS NULL"),
    ],
)
def test_a_filter_is_kept_as_one_condition(text: str, kept: str) -> None:
    assert limits.filter_of(text, builtin_functions()) == kept


@pytest.mark.parametrize(
    "text",
    [
        "a IN (SELECT 1)",
        "EXISTS (FROM secret)",
        "sum(a) > 1",
        "t.a > 1",
        "a > ?",
        "a > $1",
        "true; DROP TABLE t",
        "true LIMIT 1",
        "true AS x",
        "true FROM secret",
        "a, b",
        "*",
        "row_number() OVER () = 1",
        "a >",
        "true) OR (true",
    ],
)
def test_what_is_no_condition_over_the_table_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        limits.filter_of(text, builtin_functions())


@pytest.mark.parametrize("text", ["nextval('s') > 1", "mine(a)", "current_setting('a') = a"])
def test_filters_call_only_what_is_harmless(text: str) -> None:
    with pytest.raises(PermissionDenied):
        limits.filter_of(text, builtin_functions())


def test_a_filter_knows_its_columns_and_takes_a_table() -> None:
    assert limits.filter_columns('A > 1 AND "B c" = 2') == {"a", "b c"}
    assert limits.qualified("a > 1 AND lower(b) = 'a'", 'x"y') == (
        '"x""y".a > 1 AND LOWER("x""y".b) = \'a\''
    )


def test_all_of_a_table_needs_no_query() -> None:
    assert limits.unlimited([grant("a", None), grant(None, None)])
    assert not limits.unlimited([grant("a", None), grant(None, "a > 1")])
    assert limits.visible([grant("z", None)], "t", ["a"]) is None


COLUMNS = "abc"
grants_ = st.lists(
    st.builds(
        grant,
        st.none() | st.text(alphabet=COLUMNS, min_size=1, max_size=3),
        st.none() | st.sampled_from(["a = 1", "b = 1", "c = 1"]),
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=60)
@given(grants_)
def test_a_value_is_shown_exactly_if_a_grant_covers_it(grants: list[Grant]) -> None:
    rows = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (a INT, b INT, c INT)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        query = limits.visible(grants, "t", COLUMNS)
        assert query is not None
        answer = connection.execute(query)
        names = [column[0] for column in answer.description]
        found = sorted(answer.fetchall(), key=str)
    covered = [
        name for name in COLUMNS if any(g.columns is None or name in g.columns for g in grants)
    ]
    assert names == covered

    def lets(one: Grant, row: tuple[int, ...]) -> bool:
        return one.rows is None or row[COLUMNS.index(one.rows[0])] == 1

    expected = []
    for row in rows:
        letting = [one for one in grants if lets(one, row)]
        if letting:
            expected.append(
                tuple(
                    row[COLUMNS.index(name)]
                    if any(one.columns is None or name in one.columns for one in letting)
                    else None
                    for name in covered
                )
            )
    assert found == sorted(expected, key=str)
