-- other databases, and the lake under another name
-- Verdicts for reader, writer, owner and root: + it runs, D denied, I invalid, F failed, ~ not tried.
DDDI ATTACH '{home}/lake.sqlite' AS other (TYPE sqlite)
DDDI ATTACH '{home}/lake.sqlite' AS other
DDDI ATTACH 'sqlite:{home}/lake.sqlite' AS other
DDDI ATTACH 'file:{home}/lake.sqlite?mode=rw' AS other (TYPE sqlite)
DDDI ATTACH '{home}/../{name}/lake.sqlite' AS other (TYPE sqlite)
DDDI ATTACH '{home}/link' AS other (TYPE sqlite)
DDDI ATTACH '{home}/lake.sqlite' AS other (TYPE sqlite, READ_ONLY false)
DDDI ATTACH 'ducklake:sqlite:{home}/lake.sqlite' AS other
DDDI ATTACH 'ducklake:sqlite:{home}/lake.sqlite' AS other (METADATA_CATALOG 'meta')
DDDI ATTACH 'ducklake:' AS other (METADATA_PATH '{home}/lake.sqlite', METADATA_PARAMETERS MAP {'TYPE': 'sqlite'})
DDDI ATTACH 'ducklake:{home}/x.ducklake' AS other (DATA_PATH '{home}/lake.sqlite.files')
DDDI ATTACH OR REPLACE ':memory:' AS lake
DDDI ATTACH OR REPLACE ':memory:' AS "LAKE"
DDDI ATTACH OR REPLACE '{home}/lake.db'
DDDI ATTACH IF NOT EXISTS '{home}/lake.db'
DDDI ATTACH ':memory:' AS __ducklake_metadata_lake
DDDI DETACH lake
DDDI DETACH DATABASE IF EXISTS "Lake"
DDDI ALTER DATABASE lake SET ALIAS TO pond
DDDI ALTER DATABASE IF EXISTS "lake" SET ALIAS TO pond
DDDI DETACH flightkeeper_lake
DDD~ ATTACH '{home}/canary.duckdb' AS other
DDD~ ATTACH '{home}/canary.sqlite' AS other (TYPE sqlite)
DDD~ ATTACH ':memory:' AS other
DDD~ ATTACH 'https://127.0.0.1:9/x.duckdb' AS other
DDD~ SELECT 1; ATTACH '{home}/canary.duckdb' AS other; FROM other.canary
DDD~ ATTACH '{home}/lake.sqlite' AS other (TYPE sqlite, READ_ONLY)
DDD~ DETACH memory
III~ COPY FROM DATABASE lake TO memory
