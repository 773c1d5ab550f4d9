"""Calls without a client: what one says of its statement, and the owners of a lake it comes to."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine import lake_ledger
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.lake import ledger
from flightkeeper.flight_server.lake.gates import gate
from flightkeeper.flight_server.lake.location import Location
from flightkeeper.flight_server.lake.transactions import LakeTransactions
from flightkeeper.flight_server.lake.turns import Line
from flightkeeper.flight_server.lake.writes import LakeWrites


@dataclass
class FakeCall:
    """A caller's statement: its id, and whether another node may have run it before."""

    statement_id: str = ""
    sent_before: bool | None = None
    owner: str = "ada"
    changes: int = 0

    @property
    def may_be_known(self) -> bool:
        return bool(self.statement_id) and self.sent_before is not False

    def next_change(self) -> int:
        self.changes += 1
        return self.changes


def only(sql: str) -> Statement:
    """The statement of a text that has one."""
    (statement,) = parse(sql)
    return statement


_COMMIT = only("COMMIT")


@dataclass
class Node:
    """A database's connection, and the owners of its lake."""

    connection: Connection
    writes: LakeWrites
    transactions: LakeTransactions
    interfere: list[Callable[[], object]] = field(default_factory=list)
    """Done by others, each once, while a statement runs here."""

    def write(self, sql: str, call: FakeCall | None = None) -> int:
        """Change the lake."""
        statement = only(sql)
        assert self.writes.owns(self.connection, statement)

        def run(where: Connection) -> int:
            changed = where.change(statement)
            if self.interfere:
                self.interfere.pop(0)()
            return changed

        asking: Any = call or FakeCall()
        return self.writes.change(asking, self.connection, Change(statement, run))

    @property
    def owns(self) -> bool:
        """Whether the COMMIT of what is open is the lake's."""
        return self.transactions.owns(self.connection, _COMMIT)

    def commit(self, call: FakeCall, sent: str = "t1") -> int:
        """COMMIT what is open."""
        asking: Any = call
        change = Change(_COMMIT, lambda where: where.commit(), (sent,))
        return self.transactions.change(asking, self.connection, change) or 0

    def tell(self, statement_id: str, sent: str = "t1", owner: str = "ada") -> int:
        """What became of a COMMIT, whose answer was lost?"""
        return self.commit(FakeCall(statement_id, sent_before=True, owner=owner), sent)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        return self.connection.rows(sql)

    def values(self) -> list[int]:
        """What is in the table."""
        return [i for (i,) in self.rows("SELECT i FROM t ORDER BY i")]

    def noted(self, statement_id: str) -> int | None:
        """How many rows the ledger says that a statement changed; None = it does not know it."""
        entry = lake_ledger.found(self.connection, ledger.key("ada", statement_id, 1))
        return None if entry is None else entry.rows


@contextmanager
def node(database: Database, location: Location, name: str) -> Iterator[Node]:
    """A node that does not stand in line: what others do in between is the point."""
    with closing(database.connect()) as connection:
        connection.command("SET GLOBAL ducklake_max_retry_count = 2")
        line = Line(gate(location, database), patience_s=-1)
        yield Node(connection, LakeWrites(line, lambda: name), LakeTransactions(lambda: name))
