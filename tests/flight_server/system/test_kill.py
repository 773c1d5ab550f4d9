"""KILL as a value."""

from flightkeeper.flight_server.system.kill import Kill, Target


def test_it_answers_rows_changes_something_and_is_let_into_a_full_node() -> None:
    command = Kill(Target.EITHER, "x")
    assert command.schema is not None
    assert command.schema.names == ["id", "outcome", "notice"]
    assert (command.read_only, command.stateful, command.urgent) == (False, False, True)
