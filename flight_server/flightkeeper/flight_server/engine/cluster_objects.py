"""What the engine has of what the cluster defines, and what it can be asked about files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import uuid4

from flightkeeper.flight_server.engine.catalog import quoted
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument, NodeError

_TRIES_MAX = 5
_DEFINITIONS = {"CREATE", "DROP", "COMMENT_ON", "ALTER"}
"""What makes and unmakes the cluster's objects."""
_FILES_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Declared:
    """What the catalog says of the engine's views that are the cluster's tables.

    Attributes:
        keys: columns of their primary keys, by catalog, schema and name; none = no key.
    """

    keys: Mapping[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)


NOTHING = Declared(MappingProxyType({}))


class ClusterObjects:
    """The cluster's objects in the engine. Thread-safe.

    Attributes:
        catalog: where they are.
        declared: what there is to say of them; replaced as a whole.
    """

    def __init__(self, database: Database, catalog: str) -> None:
        self._database = database
        self.catalog = catalog
        self.declared = NOTHING

    def apply(self, statements: Sequence[str]) -> None:
        """Run statements, all or none.

        Raises:
            NodeError: what the engine said; nothing was done.
        """
        _check(statements)
        for tries_left in reversed(range(_TRIES_MAX)):
            try:
                with self._database.lent() as connection:
                    _transacted(connection, statements)
            except NodeError as exc:
                # Somebody else may be making the same schema.
                if not tries_left or "conflict" not in str(exc).lower():
                    raise
            else:
                return

    def try_out(self, statements: Sequence[str]) -> None:
        """Run statements, and undo them.

        Raises:
            NodeError: what the engine said.
        """
        _check(statements)
        with self._database.lent() as connection, connection.undoing():
            for statement in statements:
                connection.command(statement)

    def there(self) -> frozenset[tuple[str, str]]:
        """Schemas and names of the views and macros that are there, in lower case."""
        with self._database.lent() as connection:
            rows = connection.rows(_THERE, {"catalog": self.catalog})
        return frozenset((str(schema), str(name)) for schema, name in rows)

    def columns(self, query: str) -> Sequence[tuple[str, str]]:
        """Names and types of what a query answers with.

        Raises:
            NodeError: it does not bind.
        """
        with self._database.lent() as connection:
            rows = connection.rows(f"DESCRIBE {query}")
        return [(str(row[0]), str(row[1])) for row in rows]

    def arrow_schema(self, columns: Iterable[tuple[str, str]]) -> bytes:
        """Columns of these names and types as an Arrow IPC schema message."""
        casts = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in columns)
        with self._database.lent() as connection:
            schema = connection.describe(parse(f"SELECT {casts}")[0])
        return bytes(schema.serialize().to_pybytes())

    def canonical(
        self, kinds: Sequence[str], rows: Sequence[Sequence[str | None]]
    ) -> Sequence[tuple[str | None, ...]]:
        """Values as the engine writes them for their types.

        Args:
            rows: a value for each type.

        Raises:
            InvalidArgument: one is none of its type.
        """
        if not rows:
            return []
        casts = (f"CAST(CAST(r[{n}] AS {kind}) AS VARCHAR)" for n, kind in enumerate(kinds, 1))
        question = f"SELECT {', '.join(casts)} FROM (SELECT unnest($rows::VARCHAR[][]) AS r)"  # noqa: S608 - types that were canonical
        with self._database.lent() as connection:
            found = connection.rows(question, {"rows": [list(row) for row in rows]})
        return [tuple(None if value is None else str(value) for value in row) for row in found]

    def files(self, pattern: str) -> Sequence[str]:
        """The files that a pattern means, in the order of their names.

        Raises:
            NodeError: the engine cannot look there.
        """
        with self._database.lent() as connection:
            rows = connection.rows(
                "SELECT file FROM glob($pattern) ORDER BY 1", {"pattern": pattern}
            )
        return [str(file) for (file,) in rows]

    def parquet_sizes(self, paths: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Rows and bytes of Parquet files, by their footers.

        Raises:
            NodeError: one of them cannot be read.
        """
        found: dict[str, tuple[int, int]] = {}
        with self._database.lent() as connection:
            for begin in range(0, len(paths), _FILES_AT_ONCE):
                some = list(paths[begin : begin + _FILES_AT_ONCE])
                rows = connection.rows(_FOOTERS, {"files": some})
                found.update({str(file): (int(n), int(size)) for file, n, size in rows})
        return found


def trial_name() -> str:
    """A name that nothing has."""
    return f"flightkeeper_trial_{uuid4().hex}"


def _check(statements: Iterable[str]) -> None:
    """Refuse what is more than one definition: it may come from somebody's hand in the registry.

    Raises:
        InvalidArgument: nothing was run.
    """
    for text in statements:
        kinds = [found.kind for found in parse(text)]
        if len(kinds) != 1 or kinds[0] not in _DEFINITIONS:
            raise InvalidArgument("a definition holds more than one statement; nothing was run")


def _transacted(connection: Connection, statements: Sequence[str]) -> None:
    connection.begin()
    try:
        for statement in statements:
            connection.command(statement)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


_THERE = """
    SELECT lower(schema_name), lower(view_name) FROM duckdb_views() WHERE database_name = $catalog
    UNION
    SELECT lower(schema_name), lower(function_name) FROM duckdb_functions()
    WHERE database_name = $catalog AND NOT internal AND function_type LIKE '%macro'"""
_FOOTERS = """
    SELECT file_name, num_rows, file_size_bytes FROM parquet_file_metadata($files)"""
