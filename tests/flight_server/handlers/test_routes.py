"""The tables handlers are found in."""

import pytest

from flightkeeper.flight_server.handlers.routes import Action, Routes, merge
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql


def _nothing(*_arguments: object) -> None:
    raise NotImplementedError


_ACTION = Action(sql.ActionBeginTransactionRequest, _nothing, "Does nothing.")  # type: ignore[arg-type]


def test_families_make_one_table() -> None:
    one = Routes(put={sql.CommandStatementUpdate: _nothing})  # type: ignore[dict-item]
    two = Routes(put={sql.CommandStatementIngest: _nothing}, actions={"A": _ACTION})  # type: ignore[dict-item]
    merged = merge([one, two])
    assert set(merged.put) == {sql.CommandStatementUpdate, sql.CommandStatementIngest}
    assert merged.actions == {"A": _ACTION}
    assert not merged.get
    assert len(one.put) == 1


def test_two_handlers_for_one_message_are_a_mistake() -> None:
    family = Routes(actions={"A": _ACTION})
    with pytest.raises(ValueError, match=r"two handlers for \{'A'\}"):
        merge([family, family])


def test_flight_sql_packs_its_actions() -> None:
    assert _ACTION.packed
