"""Partitions: the parts of one result, to be read by other threads, processes or machines.

Owns nothing. A partition is a value that can be pickled; whoever has a connection to the service,
as the same user, reads it.
"""

from dataclasses import dataclass

import pyarrow as pa

from flightkeeper.client import execution
from flightkeeper.client.attempts import Attempt, Text
from flightkeeper.client.delivery import Delivery
from flightkeeper.client.execution import Fetching
from flightkeeper.client.pool import Pool
from flightkeeper.client.transport import Endpoint, Plan
from flightkeeper.discovery.records import Instance


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of a result. Can be pickled, and read by `Connection.read_partition`.

    Attributes:
        number: its place among the parts, from 0.
        statement_id: under which nodes log the statement that made it.
        node: id of the node that has it ready.
        schema: the columns.
    """

    number: int
    statement_id: str
    node: str
    location: str
    schema: pa.Schema
    ticket: bytes
    locations: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Partition {self.number} on {self.node}>"


@dataclass(frozen=True, slots=True)
class Partitions:
    """The parts of one result: all of them are needed, each once.

    Attributes:
        ordered: the rows are in an order, which is that of the parts.
    """

    schema: pa.Schema
    parts: tuple[Partition, ...]
    ordered: bool


def plan(attempt: Attempt, text: Text) -> Partitions:
    """Start a query; the parts of its result."""
    planned = execution.plan(attempt, text)
    node = attempt.lease.instance
    parts = tuple(
        Partition(
            number,
            attempt.statement.statement_id,
            node.node_id,
            node.location,
            planned.schema,
            endpoint.ticket,
            endpoint.locations,
        )
        for number, endpoint in enumerate(planned.endpoints)
    )
    return Partitions(planned.schema, parts, planned.ordered)


def owner(partition: Partition) -> Instance:
    """The node that has a partition ready."""
    return Instance("", partition.node, partition.location, "")


def read(attempt: Attempt, partition: Partition, pool: Pool) -> Delivery:
    """Begin to read a partition on a node."""
    endpoint = Endpoint(partition.ticket, partition.locations)
    return execution.fetch(attempt, Plan(partition.schema, (endpoint,)), pool, Fetching())
