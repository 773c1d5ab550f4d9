"""The names of the SQL dialects a client may write in; `docs/dialects.md` says what each covers.

Names only: nothing here imports what translates.
"""

DUCKDB = "duckdb"
DIALECTS = (
    "athena",
    "bigquery",
    "clickhouse",
    "databricks",
    DUCKDB,
    "hive",
    "impala",
    "mysql",
    "oracle",
    "phoenix",
    "postgres",
    "presto",
    "redshift",
    "snowflake",
    "spark",
    "sqlite",
    "trino",
    "tsql",
)
