-- extensions, secrets and settings
-- Verdicts for reader, writer, owner and root: + it runs, D denied, I invalid, F failed, ~ not tried.
DDD~ INSTALL httpfs
DDD~ INSTALL '{home}/canary.duckdb_extension'
DDD~ FORCE INSTALL httpfs FROM community
DDD~ LOAD httpfs
DDD~ LOAD '{home}/canary.duckdb_extension'
DDD~ UPDATE EXTENSIONS
DDD~ CREATE SECRET mine (TYPE s3, KEY_ID 'a', SECRET 'b')
DDD~ CREATE OR REPLACE SECRET flightkeeper_lake (TYPE postgres, HOST 'elsewhere')
DDD~ CREATE PERSISTENT SECRET mine (TYPE s3)
DDD~ DROP SECRET flightkeeper_lake
DDD+ FROM duckdb_secrets()
DDD+ FROM duckdb_secrets(redact => true)
DDDI FROM duckdb_secrets(redact => false)
DDD+ SELECT * FROM which_secret('s3://bucket/x', 's3')
DDD~ SELECT getenv('HOSTILE_CANARY')
DDD~ FROM duckdb_settings()
DDD~ FROM duckdb_extensions()
DDD~ FROM duckdb_functions()
DDD~ FROM duckdb_logs
DDD~ FROM duckdb_temporary_files()
DDD~ FROM duckdb_memory()
DDD~ FROM duckdb_variables()
DDD~ FROM duckdb_prepared_statements()
DDD~ SELECT current_setting('temp_directory')
DDD~ SELECT current_setting('secret_directory')
DDDI SET GLOBAL profiling_output = '{home}/lake.sqlite'
DDD~ SET profiling_output = '{home}/out.json'
DDD~ PRAGMA enable_profiling = 'json'
DDD~ PRAGMA profiling_output = '{home}/out.json'
DDD~ SET enable_external_access = true
DDD~ SET GLOBAL enable_external_access = false
DDD~ SET allow_unredacted_secrets = true
DDD~ SET allow_community_extensions = true
DDD~ SET autoinstall_known_extensions = true
DDD~ SET extension_directory = '{home}'
DDD~ SET secret_directory = '{home}'
DDD~ SET home_directory = '{home}'
DDD~ SET temp_directory = '{home}'
DDD~ SET allowed_paths = ['{home}']
DDD~ SET lock_configuration = true
DDD~ SET GLOBAL ducklake_max_retry_count = 0
DDD~ SET GLOBAL threads = 1
DDD~ SET threads = 1
DDD~ SET memory_limit = '1MB'
DDD~ SET enable_logging = true
DDD~ CALL enable_logging()
DDD~ SET pg_debug_show_queries = true
DDD~ RESET GLOBAL memory_limit
DDD~ SET VARIABLE x = (SELECT max(word) FROM secret)
DDD~ SET VARIABLE x = '__ducklake_metadata_lake'
DDD~ PRAGMA database_list
DDD~ PRAGMA show_tables
DDD~ PRAGMA storage_info('secret')
DDD~ PRAGMA table_info('secret')
III~ PRAGMA json_execute_serialized_sql('x')
DDD~ PRAGMA version
DDD~ CALL pragma_version()
DDD~ FROM pragma_database_list()
DDD~ FROM pragma_storage_info('secret')
DDDI CHECKPOINT
DDDI CHECKPOINT lake
DDD~ FORCE CHECKPOINT memory
