"""Where in a node's engine the cluster's tables are, so that a user's file is never written to.

A node whose own database is in memory has them there, and they are found by schema and name. A node
that serves a file has a database in memory beside it, under the name `cluster`.
"""

from dataclasses import dataclass

from flightkeeper.flight_server.engine.catalog import HIDDEN, dotted
from flightkeeper.flight_server.engine.connection import Connection

BESIDE = "cluster"
"""The database beside a file."""


@dataclass(frozen=True, slots=True)
class Home:
    """The catalog of the cluster's tables."""

    catalog: str

    def table(self, name: str) -> str:
        """A table or view in SQL.

        Args:
            name: `schema.table`.
        """
        return dotted((self.catalog, *name.split(".")))

    def schema(self, name: str) -> str:
        """The schema of a table in SQL."""
        return dotted((self.catalog, name.partition(".")[0]))

    def hidden(self, name: str) -> str:
        """Where the rows of a reference table are, in SQL."""
        return dotted((self.catalog, HIDDEN, name))


def home(connection: Connection, *, in_memory: bool) -> Home:
    """The home of the cluster's tables, made if need be.

    Args:
        connection: of the node's own database.
        in_memory: whether that is in memory.
    """
    if in_memory:
        ((catalog,),) = connection.rows("SELECT current_catalog()")
    else:
        catalog = BESIDE
        connection.command(f"ATTACH IF NOT EXISTS ':memory:' AS {BESIDE} (READ_WRITE)")
    connection.command(f"CREATE SCHEMA IF NOT EXISTS {dotted((catalog, HIDDEN))}")
    return Home(catalog)
