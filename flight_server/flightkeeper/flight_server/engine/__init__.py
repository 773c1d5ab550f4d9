"""DuckDB behind one adapter; the only package that imports it."""
