"""What a statement writes to."""

import pytest

from flightkeeper.flight_server.engine.statement import parse


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
        ("SET threads = 1", ""),
    ],
)
def test_what_it_writes_to(text: str, target: str) -> None:
    assert ".".join(parse(text)[0].target) == target
