"""What a statement writes to."""

import pytest

from flightkeeper.flight_server.engine.statement import Shape, parse


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("INSERT INTO t VALUES (1)", "t"),
        ("INSERT OR REPLACE INTO geo.countries BY NAME SELECT 1 AS a", "geo.countries"),
        ('insert into "Geo"."Coun""tries" (a, b) values (1, 2)', 'geo.coun"tries'),
        ("INSERT INTO memory.geo.countries SELECT * FROM t RETURNING a", "memory.geo.countries"),
        ("WITH c AS (SELECT * FROM u) INSERT INTO t FROM c", "t"),
        ("UPDATE geo.countries SET a = 1 FROM u WHERE true", "geo.countries"),
        ("DELETE FROM geo.countries USING u WHERE true", "geo.countries"),
        ("TRUNCATE geo.countries", "geo.countries"),
        ("TRUNCATE TABLE t", "t"),
        ("MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", "t"),
        ("CREATE TABLE t (a INT)", "t"),
        ("CREATE OR REPLACE TEMP TABLE t AS SELECT 1", "t"),
        ("CREATE TABLE IF NOT EXISTS s.t (a INT)", "s.t"),
        ("CREATE VIEW s.v AS SELECT 1", "s.v"),
        ("CREATE MACRO s.m(a) AS a + 1", "s.m"),
        ("CREATE UNIQUE INDEX i ON s.t (a)", "s.t"),
        ("DROP TABLE IF EXISTS s.t", "s.t"),
        ("DROP VIEW s.v", "s.v"),
        ("ALTER TABLE IF EXISTS s.t ADD COLUMN b INT", "s.t"),
        ("COPY t FROM 'f.csv'", "t"),
        ("COPY s.t (a, b) FROM 'f.csv'", "s.t"),
        ("COPY t TO 'f.csv'", ""),
        ("COPY (SELECT 1) TO 'f.csv'", ""),
        ("SELECT 1", ""),
        ("EXPLAIN ANALYZE INSERT INTO t VALUES (1)", "t"),
        ("PREPARE p AS DELETE FROM s.t", "s.t"),
        ("COMMENT ON VIEW s.v IS 'x'", "s.v"),
        ("COMMENT ON COLUMN s.v.a IS 'x'", "s.v.a"),
        ("EXPLAIN SELECT 1", ""),
        ("INSERT INTO type VALUES (1)", "type"),
        ("INSERT OR IGNORE INTO ignore VALUES (1)", "ignore"),
        ("INSERT INTO replace SELECT 1", "replace"),
        ("UPDATE temp SET a = 1", "temp"),
        ("DELETE FROM view", "view"),
        ("MERGE INTO type USING u ON type.a = u.a WHEN MATCHED THEN DELETE", "type"),
        ("TRUNCATE type", "type"),
        ("CREATE TABLE schema (a INT)", "schema"),
        ("CREATE TABLE if (a INT)", "if"),
        ("CREATE TABLE IF NOT EXISTS type.index (a INT)", "type.index"),
        ("CREATE OR REPLACE TEMP MACRO type(a) AS a", "type"),
        ("CREATE INDEX index ON macro (a)", "macro"),
        ("CREATE TYPE type AS ENUM ('a')", "type"),
        ("CREATE SEQUENCE sequence", "sequence"),
        ("DROP TABLE type", "type"),
        ("DROP VIEW IF EXISTS if", "if"),
        ("DROP MACRO TABLE function", "function"),
        ("ALTER TABLE macro ADD COLUMN b INT", "macro"),
        ("WITH insert AS (SELECT 1) INSERT INTO t FROM insert", "t"),
        ("WITH type AS (SELECT 1 AS a) UPDATE local SET a = 1 FROM type", "local"),
        ("PREPARE update AS DELETE FROM s.type", "s.type"),
        ("SET threads = 1", ""),
    ],
)
def test_what_it_writes_to(text: str, target: str) -> None:
    assert ".".join(parse(text)[0].target) == target


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("CREATE TABLE t AS SELECT 1 AS a", True),
        ("CREATE TEMP TABLE IF NOT EXISTS s.t (a, b) AS FROM u", True),
        ("CREATE TABLE t (a INT, b INT AS (a + 1))", False),
        ("CREATE TABLE t (a INT)", False),
        ('CREATE VIEW "table" AS SELECT 1 AS a', False),
        ("CREATE MACRO m(a) AS TABLE SELECT a", False),
    ],
)
def test_a_table_made_of_rows_counts_them(text: str, *, counted: bool) -> None:
    (statement,) = parse(text)
    assert statement.shape is (Shape.COUNT if counted else Shape.NOTHING)
