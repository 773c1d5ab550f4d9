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


ORDERS = Relation("lake", "main", "Orders")
INSIDE = Relation("lake", "s", "t")
OF_ORDERS = Grant(Privilege.SELECT, Securable("lake", "main", "orders"))
OF_INSIDE = Grant(Privilege.SELECT, Securable("lake", "s", "t"))


def in_lake(*relations: Relation, catalog: str = "lake", schema: str = "main") -> Scope:
    return Scope(
        own="node",
        catalog=catalog,
        schema=schema,
        searched_catalogs=frozenset({"lake", "node", "temp", "system"}),
        searched_schemas=frozenset({"main", schema}),
        catalogs=frozenset({"lake", "node", "temp", "system"}),
        relations=relations or (ORDERS, INSIDE),
    )


@pytest.mark.parametrize(
    ("text", "where", "runs"),
    [
        ("FROM table_changes('orders', 1, 2)", in_lake(), 'FROM "lake"."main".table_changes('),
        (
            "FROM lake . table_changes('ORDERS', 1, 2) x",
            in_lake(catalog="node"),
            'FROM "lake"."main".table_changes(',
        ),
        ("FROM lake.table_changes('t', 1, 2)", in_lake(schema="s"), 'FROM "lake"."s".table_change'),
        ("FROM s.table_deletions('t', 1, 2)", in_lake(), 'FROM "lake"."s".table_deletions('),
        ("FROM lake.s.table_insertions('t', 1, 2)", in_lake(catalog="node"), 'FROM "lake"."s".tab'),
        (
            "CREATE TEMP TABLE c AS FROM lake.table_changes('orders', 1, 2)",
            in_lake(),
            'CREATE TEMP TABLE c AS FROM "lake"."main".table_changes(',
        ),
        ("FROM current_snapshot() x", in_lake(catalog="node"), "FROM lake.main.current_snapshot()"),
        ("FROM LAKE.current_snapshot()", in_lake(), "FROM lake.main.current_snapshot()"),
    ],
)
def test_changes_are_told_of_the_table_that_is_granted(text: str, where: Scope, runs: str) -> None:
    assert run(text, OF_ORDERS, OF_INSIDE, where=where).startswith(runs)


@pytest.mark.parametrize(
    ("text", "where", "grant"),
    [
        ("FROM lake.table_changes('orders', 1, 2)", in_lake(), OF_INSIDE),
        ("FROM lake.table_changes('orders', 1, 2)", in_lake(schema="s"), OF_ORDERS),
        ("FROM lake.s.table_changes('orders', 1, 2)", in_lake(), OF_ORDERS),
        ("FROM table_changes('orders', 1, 2)", in_lake(catalog="node"), OF_ORDERS),
        ("FROM main.table_changes('orders', 1, 2)", in_lake(catalog="node"), OF_ORDERS),
        ("FROM node.main.table_changes('orders', 1, 2)", in_lake(), OF_ORDERS),
        ("FROM lake.table_changes('t', 1, 2)", in_lake(), OF_INSIDE),
        ("FROM lake.table_changes('nowhere', 1, 2)", in_lake(), OF_ORDERS),
        ("FROM lake.table_changes('main.orders', 1, 2)", in_lake(), OF_ORDERS),
        ("FROM lake.table_changes('orders', 1, 2), lake.s.t", in_lake(), OF_ORDERS),
        (
            "FROM lake.table_changes('orders', 1, 2)",
            in_lake(),
            Grant(Privilege.SELECT, OF_ORDERS.on, frozenset({"a"})),
        ),
        (
            "FROM lake.table_changes('orders', 1, 2)",
            in_lake(),
            Grant(Privilege.SELECT, OF_ORDERS.on, rows=ROWS),
        ),
        ("INSERT INTO s.t FROM table_changes('orders', 1, 2)", in_lake(), OF_ORDERS),
        ("WITH orders AS (SELECT 1) FROM table_changes('orders', 1, 2)", in_lake(), OF_INSIDE),
    ],
)
def test_changes_of_other_tables_are_refused(text: str, where: Scope, grant: Grant) -> None:
    with pytest.raises(PermissionDenied, match="nothing was run"):
        run(text, grant, where=where)


def test_the_past_is_asked_about_by_name() -> None:
    def past(text: str) -> list[tuple[str, ...]]:
        (statement,) = parse(text)
        found = uses(statement.sql, statement.kind, builtin_functions())
        return Judge(Access(superuser=False, grants=()), in_lake(schema="s"), lambda _: ()).past(
            found
        )

    older = "FROM t AT (VERSION => 1), t, lake.main.Orders AT (TIMESTAMP => now())"
    assert sorted(past(older)) == [("lake", "main", "orders"), ("t",)]
    assert past("CREATE TEMP TABLE x AS FROM lake.table_changes('t', 1, 2)") == [("lake", "s", "t")]


def test_older_versions_are_those_of_the_lake() -> None:
    older = "FROM orders AT (VERSION => 1)"
    assert run(older, OF_ORDERS, where=in_lake()) == older
    for text in ("FROM t AT (VERSION => 1)", "FROM node.main.t AT (VERSION => 1)"):
        with pytest.raises(PermissionDenied, match="of the catalog lake alone"):
            run(text, select())


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        (
            "SELECT filename FROM orders",
            'SELECT filename FROM (SELECT "a", "b" FROM "lake"."main"."Orders") AS "orders"',
        ),
        (
            "SELECT a FROM orders o WHERE o.FileName LIKE '/%'",
            (
                'SELECT a FROM (SELECT "a", "b" FROM "lake"."main"."Orders") o '
                "WHERE o.FileName LIKE '/%'"
            ),
        ),
        ("SELECT a AS filename FROM orders", "SELECT a AS filename FROM orders"),
    ],
)
def test_nobody_reads_where_files_are(text: str, runs: str) -> None:
    assert run(text, OF_ORDERS, where=in_lake()) == runs


def test_where_files_are_is_refused_where_it_cannot_be_hidden() -> None:
    everything = tuple(Grant(one, OF_ORDERS.on) for one in Privilege)
    for text in (
        "SELECT filename FROM orders AT (VERSION => 1)",
        "UPDATE orders SET a = filename",
        "DELETE FROM orders WHERE filename LIKE '/a%'",
    ):
        with pytest.raises(PermissionDenied, match="in which file"):
            run(text, *everything, where=in_lake())
    mine = scope(Relation("temp", "main", "t"))
    assert run("UPDATE t SET a = filename", where=mine) == "UPDATE t SET a = filename"


def test_duckdbs_own_tables_are_nobodys_to_grant() -> None:
    internal = scope(Relation("system", "main", "t", internal=True))
    everything = tuple(Grant(one, Securable("system")) for one in Privilege)
    for text in ("FROM t", "DELETE FROM t"):
        with pytest.raises(PermissionDenied):
            run(text, *everything, where=internal)
