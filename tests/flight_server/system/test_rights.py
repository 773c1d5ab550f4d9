"""Who may see and end what: today every login is an administrator's."""

from flightkeeper.flight_server.system import rights
from flightkeeper.flight_server.system.tables import TABLES
from tests.flight_server.system.callers import caller


def test_everybody_who_is_logged_in_may() -> None:
    assert rights.administers(caller())
    assert all(rights.may_read(caller(), table) for table in TABLES)
