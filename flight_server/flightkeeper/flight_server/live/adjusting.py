"""What a change of settings reaches in a running node."""

from dataclasses import dataclass

from flightkeeper.flight_server import parts
from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flight_server.staging import Staging
from flightkeeper.flight_server.telemetry.logging import log_from


@dataclass(frozen=True, slots=True)
class Adjustable:
    """The parts of a node that take other settings while they work. Thread-safe."""

    database: Database
    admission: Admission
    sessions: Sessions
    staging: Staging
    execution: Execution

    def adjust(self, before: NodeSettings, after: NodeSettings) -> None:
        """Let settings hold from the next statement on; what runs goes on.

        Raises:
            NodeError: the engine refuses them; those before hold.
        """
        # The one part that may refuse comes first.
        self.database.configure(parts.database_options(after))
        self.admission.limit(after.statements_max)
        self.admission.drain(drained=after.drained)
        self.sessions.limit(parts.session_limits(after))
        self.staging.limit(after.ingest_bytes_max)
        self.execution.default_to(parts.default_options(after))
        self.execution.let_sql_set(everything=after.sql_settings == "all")
        if after.log_level != before.log_level:
            log_from(after.log_level)
