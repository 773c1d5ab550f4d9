"""The system tables: their columns, types and units. Pure data.

A table that is added here has a name in SQL; who has its rows says so in `providers`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

import pyarrow as pa

SCHEMA = "system"
"""What stands before their names; DuckDB's own internal catalog is called so, too."""

_ARROW: Mapping[str, pa.DataType] = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DOUBLE": pa.float64(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
    "VARCHAR": pa.string(),
}

_TIME = "TIMESTAMP WITH TIME ZONE"


class Rows(Enum):
    """Who has the rows of a table."""

    EACH_NODE = auto()
    """Each node has its own; all of them together are the table's."""
    ANY_NODE = auto()
    """They are the same, whichever node is asked."""


class Column(NamedTuple):
    """A column.

    Attributes:
        kind: its type as DuckDB writes it.
        about: what it holds, with its unit.
    """

    name: str
    kind: str
    about: str


@dataclass(frozen=True, slots=True)
class SystemTable:
    """A table.

    Attributes:
        about: what a row of it is.
    """

    name: str
    about: str
    rows: Rows
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """Its columns in Arrow's types."""
        return pa.schema([(column.name, _ARROW[column.kind]) for column in self.columns])


_NODE = Column("node_id", "VARCHAR", "the node whose row it is")
_STATEMENT = (
    _NODE,
    Column("statement_id", "VARCHAR", "unique in the cluster; what KILL takes"),
    Column("client_id", "VARCHAR", "what the client calls the statement, if it says so"),
    Column("session_id", "VARCHAR", "the session it belongs to"),
    Column("principal", "VARCHAR", "whose statement it is"),
    Column("text", "VARCHAR", "as its client wrote it, cut, with nothing that may be secret"),
    Column("dialect", "VARCHAR", "the SQL dialect it is written in"),
    Column("started_at", _TIME, "when it began"),
)
_DELIVERED = (
    Column("rows", "BIGINT", "rows of its answer given to the network so far, or rows it changed"),
    Column("bytes", "BIGINT", "bytes of these in memory, not compressed"),
)

NODES = SystemTable(
    "nodes",
    "a node of the service, as it tells itself, or the registry where it does not answer",
    Rows.EACH_NODE,
    (
        Column("node_id", "VARCHAR", "the node"),
        Column("state", "VARCHAR", "`starting`, `up`, `draining`, or `unreachable`: no answer"),
        Column("notice", "VARCHAR", "why its rows are missing in other tables; else what is wrong"),
        Column("service", "VARCHAR", "the service it belongs to"),
        Column("location", "VARCHAR", "where clients reach it"),
        Column("zone", "VARCHAR", "the zone it stands in"),
        Column("weight", "BIGINT", "its share of statements, relative to other nodes"),
        Column("databases", "VARCHAR", "private databases that only it has, with commas between"),
        Column("version", "VARCHAR", "of Flightkeeper"),
        Column("engine_version", "VARCHAR", "of DuckDB; NULL when it does not answer"),
        Column("incarnation", "VARCHAR", "this life of the node"),
        Column("registered_at", _TIME, "when this life began"),
        Column("statements", "BIGINT", "running now; NULL when it does not answer"),
        Column("statements_max", "BIGINT", "how many may run"),
        Column("sessions", "BIGINT", "known now; NULL when it does not answer"),
        Column("answered_ms", "DOUBLE", "how long its answer took, in milliseconds"),
    ),
)
SESSIONS = SystemTable(
    "sessions",
    "a session that a node knows: a login, or a connection where there is none",
    Rows.EACH_NODE,
    (
        _NODE,
        Column("session_id", "VARCHAR", "unique in the cluster; what KILL SESSION takes"),
        Column("principal", "VARCHAR", "who logged in"),
        Column("since", _TIME, "when this node heard of it first"),
        Column("used_at", _TIME, "when this node heard of it last"),
        Column("idle_s", "DOUBLE", "seconds since then"),
        Column("calls", "BIGINT", "calls it has made to this node"),
        Column("statements", "BIGINT", "of these, statements that run now"),
        Column("pinned", "BOOLEAN", "it has state on this node, and only there"),
        Column("in_transaction", "BOOLEAN", "a transaction is open"),
        Column("peer", "VARCHAR", "the address it calls from"),
        Column("user_agent", "VARCHAR", "its Flight library, as it calls itself"),
    ),
)
STATEMENTS = SystemTable(
    "statements",
    "a statement that runs now, or whose result is not delivered yet",
    Rows.EACH_NODE,
    (
        *_STATEMENT,
        Column("elapsed_ms", "DOUBLE", "milliseconds since then"),
        Column("state", "VARCHAR", "`running`, `waiting` to be fetched, `delivering`, `stopping`"),
        *_DELIVERED,
    ),
)
QUERY_LOG = SystemTable(
    "query_log",
    "a statement that ended; each node remembers its newest",
    Rows.EACH_NODE,
    (
        *_STATEMENT,
        Column("duration_ms", "DOUBLE", "to its last batch, in milliseconds"),
        Column(
            "outcome", "VARCHAR", "`finished`, `failed`, `cancelled`, `killed`, or `dropped` unread"
        ),
        Column("error", "VARCHAR", "class of its error, such as `InvalidArgument`; empty for none"),
        *_DELIVERED,
    ),
)
SETTINGS = SystemTable(
    "settings",
    "a setting as it holds on a node; passwords are not shown",
    Rows.EACH_NODE,
    (
        _NODE,
        Column("name", "VARCHAR", "of the setting"),
        Column("value", "VARCHAR", "what holds; NULL for none"),
        Column(
            "source",
            "VARCHAR",
            "`node` or `cluster`: set there while nodes run; `start`: given when the node was "
            "started; `default`",
        ),
        Column("live", "BOOLEAN", "it may be changed while nodes run"),
        Column("description", "VARCHAR", "what it means"),
    ),
)
EVENTS = SystemTable(
    "events",
    "something that happened to a node; each remembers its newest",
    Rows.EACH_NODE,
    (
        _NODE,
        Column("happened_at", _TIME, "when"),
        Column("event", "VARCHAR", "what, such as `registry lost` or `statement killed`"),
        Column("subject", "VARCHAR", "what it happened to"),
        Column("detail", "VARCHAR", "more, for a person"),
    ),
)

_LINE = (
    Column("position", "BIGINT", "place in line, from 0 on"),
    Column("held", "BOOLEAN", "whether it holds it; else it waits for those before it"),
    Column("token", "BIGINT", "its fencing token, now or once it holds it"),
    Column("holder", "VARCHAR", "its session in ZooKeeper; empty in a directory"),
)
LOCKS = SystemTable(
    "locks",
    "somebody who holds a lock of the registry, or waits for it",
    Rows.ANY_NODE,
    (
        Column("name", "VARCHAR", "of the lock"),
        Column("claim", "VARCHAR", "`exclusive`, `shared`, or how many permits there are"),
        *_LINE,
    ),
)
LEADERS = SystemTable(
    "leaders",
    "somebody who leads for a duty, or stands for it",
    Rows.ANY_NODE,
    (
        Column("duty", "VARCHAR", "what there is one leader for"),
        Column("node_id", "VARCHAR", "the node that leads, as it says itself; else NULL"),
        Column("since", _TIME, "since when it does"),
        *_LINE,
    ),
)

_OBJECT = (
    Column("schema_name", "VARCHAR", "the schema it is in"),
    Column("name", "VARCHAR", "its name there"),
)
CATALOG = SystemTable(
    "catalog",
    "an external table, view or macro that the cluster has defined, or a reference table",
    Rows.ANY_NODE,
    (
        *_OBJECT,
        Column("kind", "VARCHAR", "`external table`, `view`, `macro` or `reference table`"),
        Column("format", "VARCHAR", "of the files of an external table"),
        Column("location", "VARCHAR", "of the files of an external table"),
        Column("partitioned_by", "VARCHAR", "its partition columns, with commas between"),
        Column("partitions", "BIGINT", "how many partitions it has"),
        Column("owner", "VARCHAR", "who made it"),
        Column("comment", "VARCHAR", "what was said of it"),
        Column("changed_by", "VARCHAR", "who changed it last"),
        Column("changed_at", _TIME, "when, by the clock of who did"),
    ),
)
PARTITIONS = SystemTable(
    "partitions",
    "a partition of an external table",
    Rows.ANY_NODE,
    (
        *_OBJECT,
        Column("partition", "VARCHAR", "its values, as `column=value/…`"),
        Column("path", "VARCHAR", "its folder, below the table's location or elsewhere"),
        Column("files", "BIGINT", "how many files are registered; NULL = all that are there"),
        Column("rows", "BIGINT", "rows in its files; NULL = not known"),
        Column("bytes", "BIGINT", "size of its files; NULL = not known"),
    ),
)
SNAPSHOTS = SystemTable(
    "snapshots",
    "a version of the lake; of very many, the newest 10,000",
    Rows.ANY_NODE,
    (
        Column("node_id", "VARCHAR", "the node that made it; NULL = it does not say"),
        Column("version", "BIGINT", "its number, as in `AT (VERSION => …)`"),
        Column("made_at", _TIME, "when it was committed, by the clock of who did"),
        Column("changes", "VARCHAR", "what it changed, for a person"),
        Column("statements", "BIGINT", "how many it holds; NULL = a transaction, or not known"),
        Column("message", "VARCHAR", "what was said of it"),
    ),
)
USERS = SystemTable(
    "users",
    "a user or role of the registry",
    Rows.ANY_NODE,
    (
        Column("name", "VARCHAR", "of the user or role"),
        Column("kind", "VARCHAR", "`user` or `role`"),
        Column("member_of", "VARCHAR", "the roles it is in, with commas between"),
        Column("changed_by", "VARCHAR", "who changed it last"),
        Column("changed_at", _TIME, "when, by the clock of who did"),
    ),
)
GRANTS = SystemTable(
    "grants",
    "a privilege that a user or role has been granted",
    Rows.ANY_NODE,
    (
        Column("grantee", "VARCHAR", "the user or role"),
        Column("privilege", "VARCHAR", "such as `SELECT`"),
        Column("securable", "VARCHAR", "what it is on, such as `TABLE main.orders`"),
        Column("columns", "VARCHAR", "the columns it is for, with commas between; NULL = all"),
        Column("row_filter", "VARCHAR", "the condition of the rows it is for; NULL = all"),
    ),
)
LAKE = SystemTable(
    "lake",
    "something that has to be done for the lake now and then, on one node for all",
    Rows.ANY_NODE,
    (
        Column(
            "step",
            "VARCHAR",
            "`flush`: rows into files; `rewrite`: files of which much is deleted; `merge`: small "
            "files; `uninline`: tables whose rows are looked for in the catalog, though they go "
            "into files; `expire`: versions; `clean`: files that no version has; `orphans`: files "
            "that the lake does not know; `ledger`: statements that are not sent again any more; "
            "`log`: MiB of SQLite's log",
        ),
        Column("todo", "BIGINT", "how many of them there are now; NULL = not known"),
        Column("node_id", "VARCHAR", "the node that did it last; NULL = nobody has"),
        Column("ran_at", _TIME, "when there was something to do last, by that node's clock"),
        Column("took_ms", "BIGINT", "how long it took, in milliseconds"),
        Column("outcome", "VARCHAR", "`done`, `put off` as others changed the same, or `failed`"),
        Column("detail", "VARCHAR", "what came of it, or why not"),
    ),
)
LAKE_COPIES = SystemTable(
    "lake_copies",
    "a copy of a table of the lake, which a node reads in its place",
    Rows.EACH_NODE,
    (
        Column("node_id", "VARCHAR", "the node that has it"),
        Column("schema_name", "VARCHAR", "of the table, lower case"),
        Column("table_name", "VARCHAR", "the same"),
        Column("since", "BIGINT", "the version that was copied"),
        Column("until", "BIGINT", "the newest version that it is known to be right at"),
        Column("bytes", "BIGINT", "size of the files that it was made of"),
        Column("reads", "BIGINT", "statements that it was good for since it was made"),
    ),
)

TABLES: Mapping[str, SystemTable] = {
    table.name: table
    for table in (
        *(NODES, SESSIONS, STATEMENTS, QUERY_LOG, SETTINGS, EVENTS, LOCKS, LEADERS),
        *(CATALOG, PARTITIONS, SNAPSHOTS, USERS, GRANTS, LAKE, LAKE_COPIES),
    )
}
"""All of them, by name."""


def markdown() -> str:
    """The tables for the documentation."""
    return "\n".join(line for table in TABLES.values() for line in _described(table))


def _described(table: SystemTable) -> Iterator[str]:
    yield f"## system.{table.name}"
    yield f"A row is {table.about}."
    yield ""
    yield "| column | type | holds |"
    yield "|---|---|---|"
    for column in table.columns:
        yield f"| `{column.name}` | {column.kind} | {column.about} |"
    yield ""
