"""SqlInfo as a table: every value in the child its clients read it from."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flightsql import schemas
from flightkeeper.flightsql.sql_info import (
    Fact,
    bigint,
    bitmask,
    flag,
    lists,
    table,
    text,
    texts,
)

_FACTS: Mapping[int, Fact] = {
    0: text("Flightkeeper"),
    3: flag(value=False),
    8: bitmask(1),
    503: bigint(2**40),
    508: texts(w for w in ("ab", "cd")),
    517: lists({1: (2, 3), 4: ()}),
    514: text(""),
    4: flag(value=True),
}
_PLAIN = {
    0: "Flightkeeper",
    3: False,
    4: True,
    8: 1,
    503: 2**40,
    508: ["ab", "cd"],
    514: "",
    517: [(1, [2, 3]), (4, [])],
}


def _rows(answer: pa.Table) -> dict[int, object]:
    return {row["info_name"]: row["value"] for row in answer.to_pylist()}


@given(st.sets(st.sampled_from([*_FACTS, 77, 10_000])))
def test_any_subset_can_be_asked_for(wanted: set[int]) -> None:
    answer = table(_FACTS, wanted)
    answer.validate(full=True)
    assert answer.schema == schemas.SQL_INFO
    known = {key: value for key, value in _PLAIN.items() if not wanted or key in wanted}
    assert _rows(answer) == known
    assert answer["info_name"].to_pylist() == sorted(known)
    assert answer.combine_chunks().to_batches()[0].num_rows == len(known) if known else True


def test_only_unknown_ids_give_an_empty_answer() -> None:
    assert table(_FACTS, [9999]).num_rows == 0


def test_values_travel_in_their_own_child() -> None:
    union: Any = table(_FACTS)["value"].combine_chunks()
    codes = dict(zip(sorted(_FACTS), union.type_codes.to_pylist(), strict=True))
    assert codes == {key: int(fact.child) for key, fact in _FACTS.items()}


def test_it_survives_the_wire() -> None:
    sink = pa.BufferOutputStream()
    answer = table(_FACTS)
    with pa.ipc.new_stream(sink, answer.schema) as writer:
        writer.write_table(answer)
    assert _rows(pa.ipc.open_stream(sink.getvalue()).read_all()) == _PLAIN
