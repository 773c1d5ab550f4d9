"""DB-API 2.0 (PEP 249) on a service of many nodes.

>>> from flightkeeper.client import dbapi
>>> with dbapi.connect("flightsql+dir:///srv/registry") as connection:
...     with connection.cursor() as cursor:
...         cursor.execute("SELECT ? + 1", (41,)).fetchone()
(42,)

Beyond PEP 249: `Cursor.fetch_arrow_table`, `Cursor.fetch_record_batch` and `Cursor.cancel`, and
errors that say whether to try again. Procedures and several results of one statement there are not.
"""

from flightkeeper.client.dbapi.connection import Connection, connect
from flightkeeper.client.dbapi.cursor import Cursor
from flightkeeper.client.dbapi.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,  # noqa: A004  the name that PEP 249 gives it
    translating,
)
from flightkeeper.client.dbapi.types import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)

apilevel = "2.0"
threadsafety = 1
"""Threads may share the module; a connection is for one thread at a time, as a transaction is."""
paramstyle = "qmark"

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
    "translating",
]
