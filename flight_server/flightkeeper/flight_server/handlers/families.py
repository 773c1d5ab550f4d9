"""All families of handlers, put together from the parts of a node that they work with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flightkeeper.discovery.records import Instance
from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine.cluster_objects import Declared
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.executions import Executions
from flightkeeper.flight_server.handlers import routes
from flightkeeper.flight_server.handlers.exchange import Exchange
from flightkeeper.flight_server.handlers.ingest import Ingest
from flightkeeper.flight_server.handlers.lifecycle import Lifecycle
from flightkeeper.flight_server.handlers.metadata import Metadata
from flightkeeper.flight_server.handlers.partitions import Partitions
from flightkeeper.flight_server.handlers.paths import Paths
from flightkeeper.flight_server.handlers.prepared import Prepared
from flightkeeper.flight_server.handlers.routes import Routes
from flightkeeper.flight_server.handlers.session_options import SessionOptions
from flightkeeper.flight_server.handlers.statements import Statements
from flightkeeper.flight_server.handlers.transactions import Transactions
from flightkeeper.flight_server.placement import Placement
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flight_server.staging import Staging
from flightkeeper.flightsql.tickets import Signer
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Transaction as TransactionBody


@dataclass(frozen=True, slots=True)
class Workings:
    """What handlers work with.

    Attributes:
        facts: what the node says of itself now (SqlInfo).
        declared: what the cluster has defined, which metadata tell besides the engine's own.
        home: where transactions are said to live.
        incarnation: the node's, in which its answers wait.
        record: the node's own.
        forget: told of sessions that were closed.
    """

    database: Database
    sessions: Sessions
    admission: Admission
    executions: Executions
    staging: Staging
    placement: Placement
    execution: Execution
    signer: Signer
    clocks: Clocks
    facts: Any
    declared: Callable[[], Declared]
    home: Callable[[], TransactionBody]
    incarnation: str
    record: Callable[[], Instance]
    forget: Callable[[str], None]


def served(node: Workings) -> Routes:
    """What a node serves of Flight SQL."""
    execution, executions, signer, clocks = (
        node.execution,
        node.executions,
        node.signer,
        node.clocks,
    )
    partitions = Partitions(execution, node.placement, node.database, executions.new_id)
    statements = Statements(execution, executions, partitions, signer, clocks, node.incarnation)
    transactions = Transactions(
        node.sessions, node.placement, execution, node.admission, signer, clocks, node.home
    )
    return routes.merge(
        [
            statements.routes(),
            Prepared(statements, execution, signer, executions.new_id).routes(),
            transactions.routes(),
            Ingest(execution, node.staging).routes(),
            Exchange(execution, node.staging).routes(),
            Metadata(execution, node.facts, node.declared).routes(),
            Paths(execution, statements).routes(),
            SessionOptions(execution, node.placement, node.sessions, node.forget).routes(),
            Lifecycle(executions, statements, execution, node.record).routes(),
        ]
    )
