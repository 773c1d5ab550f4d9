"""Membership and agreement of a cluster; knows nothing of Flight, DuckDB or SQL."""
