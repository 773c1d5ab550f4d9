"""A node's part in its cluster."""

from flightkeeper.discovery.reference_table import Content
from flightkeeper.discovery.reference_tables import Author, ReferenceTables
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.member import Member
from flightkeeper.flight_server.cluster.session_locks import SessionLocks
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.sessions import SessionLimits, Sessions
from tests.flight_server.cluster.test_reference_copies import ROWS


def locks(registry: MemoryRegistry, database: Database) -> SessionLocks:
    sessions = Sessions(database, SessionLimits(8, 60, 60))
    return SessionLocks(registry, sessions, Admission(8), Clocks())


def test_what_was_agreed_is_there_when_it_has_started() -> None:
    registry, database = MemoryRegistry(), Database(DatabaseOptions())
    tables = ReferenceTables(registry)
    tables.create("geo.countries", Content(ROWS), Author("ada", 0))
    told: list[tuple[str, str]] = []
    member = Member(
        registry,
        database,
        Clocks(),
        lambda *problem, **_: told.append(problem),
        locks(registry, database),
        lambda: NodeSettings(insecure=True),
        lambda *_: None,
    )
    assert member.start(10)
    connection = database.connect()
    assert connection.rows("SELECT count(*) FROM geo.countries") == [(2,)]
    assert told == [("reference tables", ""), ("catalog", "")]
    connection.close()
    member.close()
    member.close()
    registry.close()
    database.close()


def test_a_registry_that_is_away_keeps_nobody_from_starting() -> None:
    registry, database = MemoryRegistry(), Database(DatabaseOptions())
    registry.go_unreachable()
    those = locks(registry, database)
    member = Member(
        registry,
        database,
        Clocks(),
        lambda *_, **__: None,
        those,
        lambda: NodeSettings(insecure=True),
        lambda *_: None,
    )
    assert not member.start(0.01)
    member.close()
    database.close()
