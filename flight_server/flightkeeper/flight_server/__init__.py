"""The node: an Arrow Flight SQL server over DuckDB."""
