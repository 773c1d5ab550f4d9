"""Tables by their path, for Flight clients that know no SQL: GetFlightInfo, GetSchema, ListFlights.

A path is [table], [schema, table] or [catalog, schema, table], and stands for all rows of that
table or view. Its ticket is that of a statement, so it is fetched, renewed and cancelled like one.
"""

import uuid
from collections.abc import Iterator

import pyarrow as pa
from pyarrow import flight

from flightkeeper.discovery.principals.model import Securable, folded
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.catalog import Relation, TableFilter
from flightkeeper.flight_server.engine.dictionaries import plain_schema
from flightkeeper.flight_server.engine.table_schemas import TableSchemas
from flightkeeper.flight_server.errors import InvalidArgument, NotFound
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers.routes import Routes
from flightkeeper.flight_server.handlers.statements import READ_LIFETIME_S, Statements
from flightkeeper.flight_server.sql.dialects import DUCKDB
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Path
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody

_PARTS_MAX = 3
_UNKNOWN = -1


class Paths:
    """Serves tables by path. Thread-safe."""

    def __init__(self, execution: Execution, statements: Statements) -> None:
        self._execution = execution
        self._statements = statements

    def routes(self) -> Routes:
        """What this family serves."""
        return Routes(
            flight_info={Path: self._info}, schema={Path: self._schema}, flights={"": self._list}
        )

    def _info(
        self, call: Call, path: Path, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        return self._statements.plan(call, self._found(call, path), descriptor)

    def _schema(self, call: Call, path: Path) -> pa.Schema:
        return self._statements.schema(call, self._found(call, path))

    def _list(self, call: Call, pattern: str) -> Iterator[flight.FlightInfo]:
        r"""Every table and view that can be read, with a ticket each that reads it when it comes.

        How many rows there are is not said: DuckDB's estimate counts those that were deleted.

        Args:
            pattern: for "schema.table", as in LIKE, with `\` before a `%` or `_` that is meant;
                empty = any.
        """
        wanted = TableFilter(path_pattern=pattern or None)
        with self._execution.borrowed(call) as connection:
            relations = catalog.relations(connection, wanted)
            known = TableSchemas(connection, wanted)
            found = [(relation, known.result(relation)) for relation in relations]
            visibility = self._execution.rules.visibility(call.identity.principal, connection)
        for relation, schema in found:
            table = Securable(*map(folded, (relation.catalog, relation.schema, relation.name)))
            if schema is None or (visibility is not None and not visibility.sees(table)):
                continue
            shown = schema if visibility is None else visibility.schema(table, schema)
            yield self._offer(call, relation, shown)

    def _offer(self, call: Call, relation: Relation, schema: pa.Schema) -> flight.FlightInfo:
        body = self._read(call, relation.sql)
        body.execution_id = uuid.uuid4().hex
        schema = plain_schema(schema) if body.plain else schema
        endpoint = self._statements.endpoint(body, READ_LIFETIME_S)
        descriptor = flight.FlightDescriptor.for_path(
            relation.catalog, relation.schema, relation.name
        )
        return flight.FlightInfo(schema, descriptor, [endpoint], _UNKNOWN, _UNKNOWN)

    def _found(self, call: Call, path: Path) -> StatementBody:
        """What reads the table of a path.

        Raises:
            InvalidArgument: no table can have this path.
            NotFound: there is no such table.
        """
        parts = list(path.path)
        if not 1 <= len(parts) <= _PARTS_MAX:
            raise InvalidArgument(
                "a path is [table], [schema, table] or [catalog, schema, table]; this one has "
                f"{len(parts)} parts"
            )
        with self._execution.borrowed(call) as connection:
            name = catalog.find(connection, parts)
        access = self._execution.rules.access(call.identity.principal)
        if name is None and access is not None and not access.superuser:
            name = catalog.dotted(parts)  # refused, as what is there and not granted
        if name is None:
            raise NotFound(f"there is no table or view {catalog.dotted(parts)}")
        return self._read(call, name)

    def _read(self, call: Call, name: str) -> StatementBody:
        body = self._statements.body(call, f"SELECT * FROM {name}", b"")  # noqa: S608 - quoted
        body.dialect = DUCKDB
        return body
