"""Verdicts, and what is put into statements, without a node."""

import pytest

from flightkeeper.discovery.principals.model import Access, Grant, Privilege, Securable
from flightkeeper.flight_server.engine.named import builtin_functions
from flightkeeper.flight_server.engine.relations import Relation, Scope
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.sql.access.judging import Edit, Judge, edited
from flightkeeper.flight_server.sql.access.statements import uses
from flightkeeper.flight_server.sql.access.uses import Span

T = Securable(None, "main", "t")
ROWS = "a = 1"


def scope(*relations: Relation, catalogs: tuple[str, ...] = ("node", "temp", "system")) -> Scope:
    return Scope(
        own="node",
        catalog="node",
        schema="main",
        searched_catalogs=frozenset({"node", "temp", "system"}),
        searched_schemas=frozenset({"main"}),
        catalogs=frozenset(catalogs),
        relations=relations,
    )


OWN = Relation("node", "main", "T")


def run(text: str, *grants: Grant, where: Scope | None = None) -> str:
    (statement,) = parse(text)
    found = uses(statement.sql, statement.kind, builtin_functions())
    judge = Judge(Access(superuser=False, grants=grants), where or scope(OWN), lambda _: ["a", "b"])
    return edited(statement.sql, judge.edits(found))


def select(columns: frozenset[str] | None = None, rows: str | None = None) -> Grant:
    return Grant(Privilege.SELECT, T, columns, rows)


def test_edits_do_not_disturb_each_other() -> None:
    edits = [Edit(Span(0, 1), "xx"), Edit(Span(2, 2), "-"), Edit(Span(3, 4), "")]
    assert edited("abcd", edits) == "xxb-c"


def test_what_is_granted_whole_stays_as_it_is() -> None:
    assert run("SELECT * FROM t", select()) == "SELECT * FROM t"


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("FROM t", 'FROM (SELECT "a" FROM "node"."main"."T") AS "t"'),
        ("FROM main.T x", 'FROM (SELECT "a" FROM "node"."main"."T") x'),
        (
            "SELECT main.t.a, node.main.T.a, s.t.a, t.a FROM main.t",
            'SELECT t.a, T.a, s.t.a, t.a FROM (SELECT "a" FROM "node"."main"."T") AS "t"',
        ),
        ("FROM (DESCRIBE t)", 'FROM (DESCRIBE SELECT "a" FROM "node"."main"."T")'),
        ("DESCRIBE t", 'DESCRIBE SELECT "a" FROM "node"."main"."T"'),
    ],
)
def test_a_part_is_read_in_the_place_of_the_whole(text: str, runs: str) -> None:
    assert run(text, select(frozenset({"a"}))) == runs


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("DELETE FROM t", 'DELETE FROM t WHERE (("t".a = 1)) '),
        (
            "DELETE FROM t AS x WHERE b RETURNING a",
            (
                'DELETE FROM t AS x WHERE CASE WHEN (("x".a = 1)) AND (("x".a = 1)) THEN ( b '
                "\n) ELSE false END RETURNING a"
            ),
        ),
    ],
)
def test_a_change_is_held_to_the_rows_that_are_granted(text: str, runs: str) -> None:
    grants = select(rows=ROWS), Grant(Privilege.DELETE, T, rows=ROWS)
    assert run(text, *grants) == runs


@pytest.mark.parametrize(
    ("text", "grants"),
    [
        ("FROM t", ()),
        ("FROM nowhere", (select(),)),
        ("INSERT INTO t VALUES (1)", (select(),)),
        ("INSERT INTO t VALUES (1)", (Grant(Privilege.INSERT, T, rows=ROWS),)),
        ("INSERT INTO t VALUES (1) RETURNING a", (Grant(Privilege.INSERT, T),)),
        ("DELETE FROM t WHERE a", (Grant(Privilege.DELETE, T),)),
        ("DELETE FROM t WHERE a", (Grant(Privilege.DELETE, T), select(frozenset({"a"})))),
        ("UPDATE t SET a = 2", (Grant(Privilege.UPDATE, T, rows=ROWS),)),
        ("TRUNCATE t", (Grant(Privilege.DELETE, T, rows=ROWS),)),
        ("DROP TABLE t", (select(), Grant(Privilege.CREATE, Securable(None, "main")))),
        ("CREATE TABLE x (a INT)", (Grant(Privilege.CREATE, Securable(None, "other")),)),
        ("CREATE OR REPLACE TABLE t (a INT)", (Grant(Privilege.CREATE, Securable(None, "main")),)),
        ("CREATE SCHEMA s", (Grant(Privilege.CREATE, Securable(None, "main")),)),
        ("FROM t AT (VERSION => 1)", (select(rows=ROWS),)),
        ("SELECT 1; ".removesuffix("; ") + " FROM t", ()),
    ],
)
def test_what_is_missing_is_refused(text: str, grants: tuple[Grant, ...]) -> None:
    with pytest.raises(PermissionDenied, match="nothing was run"):
        run(text, *grants)


def test_what_a_name_may_mean_has_to_be_granted_all() -> None:
    elsewhere = Relation("other", "main", "t")
    both = scope(OWN, elsewhere)
    assert run("FROM t", select(), where=both) == "FROM t", "other is not searched"
    with pytest.raises(PermissionDenied):
        run("FROM other.t", select(), where=both)
    mine = scope(OWN, Relation("temp", "main", "t"))
    assert run("FROM t", select(), where=mine) == "FROM t"
    assert run("FROM temp.t", where=mine) == "FROM temp.t"
    with pytest.raises(PermissionDenied):
        run("FROM t", where=mine)
    with pytest.raises(PermissionDenied, match="write its catalog"):
        run("FROM t", select(rows=ROWS), where=mine)


def test_tables_are_made_where_that_is_granted() -> None:
    create = Grant(Privilege.CREATE, Securable(None, "main"))
    assert run("CREATE TABLE x (a INT)", create)
    assert run("CREATE TEMP TABLE x (a INT)")
    assert run("CREATE TABLE temp.x (a INT)")
    assert run("CREATE SCHEMA s", Grant(Privilege.CREATE, Securable(None)))
    with pytest.raises(PermissionDenied):
        run("CREATE TABLE other.x (a INT)", create, where=scope(catalogs=("node", "other")))


def test_duckdbs_own_tables_are_nobodys_to_grant() -> None:
    internal = scope(Relation("system", "main", "t", internal=True))
    everything = tuple(Grant(one, Securable("system")) for one in Privilege)
    for text in ("FROM t", "DELETE FROM t"):
        with pytest.raises(PermissionDenied):
            run(text, *everything, where=internal)
