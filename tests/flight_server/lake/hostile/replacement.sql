-- what is no table of SQL, under the name of one
-- Verdicts for reader, writer, owner and root: + it runs, D denied, I invalid, F failed, ~ not tried.
DDD~ FROM '{home}/canary.csv'
DDD~ FROM '{home}/canary.parquet'
DDD~ FROM '{home}/*.parquet'
DDD~ FROM "{home}/canary.csv"
DDD~ FROM '{home}/canary.csv' AS open_data
DDD~ FROM open_data, '{home}/canary.csv'
DDD~ SELECT * FROM open_data JOIN '{home}/canary.csv' ON true
DDD~ TABLE '{home}/canary.csv'
DDD~ DESCRIBE '{home}/canary.csv'
DDD~ SUMMARIZE '{home}/canary.csv'
DDD~ FROM '{home}/canary.duckdb'
DDD~ FROM 'file:{home}/canary.csv'
DDD~ FROM 's3://canary/canary.csv'
DDD~ FROM 'https://127.0.0.1:9/canary.csv'
DDDI FROM canary_table
DDDI FROM CANARY_TABLE
DDDI FROM "canary_table"
DDDI FROM canary_reader
DDDI FROM canary_local
DDDI SELECT word FROM canary_table
DDDI SELECT * FROM open_data, canary_table
DDDI WITH x AS (FROM canary_table) FROM x
DDDI FROM query_table('canary_table')
DDDI FROM query('FROM canary_table')
DDDI SELECT (SELECT max(word) FROM canary_table)
DDDI DESCRIBE canary_table
IIII SET python_enable_replacements = true
IIII SET GLOBAL python_scan_all_frames = true
IIII PRAGMA python_enable_replacements = true
IIII RESET python_enable_replacements
