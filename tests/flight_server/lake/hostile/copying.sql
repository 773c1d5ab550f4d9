-- rows to files and from them
-- Verdicts for reader, writer, owner and root: + it runs, D denied, I invalid, F failed, ~ not tried.
DDDI COPY open_data TO '{home}/lake.sqlite'
DDDI COPY open_data TO '{home}/lake.sqlite-wal'
DDDI COPY (SELECT 1) TO '{home}/lake.sqlite.files/main/secret/x.parquet' (FORMAT parquet)
DDDI COPY open_data TO '{home}' (FORMAT parquet, PARTITION_BY (id), OVERWRITE)
DDDI EXPLAIN ANALYZE COPY open_data TO '{home}/lake.sqlite'
DDDI EXPORT DATABASE '{home}/lake.sqlite.files'
DDD~ COPY open_data TO '{home}/out.csv'
DDD~ COPY (SELECT 1) TO '{home}/out.csv'
DDD~ COPY (FROM secret) TO '{home}/out.parquet' (FORMAT parquet)
DDD~ COPY open_data TO '{home}/canary.csv'
DDD~ COPY entry FROM '{home}/canary.csv'
DDD~ COPY entry FROM '{home}/canary.parquet' (FORMAT parquet)
IIII COPY entry FROM STDIN
IIII COPY open_data TO STDOUT
IIII COPY open_data TO '/dev/stdout'; COPY open_data TO STDOUT
DDD~ EXPORT DATABASE '{home}/out'
IIII IMPORT DATABASE '{home}'
IIII SELECT 1; IMPORT DATABASE '{home}'
IIII PRAGMA import_database('{home}')
DDD~ EXPLAIN ANALYZE COPY open_data TO '{home}/out.csv'
DDD~ PREPARE c AS COPY open_data TO '{home}/out.csv'
DDD~ INSERT INTO entry SELECT 1, content FROM read_text('{home}/canary.csv')
DDD~ INSERT INTO entry FROM '{home}/canary.csv'
DDD~ CREATE TABLE own.mine AS FROM '{home}/canary.csv'
DDD~ CREATE TABLE own.mine AS SELECT * FROM read_csv('{home}/canary.csv')
DDD~ CREATE TEMP TABLE mine AS FROM read_text('{home}/canary.csv')
DDD~ UPDATE entry SET word = (SELECT content FROM read_text('{home}/canary.csv'))
