"""A session begins with nothing, and none shares anything with another."""

from flightkeeper.flight_server.session_state import Session, Transaction


def test_it_begins_with_nothing() -> None:
    one, other = Session(5), Session(6)
    assert (one.used_s, one.connection, one.holder, one.lent) == (5, None, None, 0)
    assert one.locks is not other.locks
    assert Transaction("t", "s", "ada", 5).connection is None
