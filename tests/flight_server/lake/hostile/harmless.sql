-- what only looks hostile; in order, for each role
-- Verdicts for reader, writer, owner and root: + it runs, D denied, I invalid, F failed, ~ not tried.
+D++ SELECT 'FROM __ducklake_metadata_lake.ducklake_table' AS said FROM open_data
++++ SELECT 'read_csv(''/etc/passwd'')'
++++ SELECT 'ATTACH ''x'' AS lake; DETACH lake'
++++ SELECT 1 -- FROM secret
++++ SELECT /* COPY secret TO 'x' */ 1
++++ SELECT $$ FROM query('FROM secret') $$
++++ SELECT 'query(''FROM secret'')' AS "query"
D+D+ INSERT INTO entry VALUES (1, '__ducklake_metadata_lake.ducklake_snapshot')
D+D+ INSERT INTO entry VALUES (2, 'CALL ducklake_cleanup_old_files(''lake'', cleanup_all => true)')
D+D+ INSERT INTO entry (word) VALUES ('IMPORT DATABASE ''x''; IMPORT DATABASE ''y''')
D+D+ INSERT INTO entry VALUES (3, $$DETACH lake; ATTACH 'x' AS lake$$)
D+D+ INSERT INTO lake.main.entry VALUES (4, 'SET schema = ''__ducklake_metadata_lake''')
D+D+ UPDATE entry SET word = 'sqlite_query(''__ducklake_metadata_lake'', ''DROP'')'
D+D+ UPDATE entry SET word = E'query(\\x27FROM secret\\x27)'
++++ WITH secret AS (SELECT 1 AS a) FROM secret
++++ WITH canary_table AS (SELECT 1 AS a) FROM canary_table
+D++ SELECT open_data.id AS secret FROM open_data
+D++ SELECT id AS "read_csv" FROM open_data
+D++ SELECT id AS attach, name AS detach FROM open_data
+D++ SELECT o.* FROM lake.main.open_data AS o
+D++ FROM "LAKE"."main"."Open_Data"
+D++ FROM open_data AT (VERSION => 9)
+D++ FROM lake.table_changes('open_data', 0, 3)
+D++ FROM table_insertions('Open_Data', 0, 3)
+D++ FROM lake.main.table_deletions('open_data', 1, 3) AS "secret"
+D++ FROM "Lake" . main . "table_changes" ('open_data', TIMESTAMP '2020-01-01', now())
+D++ WITH open_data AS (SELECT 1 AS a) FROM lake.table_changes('open_data', 0, 3)
+D++ SELECT 'secret' AS table_changes FROM lake.table_changes('open_data', 0, 3 /* , 'secret' */)
+D++ DESCRIBE FROM lake.table_changes('open_data', 0, 3)
+D++ EXPLAIN ANALYZE FROM lake.table_changes('open_data', 0, 3)
++++ SELECT 'FROM lake.table_changes(''secret'', 0, 3)'
++++ WITH table_changes AS (SELECT 1 AS a) FROM table_changes
+D++ SELECT name AS filename, 'filename' FROM open_data
+D++ SELECT id FROM open_data AS filename
++++ SELECT filename FROM (VALUES (1)) AS v(filename)
+D++ SELECT id FROM open_data WHERE hash(parse_filename(open_data.filename)) % 2 < 2
+D++ DESCRIBE open_data
+D++ SUMMARIZE open_data
+D++ EXPLAIN FROM open_data
+D++ EXPLAIN ANALYZE FROM open_data
+D++ SELECT name FROM open_data WHERE name <> '__ducklake_metadata_lake'
++++ SELECT list_transform([1], x -> x + 1), {'query': 1}.query, lower('ATTACH')
++++ SHOW TABLES
++++ SELECT * FROM duckdb_tables()
++++ SELECT * FROM information_schema.columns
++++ SELECT current_setting('TimeZone')
++++ SET TimeZone = 'UTC'
++++ RESET TimeZone
++++ SET search_path = 'lake'
++++ SET schema = 'lake.main'
++++ USE lake
++++ USE lake.main
++++ BEGIN; SELECT 1; COMMIT
++++ CREATE OR REPLACE TEMP TABLE detach AS SELECT 1 AS query; FROM temp.detach; DROP TABLE temp.detach
DD+~ CREATE TABLE own.set_option (a INT, query INT)
DD++ INSERT INTO own.set_option (a) VALUES (1)
DD++ SELECT query FROM own.set_option
DD+~ CREATE TABLE own.copied AS FROM open_data
DD+~ ALTER TABLE own.copied ADD COLUMN attach INT
DD++ UPDATE own.copied SET attach = 1
DD++ DELETE FROM own.copied WHERE name = 'DETACH lake'
DD++ TRUNCATE own.copied
DD+~ DROP TABLE own.copied
DDD+ ATTACH ':memory:' AS other
DDD+ CREATE TABLE other.lake (lake INT)
DDD+ ALTER DATABASE other SET ALIAS TO another
DDD+ DETACH another
DDD+ ATTACH '{home}/lake.sqlite' AS looked (TYPE sqlite, READ_ONLY)
DDD+ SELECT count(*) FROM looked.ducklake_snapshot
DDD+ DETACH looked
DDD+ FROM sqlite_scan('{home}/lake.sqlite', 'ducklake_snapshot')
DDD+ COPY open_data TO '{home}/copied.csv'
DDD+ FROM '{home}/copied.csv'
++++ FROM lake.current_snapshot()
++++ FROM current_snapshot()
++++ SELECT v.id + 1 FROM Lake . "main" . "Current_Snapshot" ( /* of it */ ) AS v
++++ DESCRIBE FROM lake.current_snapshot()
++++ EXPLAIN ANALYZE FROM lake.current_snapshot()
++++ USE memory; FROM current_snapshot()
++++ CREATE OR REPLACE TEMP TABLE newest AS FROM lake.current_snapshot(); FROM temp.newest; DROP TABLE temp.newest
+D++ SELECT name FROM open_data WHERE (SELECT id FROM lake.current_snapshot()) > 0
DDD+ FROM lake.snapshots()
DDD+ CREATE VIEW asked AS SELECT 1 AS cleanup_all
DDD+ SELECT cleanup_all FROM asked
DDD+ SET VARIABLE y = '__ducklake_metadata_lake'
DDD+ PREPARE q AS SELECT 'DETACH lake'
DDD+ COMMENT ON TABLE open_data IS '__ducklake_metadata_lake'
DDD+ CREATE MACRO plain(a) AS a || 'query('
DDD+ FROM query('SELECT 1')
