"""Who may see system tables and end what others do. The one place that decides it.

Every login of a users file is an administrator's.
"""

from flightkeeper.flight_server.call import Call


def administers(call: Call) -> bool:
    """Whether a caller may end statements and sessions of others."""
    del call
    return True


def may_read(call: Call, table: str) -> bool:
    """Whether a caller may see a system table."""
    del call, table
    return True
