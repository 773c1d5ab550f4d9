"""The rows of system tables: this node's own, and those of all nodes together.

Owns how answers of several nodes become one table: nodes of another version may have other columns,
and for a node that does not answer `system.nodes` has a row that says so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pyarrow as pa

from flightkeeper.discovery.records import Instance
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.system.peers import Peers, Reply
from flightkeeper.flight_server.system.requests import Requests
from flightkeeper.flight_server.system.tables import NODES, TABLES, Rows
from flightkeeper.flightsql.wire.flightkeeper_pb2 import PeerRequest

Provider = Callable[[], Sequence[Sequence[object]]]
"""The rows of a table that a node has, each in the order of the columns."""

UNREACHABLE = "unreachable"


class Collecting:
    """Collects rows. Thread-safe."""

    def __init__(self, providers: Mapping[str, Provider], peers: Peers, requests: Requests) -> None:
        """`providers` are by table; of `system.nodes` this node has its own row."""
        self._providers = providers
        self._peers = peers
        self._requests = requests

    def own(self, name: str) -> pa.Table:
        """The rows that this node has of a table; none if it does not know the table."""
        provider = self._providers.get(name)
        table = TABLES[name]
        return rows_of(table.schema, provider() if provider is not None else ())

    def all(self, call: Call, names: frozenset[str]) -> Mapping[str, pa.Table]:
        """All rows of tables, as far as nodes answer in time."""
        spread = [name for name in sorted(names) if TABLES[name].rows is Rows.EACH_NODE]
        principal = call.identity.principal
        replies: Mapping[str, Reply] = {}
        if spread:
            request = PeerRequest(principal=principal, tables=spread)
            replies = self._peers.ask(self._requests.sign(request), principal)
        found = {name: self.own(name) for name in sorted(names)}
        for number, name in enumerate(spread):
            found[name] = pa.concat_tables([found[name], *_read(replies.values(), number, name)])
        if NODES.name in found:
            found[NODES.name] = _with_silent(found[NODES.name], list(replies.values()))
        return found

    def answer(self, names: Sequence[str]) -> list[bytes]:
        """What another node gets: the rows of each table as an Arrow stream; none if unknown."""
        return [_written(self.own(name)) if name in TABLES else b"" for name in names]


def rows_of(schema: pa.Schema, rows: Sequence[Sequence[object]]) -> pa.Table:
    """Rows as a table."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def _written(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _read(replies: Iterable[Reply], number: int, name: str) -> list[pa.Table]:
    """What nodes answered for a table, in the columns that it has here."""
    found = []
    for reply in replies:
        if reply.answers is not None and number < len(reply.answers) and reply.answers[number]:
            with pa.ipc.open_stream(reply.answers[number]) as stream:
                found.append(_aligned(stream.read_all(), TABLES[name].schema))
    return found


def _aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows in the columns of a schema; what a node of another version lacks is NULL."""
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _with_silent(table: pa.Table, replies: Sequence[Reply]) -> pa.Table:
    """`system.nodes` with how long answers took, and with rows of those who gave none."""
    took = {reply.instance.node_id: round(reply.took_s * 1000, 3) for reply in replies}
    told = [str(node) for node in table["node_id"].to_pylist()]
    index = table.column_names.index("answered_ms")
    taken = pa.array([took.get(node, 0.0) for node in told], pa.float64())
    silent = [_silent(r.instance, r.problem) for r in replies if r.instance.node_id not in told]
    rows = [[row.get(column.name) for column in NODES.columns] for row in silent]
    # Not by way of Python's values: those of times would load pandas.
    return pa.concat_tables(
        [table.set_column(index, "answered_ms", taken), rows_of(NODES.schema, rows)]
    ).sort_by("node_id")


def _silent(instance: Instance, problem: str) -> dict[str, object]:
    notice = f"{problem or 'it has no such table'}; its rows are missing in all system tables"
    return {**registered(instance), "state": UNREACHABLE, "notice": notice}


def registered(instance: Instance) -> dict[str, object]:
    """What the registry tells of a node, by column of `system.nodes`."""
    return {
        "node_id": instance.node_id,
        "state": instance.state.value.lower(),
        "notice": instance.problem,
        "service": instance.service,
        "location": instance.location,
        "zone": instance.zone,
        "weight": instance.weight,
        "databases": ", ".join(instance.databases),
        "version": instance.version,
        "incarnation": instance.incarnation,
        "registered_at": instance.registered_at_ms * 1000,
    }
