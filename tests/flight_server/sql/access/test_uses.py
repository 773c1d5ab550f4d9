"""What is asked about what a statement uses."""

from flightkeeper.discovery.principals.model import Privilege
from flightkeeper.flight_server.sql.access.uses import TableUse, Target, Uses


def test_all_names_are_looked_up() -> None:
    needs = frozenset({Privilege.SELECT})
    found = Uses(
        tables=(TableUse(("s", "a"), needs),), target=Target(("b",), needs), makes=("c", "d")
    )
    assert found.names == ("a", "b", "d")
    assert Uses(makes_schema=("e",)).names == ("e",)
    assert Uses().names == ()
