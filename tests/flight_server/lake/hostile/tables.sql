-- of the lake and of the node that are not granted
-- Verdicts for reader, writer, owner and root: + it runs, D denied, I invalid, F failed, ~ not tried.
DDD~ FROM secret
DDD~ FROM lake.secret
DDD~ FROM lake.main.secret
DDD~ FROM LAKE.MAIN.SECRET
DDD~ FROM "lake"."main"."secret"
DDD~ FROM secret AT (VERSION => 2)
DDD~ FROM lake.main.secret AT (TIMESTAMP => now())
DDD~ SELECT filename, rowid, snapshot_id FROM secret
DDD~ FROM memory.own_secret
DDD~ FROM memory.main.own_secret
DDD~ USE memory; FROM own_secret
DDD~ SET search_path = 'memory,lake'; FROM own_secret
DDD~ WITH open_data AS (FROM secret) FROM open_data
DDD~ WITH secret AS (FROM secret) FROM secret
DDD~ WITH RECURSIVE secret AS (SELECT id FROM secret UNION ALL SELECT 1 WHERE false) FROM secret
DDD~ WITH secret AS (SELECT 1 AS a) FROM main.secret
DDD~ WITH x AS MATERIALIZED (FROM secret) SELECT count(*) FROM x
DDD~ FROM (WITH secret AS (SELECT 1 AS a) FROM secret) x, secret
DDD~ FROM query('FROM secret')
DDD~ FROM query_table('secret')
DDD~ FROM query_table(['secret', 'open_data'])
DDD~ FROM words
DDD~ SELECT peek()
DDD~ FROM all_secrets()
DDD~ PREPARE p AS FROM secret
DDD~ EXECUTE p
DDD~ PREPARE p AS FROM secret; EXECUTE p
DDD~ EXPLAIN ANALYZE FROM secret
DDD~ EXPLAIN ANALYZE DELETE FROM secret
DDD~ SELECT 1; FROM secret
DDD~ SELECT 1 /* ; */; DELETE FROM secret
DDD~ SELECT '\\'; FROM secret
DDD~ SELECT $$ $$; FROM secret
III~ SELECT /* /* */ 1; FROM secret
DDD~ FROM\u00a0secret
DDD~ FROM\u3000secret
DDD~ FROM s\u0435cret
DDD~ FROM \uff53ecret
DDD~ SELECT * FROM secret\u0000
DDD~ DELETE FROM secret
DDD~ INSERT INTO secret VALUES (1, 'x')
DDD~ INSERT INTO open_data SELECT * FROM secret
DDD~ UPDATE entry SET word = (SELECT max(word) FROM secret)
DDD~ UPDATE secret SET word = ''
DDD~ DROP TABLE secret
DDD~ DROP SCHEMA own CASCADE
DDD~ ALTER TABLE secret RENAME TO open_secret
DDD~ ALTER TABLE secret SET PARTITIONED BY (id)
DDD~ CREATE OR REPLACE TABLE secret (a INT)
DDD~ CREATE TABLE own.mine AS FROM secret
DDD~ CREATE VIEW own.mine AS FROM secret
DDD~ CREATE VIEW own.mine AS FROM '{home}/canary.csv'
DDD~ CREATE OR REPLACE VIEW words AS SELECT 1
DDD~ CREATE MACRO own.mine() AS TABLE FROM secret
DDD~ CREATE OR REPLACE TEMP MACRO lower(a) AS (SELECT max(word) FROM secret)
DDD~ COMMENT ON TABLE secret IS 'x'
DDD~ GRANT ALL ON secret TO reader
DDD~ GRANT superuser TO reader
DDD~ CREATE USER eve PASSWORD 'x'
