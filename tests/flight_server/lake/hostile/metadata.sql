-- the lake's own catalog
-- Verdicts for reader, writer, owner and root: + it runs, D denied, I invalid, F failed, ~ not tried.
DDD+ FROM __ducklake_metadata_lake.ducklake_snapshot
DDD+ FROM __ducklake_metadata_lake.main.ducklake_table
DDD+ FROM __DUCKLAKE_METADATA_LAKE.ducklake_table
DDD+ FROM "__ducklake_metadata_lake"."ducklake_table"
DDDI FROM "__DuckLake_Metadata_Lake"."Main"."DuckLake_Table"
DDD+ FROM __ducklake_metadata_lake/**/./**/ducklake_table
DDD+ FROM __ducklake_metadata_lake -- .\n . ducklake_table
DDD+ TABLE __ducklake_metadata_lake.ducklake_table
DDD+ SELECT * FROM a: __ducklake_metadata_lake.ducklake_table
DDD+ WITH x AS (FROM __ducklake_metadata_lake.ducklake_table) FROM x
DDD+ SELECT (SELECT max(table_name) FROM __ducklake_metadata_lake.ducklake_table)
DDD+ DESCRIBE __ducklake_metadata_lake.ducklake_table
DDD+ SUMMARIZE __ducklake_metadata_lake.ducklake_snapshot
DDD+ EXPLAIN FROM __ducklake_metadata_lake.ducklake_table
DDD+ FROM query_table('__ducklake_metadata_lake.ducklake_table')
DDDI FROM '__ducklake_metadata_lake.ducklake_table'
DDDI FROM "__ducklake_metadata_lake.ducklake_table"
DDD+ FROM __ducklake_metadata_lake.flightkeeper_ledger
DDD+ SELECT lake.main.open_data.id FROM __ducklake_metadata_lake.ducklake_table AS open_data, lake.main.open_data
DDDI FROM query('FROM __ducklake_metadata_lake.ducklake_table')
DDDI FROM query('FROM __duck' || 'lake_metadata_lake.ducklake_table')
DDDI FROM query($$FROM "__ducklake_metadata_lake".ducklake_table$$)
DDDI DELETE FROM __ducklake_metadata_lake.ducklake_snapshot
DDDI DELETE FROM "__DUCKLAKE_metadata_lake".main.ducklake_snapshot WHERE x'41' IS NOT NULL
DDDI UPDATE __ducklake_metadata_lake.ducklake_table SET table_name = 'x'
DDDI INSERT INTO __ducklake_metadata_lake.flightkeeper_ledger VALUES ('x', 'x', 1, 1)
DDDI TRUNCATE __ducklake_metadata_lake.flightkeeper_ledger
DDDI MERGE INTO __ducklake_metadata_lake.ducklake_table t USING (SELECT 1) ON true WHEN MATCHED THEN DELETE
DDDI WITH x AS (SELECT 1) DELETE FROM __ducklake_metadata_lake.ducklake_snapshot
DDDI DROP TABLE __ducklake_metadata_lake.ducklake_snapshot
DDDI ALTER TABLE __ducklake_metadata_lake.ducklake_snapshot RENAME TO x
DDDI CREATE TABLE __ducklake_metadata_lake.mine (a INT)
DDDI CREATE OR REPLACE VIEW __ducklake_metadata_lake.mine AS SELECT 1
DDDI CREATE TABLE copied AS FROM __ducklake_metadata_lake.ducklake_table
DDDI CREATE TEMP TABLE copied AS FROM __ducklake_metadata_lake.ducklake_table
DDDI INSERT INTO entry SELECT 1, table_name FROM __ducklake_metadata_lake.ducklake_table
DDDI CREATE VIEW seen AS FROM __ducklake_metadata_lake.ducklake_table
DDDI CREATE MACRO seen() AS TABLE FROM __ducklake_metadata_lake.ducklake_table
DDDI CREATE SCHEMA __ducklake_metadata_lake
DDDI CREATE SCHEMA own.__ducklake_metadata_lake
DDDI CREATE TABLE lake.__ducklake_metadata_lake.ducklake_table (a INT)
DDDI EXPLAIN ANALYZE DELETE FROM __ducklake_metadata_lake.ducklake_snapshot
DDDI PREPARE p AS DELETE FROM __ducklake_metadata_lake.ducklake_snapshot
DDDI PREPARE p AS FROM __ducklake_metadata_lake.ducklake_snapshot
DDDI COPY __ducklake_metadata_lake.ducklake_table TO '{home}/out.csv'
DDDI COPY (FROM __ducklake_metadata_lake.ducklake_table) TO '{home}/out.csv'
DDDI COPY __ducklake_metadata_lake.ducklake_table FROM '{home}/canary.csv'
IIII COPY FROM DATABASE memory TO __ducklake_metadata_lake
DDDI COMMENT ON TABLE __ducklake_metadata_lake.ducklake_table IS 'x'
DDDI CHECKPOINT __ducklake_metadata_lake
DDDI ANALYZE __ducklake_metadata_lake.ducklake_table
DDDI VACUUM __ducklake_metadata_lake.ducklake_table
DDDI DETACH __ducklake_metadata_lake
DDDI DETACH DATABASE IF EXISTS "__ducklake_metadata_lake"
DDDI USE __ducklake_metadata_lake
DDDI USE "__ducklake_metadata_lake".main
IIII SET schema = '__ducklake_metadata_lake'
IIII SET schema = '__ducklake_metadata_lake.main'
IIII SET SESSION search_path = 'lake,__ducklake_metadata_lake'
DDDI SET search_path = '__duck' || 'lake_metadata_lake'
DDDI SET schema = getvariable('x')
DDDI PRAGMA search_path = '__ducklake_metadata_lake'
DDDI SELECT 1; USE __ducklake_metadata_lake; FROM ducklake_table
DDDI SELECT 1; DELETE FROM __ducklake_metadata_lake.ducklake_snapshot; SELECT 1
DDDI BEGIN; DELETE FROM __ducklake_metadata_lake.ducklake_snapshot; COMMIT
DDDI SELECT * FROM ducklake_table
DDDI SELECT * FROM main.ducklake_table
DDDI SELECT * FROM lake.main.ducklake_table
DDDI SELECT * FROM ducklake_inlined_data_1_1
