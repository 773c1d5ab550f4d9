"""The dialect: what SQLAlchemy has to know of a service, and its way to it.

Owns one connection of the client for all connections of an engine, from the first that is opened
to the last that is closed: one watch of the registry, one list of nodes, one set of channels.
"""

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import URL, Connection, default
from sqlalchemy.engine.interfaces import ConnectArgsType

from flightkeeper.client import connection as native
from flightkeeper.client import dbapi
from flightkeeper.client.sqlalchemy.compilers import (
    Compiler,
    DdlCompiler,
    ExecutionContext,
    IdentifierPreparer,
    TypeCompiler,
)
from flightkeeper.client.sqlalchemy.reflection import Reflection
from flightkeeper.client.sqlalchemy.types import COLUMN_TYPES
from flightkeeper.client.sqlalchemy.urls import connect_arguments

AUTOCOMMIT = "AUTOCOMMIT"
SNAPSHOT = "SNAPSHOT"
"""DuckDB's only level: a transaction sees what was committed when it began, and its own changes."""

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


@dataclass(slots=True)
class _Shared:
    """A connection of the client, and how many of SQLAlchemy's speak through it."""

    client: native.Connection
    process_id: int
    users: int = 0


class FlightkeeperDialect(Reflection, default.DefaultDialect):
    """`flightkeeper://` and its forms."""

    name = "flightkeeper"
    driver = "flightsql"
    supports_statement_cache = True

    execution_ctx_cls = ExecutionContext
    statement_compiler = Compiler
    ddl_compiler = DdlCompiler
    type_compiler_cls = TypeCompiler
    preparer = IdentifierPreparer
    colspecs = COLUMN_TYPES

    max_identifier_length = 255
    default_paramstyle = "qmark"
    div_is_floordiv = False

    supports_alter = True
    supports_comments = True
    inline_comments = False
    supports_default_values = True
    supports_empty_insert = False
    supports_multivalues_insert = True
    use_insertmanyvalues = True
    insert_returning = True
    update_returning = True
    delete_returning = True
    favor_returning_over_lastrowid = True
    postfetch_lastrowid = False
    supports_native_boolean = True
    supports_native_decimal = True
    supports_native_uuid = True
    supports_native_enum = False
    supports_sane_rowcount = True
    supports_sane_multi_rowcount = True
    supports_schemas = True
    supports_sequences = True
    sequences_optional = False
    supports_views = True

    _backslash_escapes = False

    def __init__(
        self,
        json_serializer: Callable[[Any], str] | None = None,
        json_deserializer: Callable[[str], Any] | None = None,
        **kw: Any,
    ) -> None:
        """The arguments of `create_engine`, of which two are for values of type JSON."""
        super().__init__(**kw)
        self._json_serializer = json_serializer
        self._json_deserializer = json_deserializer
        # Guards what is shared. Held while connecting: others wait for that connection.
        self._lock = threading.Lock()
        self._shared: _Shared | None = None

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """The client's own module."""
        return dbapi

    def create_connect_args(self, url: URL) -> ConnectArgsType:
        """What `connect` is given."""
        address, arguments = connect_arguments(url)
        return (address,), arguments

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """A connection of the DB-API; all of an engine's share one connection of the client."""
        options = cparams.pop("options", None)
        autocommit = cparams.pop("autocommit", False)
        with dbapi.translating():
            shared = self._lend(*cargs, **cparams)
        give_back = partial(self._give_back, shared)
        return dbapi.Connection(
            shared.client, autocommit=autocommit, options=options, on_close=give_back
        )

    def _lend(self, *cargs: Any, **cparams: Any) -> "_Shared":
        with self._lock:
            # In a forked child the connection is the parent's, and does not work.
            if self._shared is None or self._shared.process_id != os.getpid():
                self._shared = _Shared(native.connect(*cargs, **cparams), os.getpid())
            self._shared.users += 1
            return self._shared

    def _give_back(self, shared: "_Shared") -> None:
        with self._lock:
            shared.users -= 1
            if shared.users:
                return
            if self._shared is shared:
                self._shared = None
        shared.client.close()

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Whether a statement gets an answer; outside of any transaction, so on any node."""
        with dbapi.translating():
            dbapi_connection.client.query("SELECT 1").read_all()
        return True

    def is_disconnect(self, e: Exception, connection: Any, cursor: Any) -> bool:
        """Whether what the connection held is gone with its node."""
        del connection, cursor
        return isinstance(e, dbapi.Error) and e.connection_lost

    def get_isolation_level_values(self, dbapi_connection: Any) -> Any:
        """What `isolation_level` can be."""
        del dbapi_connection
        return [SNAPSHOT, AUTOCOMMIT]

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        """What it is."""
        return AUTOCOMMIT if dbapi_connection.autocommit else SNAPSHOT

    def get_default_isolation_level(self, dbapi_connection: Any) -> Any:
        """What it is when nobody has set it."""
        return self.get_isolation_level(dbapi_connection)

    def set_isolation_level(self, dbapi_connection: Any, level: str) -> None:
        """Whether there are transactions at all."""
        dbapi_connection.autocommit = level == AUTOCOMMIT

    def detect_autocommit_setting(self, dbapi_conn: Any) -> bool:
        """Whether every statement takes effect by itself."""
        return bool(dbapi_conn.autocommit)

    def _get_default_schema_name(self, connection: Connection) -> str:
        return str(connection.scalar(text("SELECT current_schema()")))

    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:
        version = str(connection.scalar(text("SELECT version()")))
        found = _VERSION.match(version)
        return tuple(map(int, found.groups())) if found else ()
