"""Which table it is whose changes a call tells, and calls of which that cannot be said."""

from collections.abc import Callable, Sequence

import pytest
from sqlglot import exp
from sqlglot.tokenizer_core import Token

from flightkeeper.discovery.principals.model import Privilege
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.sql.access.feeds import feed_of, newest_of
from flightkeeper.flight_server.sql.access.uses import TableUse
from flightkeeper.flight_server.sql.reading import sources, tree


def use(text: str, of: Callable[[exp.Table, Sequence[Token]], TableUse] = feed_of) -> TableUse:
    (source,) = sources(text, "duckdb")
    (call,) = (one for one in tree(source).find_all(exp.Table) if isinstance(one.this, exp.Func))
    return of(call, source.tokens)


@pytest.mark.parametrize(
    ("text", "path", "before"),
    [
        ("FROM table_changes('t', 1, 2)", ("t",), ""),
        ("FROM lake.table_changes('T', ?, $2)", ("lake", "t"), "lake."),
        ('FROM Lake . "s" . "table_changes" (\'we.ird "\'\'\', 1, 2) AS x', None, 'Lake . "s" . '),
        ("FROM u, s.table_changes('t', now() - INTERVAL 1 DAY, now())", ("s", "t"), "s."),
        ("FROM table_changes('t', 1::BIGINT, TIMESTAMP '2020-01-01')", ("t",), ""),
    ],
)
def test_a_plain_text_is_the_table(text: str, path: tuple[str, ...] | None, before: str) -> None:
    found = use(text)
    assert found.path == (path or ("lake", "s", "we.ird \"'"))
    assert found.needs == {Privilege.SELECT}
    assert found.span is not None
    assert text[found.span.start : found.span.end] == before
    assert found.feed
    assert found.past


@pytest.mark.parametrize(
    "text",
    [
        *(f"FROM lake.table_changes({name}, 1, 2)" for name in ("t", '"t"', "'t' || ''", "('t')")),
        *(f"FROM table_changes({name}, 1, 2)" for name in ("E't'", "$$t$$", "'t' 'u'", "$1", "?")),
        *(f"FROM table_changes({name}, 1, 2)" for name in ("'t'::TEXT", "NULL", "1", "lower('t')")),
        "FROM table_changes((SELECT 't'), 1, 2)",
        "FROM table_changes(table_name => 't', start_snapshot => 1, end_snapshot => 2)",
        "FROM table_changes('t', 1, table_name => 'u')",
        "FROM table_changes('t', 1, table_name := 'u')",
        "FROM table_changes('t', 1, table_name = 'u')",
        "FROM table_changes('t', (SELECT 1), 2)",
        "FROM v, table_changes('t', v.a, 2)",
        "FROM table_changes('t', 1, a)",
        "FROM table_changes('t', 1, *)",
        "FROM table_changes('t', 1)",
        "FROM table_changes('t', 1, 2, 3)",
        "FROM table_changes()",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(PermissionDenied, match="plain text"):
        use(text)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("FROM lake.current_snapshot()", "lake."),
        ('SELECT id FROM u, Lake . "main" . Current_Snapshot ( ) AS x', 'Lake . "main" . '),
        ("FROM current_snapshot()", ""),
    ],
)
def test_the_newest_version_is_of_no_table(text: str, before: str) -> None:
    found = use(text, newest_of)
    assert found.span is not None
    assert text[found.span.start : found.span.end] == before
    assert (found.feed, found.past, found.needs) == (True, False, frozenset())


@pytest.mark.parametrize(
    "text",
    [
        "FROM memory.current_snapshot()",
        "FROM memory.main.current_snapshot()",
        "FROM main.current_snapshot()",
        "FROM lake.s.current_snapshot()",
        "FROM lake.current_snapshot(1)",
        "FROM lake.current_snapshot((SELECT 1))",
    ],
)
def test_what_else_may_be_called_so_is_refused(text: str) -> None:
    with pytest.raises(PermissionDenied, match=r"lake\.current_snapshot\(\)"):
        use(text, newest_of)
