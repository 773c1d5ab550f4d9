"""The servers Flightkeeper is measured against; each runs as `python -m benchmarks.baselines NAME`.

`raw` is the transport's own limit: the same batches, held in memory. `smallest` is the least a
pyarrow.flight server over DuckDB can be: no login, no sessions, no schema in its FlightInfo.
"""

import sys
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import flight

from benchmarks.data import BATCH_ROWS, CREATE_TABLES


class Smallest(flight.FlightServerBase):
    """GetFlightInfo echoes the statement, DoGet runs it."""

    def __init__(self) -> None:
        self._database = duckdb.connect()
        for statement in CREATE_TABLES:
            self._database.execute(statement)
        super().__init__("grpc://127.0.0.1:0")

    def get_flight_info(self, _context: Any, descriptor: Any) -> flight.FlightInfo:
        """The statement itself is the ticket."""
        endpoint = flight.FlightEndpoint(descriptor.command, [])
        return flight.FlightInfo(pa.schema([]), descriptor, [endpoint], -1, -1)

    def do_get(self, _context: Any, ticket: flight.Ticket) -> flight.RecordBatchStream:
        """Run the statement."""
        query = ticket.ticket.decode()
        reader = self._database.cursor().execute(query).to_arrow_reader(BATCH_ROWS)
        return flight.RecordBatchStream(reader)


class Raw(Smallest):
    """Answers every statement with the big table, from memory."""

    def __init__(self) -> None:
        super().__init__()
        reader = self._database.execute("FROM big").to_arrow_reader(BATCH_ROWS)
        self._table = reader.read_all()

    def do_get(self, _context: Any, _ticket: flight.Ticket) -> flight.RecordBatchStream:
        """The table, whatever was asked."""
        return flight.RecordBatchStream(self._table)


if __name__ == "__main__":
    server = {"smallest": Smallest, "raw": Raw}[sys.argv[1]]()
    print(f"grpc://127.0.0.1:{server.port}", flush=True)
    server.serve()
