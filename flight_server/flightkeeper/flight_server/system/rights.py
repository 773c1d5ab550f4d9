"""Who may see system tables and end what others do. The one place that decides it.

Superusers see and end all. Others see which nodes there are and what is their own, and may end
that. Where there are no grants, every login is a superuser's.
"""

import pyarrow as pa
import pyarrow.compute as pc

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.cluster.authorization import Rules
from flightkeeper.flight_server.system.tables import NODES, TABLES

_OWNER = "principal"
"""The column that says whose a row is."""


class Rights:
    """What callers may see and end. Thread-safe."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def administers(self, call: Call) -> bool:
        """Whether a caller may see and end statements and sessions of others.

        Raises:
            NodeError: that is not known, or the caller's account does not exist any more.
        """
        access = self._rules.access(call.identity.principal)
        return access is None or access.superuser

    def may_read(self, call: Call, table: str) -> bool:
        """Whether a caller may see a system table, or the own rows of it."""
        shared = table == NODES.name or _OWNER in TABLES[table].schema.names
        return shared or self.administers(call)

    def seen(self, call: Call, rows: pa.Table) -> pa.Table:
        """Of the rows of a table that a caller may read, those that the caller may see."""
        if _OWNER not in rows.schema.names or self.administers(call):
            return rows
        mine = pa.scalar(call.identity.principal)
        return rows.filter(pc.equal(rows.column(_OWNER), mine))
